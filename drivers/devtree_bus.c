/*
 * What `reg` and `interrupts` of a device tree node mean.
 *
 * The cell counts of an address belong to the node above, and each bus on the way to the root may
 * shift addresses by its `ranges`. An interrupt belongs to the controller named beside it
 * (interrupts-extended) or by the nearest interrupt-parent, whose #interrupt-cells says how long it
 * is. Owns nothing; reads through drivers/devtree.c. Called by drivers at probe time.
 */
#include "drivers/devtree.h"

#include "lib/errno.h"

#define CELLS_MAX 2            /* addresses and sizes that fit 64 bits */
#define INTERRUPT_CELLS_MAX 8

struct cells {
    uint32_t address, size;
};

static uint64_t cells_read(const uint8_t *at, uint32_t n)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < 4 * n; i++)
        value = value << 8 | at[i];
    return value;
}

static struct devtree_node ancestor(const struct devtree_node *node, uint32_t depth)
{
    struct devtree_node above = *node;

    above.depth = depth;
    return above;
}

/* The cell counts that hold for the children of `bus`. */
static int cells_of(const struct devtree_node *bus, struct cells *cells)
{
    cells->address = 2; /* the defaults of the specification, 2.3.5 */
    cells->size = 1;
    devtree_u32(bus, "#address-cells", &cells->address);
    devtree_u32(bus, "#size-cells", &cells->size);
    return cells->address <= CELLS_MAX && cells->size <= CELLS_MAX ? 0 : -EINVAL;
}

/* Translate [*start, *start + size) on `bus` to an address on the bus above it. */
static int translate(const struct devtree_node *bus, uint64_t *start, uint64_t size)
{
    struct devtree_node above = ancestor(bus, bus->depth - 1);
    struct cells own, outer;
    uint32_t len;
    const uint8_t *ranges = devtree_prop(bus, "ranges", &len);

    if (ranges == NULL || len == 0)
        return 0;
    if (cells_of(bus, &own) || cells_of(&above, &outer))
        return -EINVAL;
    uint32_t entry = 4 * (own.address + outer.address + own.size);

    for (; entry != 0 && len >= entry; ranges += entry, len -= entry) {
        uint64_t from = cells_read(ranges, own.address);
        uint64_t to = cells_read(ranges + 4 * own.address, outer.address);
        uint64_t extent = cells_read(ranges + 4 * (own.address + outer.address), own.size);

        if (*start >= from && *start - from < extent && size <= extent - (*start - from)) {
            *start = to + (*start - from);
            return 0;
        }
    }
    return -EINVAL;
}

int devtree_reg(const struct devtree_node *node, unsigned index, paddr_t *start, uint64_t *size)
{
    struct cells cells;
    uint32_t len;
    const uint8_t *reg = devtree_prop(node, "reg", &len);

    if (reg == NULL || node->depth == 0)
        return -ENOENT;
    struct devtree_node bus = ancestor(node, node->depth - 1);

    if (cells_of(&bus, &cells) || cells.address == 0)
        return -EINVAL;
    uint32_t entry = 4 * (cells.address + cells.size);

    if ((uint64_t)(index + 1ULL) * entry > len)
        return -ENOENT;
    reg += (uint64_t)index * entry;
    uint64_t address = cells_read(reg, cells.address);
    uint64_t extent = cells_read(reg + 4 * cells.address, cells.size);

    for (; bus.depth > 0; bus.depth--) {
        if (translate(&bus, &address, extent))
            return -EINVAL;
    }
    if (address + extent < address)
        return -EINVAL;
    *start = address;
    if (size != NULL)
        *size = extent;
    return 0;
}

/* The phandle of the nearest interrupt-parent, the node's own included; 0 when none is named. */
static uint32_t interrupt_parent(const struct devtree_node *node)
{
    struct devtree_node at = *node;
    uint32_t phandle;

    for (;; at.depth--) {
        if (devtree_u32(&at, "interrupt-parent", &phandle))
            return phandle;
        if (at.depth == 0)
            return 0;
    }
}

static int interrupt_cells(uint32_t controller, uint32_t *cells)
{
    struct devtree_node node;

    if (!devtree_find_phandle(controller, &node) ||
        !devtree_u32(&node, "#interrupt-cells", cells) || *cells == 0 ||
        *cells > INTERRUPT_CELLS_MAX)
        return -EINVAL;
    return 0;
}

int devtree_irq_next(const struct devtree_node *node, struct devtree_irq *irq)
{
    uint32_t len, cells, controller, at = irq->next;
    const uint8_t *list = devtree_prop(node, "interrupts-extended", &len);

    if (list != NULL) {
        if (at >= len || len - at < 8)
            return -ENOENT;
        controller = (uint32_t)cells_read(list + at, 1);
        at += 4;
    } else {
        list = devtree_prop(node, "interrupts", &len);
        if (list == NULL || at >= len)
            return -ENOENT;
        controller = interrupt_parent(node);
    }
    if (interrupt_cells(controller, &cells))
        return -EINVAL;
    if (len - at < 4 * cells)
        return -ENOENT;
    irq->controller = controller;
    irq->number = (uint32_t)cells_read(list + at, 1);
    irq->next = at + 4 * cells;
    return 0;
}

int devtree_irq(const struct devtree_node *node, unsigned index, struct devtree_irq *irq)
{
    struct devtree_irq at = {0};
    int error;

    for (unsigned i = 0;; i++) {
        error = devtree_irq_next(node, &at);
        if (error)
            return error;
        if (i == index) {
            *irq = at;
            return 0;
        }
    }
}
