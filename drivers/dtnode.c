/*
 * Nodes of the device tree: finding them, and what their `reg` and interrupts mean.
 *
 * The cell counts of an address belong to the node above, and each bus on the way to the root may
 * shift addresses by its `ranges`. Each search is one pass over the blob, a few thousand
 * instructions on QEMU's machines, so no index is kept. Called by drivers at boot.
 */
#include "dtnode.h"

#include "lib/string.h"

#define CELLS_MAX 2 /* addresses and sizes that fit 64 bits */

struct cells {
    uint32_t address, size;
};

/* ---- finding ---- */

/* The child that has the `len` bytes at `element` for a name, but for a unit address. => 0: none */
static dtnode_t find_child(dtnode_t parent, const char *element, size_t len)
{
    dtnode_t node = parent;
    int depth = 0;

    while ((node = dt_next(node, &depth)) && depth > 0) {
        const char *name = dt_name(node);

        if (depth == 1 && strncmp(name, element, len) == 0 && (name[len] == 0 || name[len] == '@'))
            return node;
    }
    return 0;
}

dtnode_t dt_path(const char *path)
{
    int depth = 0;
    dtnode_t node = *path == '/' ? dt_next(0, &depth) : 0;
    size_t len;

    for (; node && *path == '/'; path += len) {
        path++;
        for (len = 0; path[len] && path[len] != '/' && path[len] != ':'; len++)
            ;
        if (len > 0)
            node = find_child(node, path, len);
    }
    return node;
}

dtnode_t dt_stdout(void)
{
    const char *path = dt_string(dt_path("/chosen"), "stdout-path");
    char alias[32];
    size_t len = 0;

    if (path && *path != '/') {
        for (; path[len] && path[len] != ':' && len < sizeof(alias) - 1; len++)
            alias[len] = path[len];
        alias[len] = 0;
        path = dt_string(dt_path("/aliases"), alias);
    }
    return path ? dt_path(path) : 0;
}

dtnode_t dt_find_compatible(dtnode_t prev, const char *name)
{
    dtnode_t node = prev;
    int depth = 0;

    while ((node = dt_next(node, &depth)))
        if (dt_has_string(node, "compatible", name) && dt_enabled(node))
            return node;
    return 0;
}

/* ---- addresses ---- */

/* Reads the cell counts that hold for the children of `bus`. */
static bool cells_of(dtnode_t bus, struct cells *cells)
{
    cells->address = 2; /* the defaults of the specification, 2.3.5 */
    cells->size = 1;
    dt_u32(bus, "#address-cells", &cells->address);
    dt_u32(bus, "#size-cells", &cells->size);
    return cells->address <= CELLS_MAX && cells->size <= CELLS_MAX;
}

/* Translates [*start, *start + size) on `bus` to an address on the bus above it. */
static bool translate_address(dtnode_t bus, dtnode_t above, uint64_t *start, uint64_t size)
{
    struct cells own, outer;
    uint32_t len, entry;
    const uint8_t *ranges = dt_prop(bus, "ranges", &len);

    if (!ranges || len == 0)
        return true;
    if (!cells_of(bus, &own) || !cells_of(above, &outer))
        return false;
    entry = 4 * (own.address + outer.address + own.size);
    for (; entry && len >= entry; ranges += entry, len -= entry) {
        uint64_t from = dt_number(ranges, own.address);
        uint64_t to = dt_number(ranges + 4 * own.address, outer.address);
        uint64_t extent = dt_number(ranges + 4 * (own.address + outer.address), own.size);

        if (*start >= from && *start - from < extent && size <= extent - (*start - from)) {
            *start = to + (*start - from);
            return true;
        }
    }
    return false;
}

bool dt_reg(dtnode_t node, unsigned index, paddr_t *start, uint64_t *size)
{
    dtnode_t path[DEVTREE_DEPTH_MAX];
    unsigned bus = dt_ancestors(node, path) - 2;
    struct cells cells;
    uint32_t len, entry;
    const uint8_t *reg = dt_prop(node, "reg", &len);

    if (!reg || bus >= DEVTREE_DEPTH_MAX || !cells_of(path[bus], &cells) || cells.address == 0)
        return false;
    entry = 4 * (cells.address + cells.size);
    if ((index + 1ULL) * entry > len)
        return false;
    reg += (uint64_t)index * entry;
    *start = dt_number(reg, cells.address);
    *size = dt_number(reg + 4 * cells.address, cells.size);
    for (; bus > 0; bus--)
        if (!translate_address(path[bus], path[bus - 1], start, *size))
            return false;
    return *start + *size >= *start;
}

/* ---- interrupts ---- */

bool dt_irq(dtnode_t node, uint32_t *controller, uint32_t *number)
{
    dtnode_t path[DEVTREE_DEPTH_MAX];
    unsigned n = dt_ancestors(node, path);
    uint32_t len;
    const uint8_t *cells = dt_prop(node, "interrupts-extended", &len);

    if (cells && len >= 8) {
        *controller = (uint32_t)dt_number(cells, 1);
        *number = (uint32_t)dt_number(cells + 4, 1);
        return true;
    }
    if (!dt_u32(node, "interrupts", number))
        return false;
    while (n > 0 && !dt_u32(path[n - 1], "interrupt-parent", controller))
        n--;
    return n > 0;
}

uint32_t dt_intc_of_hart(uint64_t hartid)
{
    dtnode_t path[DEVTREE_DEPTH_MAX], node = 0;
    uint32_t phandle;
    uint64_t size;
    paddr_t id;
    unsigned n;

    while ((node = dt_find_compatible(node, "riscv,cpu-intc"))) {
        n = dt_ancestors(node, path);
        if (n > 1 && dt_reg(path[n - 2], 0, &id, &size) && id == hartid &&
            dt_u32(node, "phandle", &phandle))
            return phandle;
    }
    return 0;
}
