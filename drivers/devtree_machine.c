/*
 * What the kernel wants to know of the machine: RAM and what is taken of it, harts, the clock,
 * the command line, the initial RAM disk.
 *
 * Owns nothing; reads through drivers/devtree.c. Called by init/main.c before mm is up, so results
 * go to arrays of the caller. Ranges that wrap or are empty are left out.
 */
#include "drivers/devtree.h"

#include "lib/errno.h"
#include "lib/string.h"

/* Ranges sorted by start, in an array of the caller. Those of equal no_map do not touch. */
struct range_set {
    struct phys_range *range;
    size_t n, max;
};

/* Take out the first range of the set that touches `with` and is of its kind, into *found. */
static bool range_take(struct range_set *set, const struct phys_range *with,
                       struct phys_range *found)
{
    for (size_t i = 0; i < set->n; i++) {
        struct phys_range *at = &set->range[i];

        if (at->no_map == with->no_map && at->start <= with->end && with->start <= at->end) {
            *found = *at;
            memmove(at, at + 1, (--set->n - i) * sizeof(*at));
            return true;
        }
    }
    return false;
}

/* Add a range, joining what it touches; -ENOSPC changes nothing. */
static int range_add(struct range_set *set, struct phys_range add)
{
    struct phys_range old;
    size_t i;

    if (add.start >= add.end)
        return 0;
    while (range_take(set, &add, &old)) {
        add.start = old.start < add.start ? old.start : add.start;
        add.end = old.end > add.end ? old.end : add.end;
    }
    if (set->n == set->max)
        return -ENOSPC;
    for (i = set->n++; i > 0 && set->range[i - 1].start > add.start; i--)
        set->range[i] = set->range[i - 1];
    set->range[i] = add;
    return 0;
}

/* Add every entry of a node's `reg`. */
static int range_add_reg(struct range_set *set, const struct devtree_node *node)
{
    uint32_t len;
    int no_map = devtree_prop(node, "no-map", &len) != NULL;
    paddr_t start;
    uint64_t size;
    int result = 0;

    if (devtree_prop(node, "reg", &len) == NULL)
        return 0;
    for (unsigned i = 0; i < len / 4; i++) { /* no more entries than cells; some may be odd */
        if (devtree_reg(node, i, &start, &size) == 0 &&
            range_add(set, (struct phys_range){start, start + size, no_map}))
            result = -ENOSPC;
    }
    return result;
}

int devtree_memory(struct phys_range *banks, size_t max, size_t *n)
{
    struct range_set set = {banks, 0, max};
    struct devtree_node root, node;
    int result = 0;

    if (devtree_root(&root)) {
        node = root;
        while (devtree_next(&node)) {
            const char *type = devtree_string(&node, "device_type");

            if (type != NULL && strcmp(type, "memory") == 0 && devtree_enabled(&node) &&
                range_add_reg(&set, &node))
                result = -ENOSPC;
        }
    }
    *n = set.n;
    return result;
}

int devtree_reserved(struct phys_range *ranges, size_t max, size_t *n)
{
    struct range_set set = {ranges, 0, max};
    struct devtree_node parent, node;
    struct phys_range range;
    int result = 0;

    for (unsigned i = 0; devtree_reservation(i, &range); i++)
        result |= range_add(&set, range);
    if (devtree_path("/reserved-memory", &parent)) {
        node = parent;
        while (devtree_next_below(&parent, &node)) {
            if (devtree_enabled(&node))
                result |= range_add_reg(&set, &node);
        }
    }
    if (devtree_blob(&range))
        result |= range_add(&set, range);
    if (devtree_initrd(&range) == 0)
        result |= range_add(&set, range);
    *n = set.n;
    return result ? -ENOSPC : 0;
}

/* Does an ISA string as "rv64imac_zicsr_sstc" name the extension? A version may follow the name. */
static bool isa_names(const char *isa, const char *extension)
{
    size_t len = strlen(extension);

    for (; *isa != 0; isa++) {
        if (*isa == '_' && strncmp(isa + 1, extension, len) == 0) {
            char after = isa[1 + len];

            if (after == 0 || after == '_' || (after >= '0' && after <= '9'))
                return true;
        }
    }
    return false;
}

static bool hart_has(const struct devtree_node *cpu, const char *extension)
{
    const char *isa = devtree_string(cpu, "riscv,isa");

    return (isa != NULL && isa_names(isa, extension)) ||
           devtree_has_string(cpu, "riscv,isa-extensions", extension);
}

/* A cpu node that the kernel can run on: sifive_u's first hart, without an MMU, is none. */
static bool hart_usable(const struct devtree_node *cpu)
{
    const char *type = devtree_string(cpu, "device_type");
    const char *mmu = devtree_string(cpu, "mmu-type");

    return type != NULL && strcmp(type, "cpu") == 0 && devtree_enabled(cpu) && mmu != NULL &&
           strncmp(mmu, "riscv,sv", 8) == 0 && strcmp(mmu, "riscv,sv32") != 0;
}

size_t devtree_harts(struct devtree_hart *harts, size_t max)
{
    struct devtree_node cpus, node;
    size_t n = 0;

    if (!devtree_path("/cpus", &cpus))
        return 0;
    node = cpus;
    while (n < max && devtree_next_below(&cpus, &node)) {
        paddr_t hartid;

        if (node.depth != cpus.depth + 1 || !hart_usable(&node) ||
            devtree_reg(&node, 0, &hartid, NULL))
            continue;
        harts[n].hartid = hartid;
        harts[n].has_sstc = hart_has(&node, "sstc");
        n++;
    }
    return n;
}

bool devtree_hart_of_intc(uint32_t phandle, uint64_t *hartid)
{
    struct devtree_node node;
    paddr_t reg;

    if (!devtree_find_phandle(phandle, &node) || node.depth == 0 ||
        !devtree_has_string(&node, "compatible", "riscv,cpu-intc"))
        return false;
    node.depth--; /* the controller is a child of its hart's node */
    if (devtree_reg(&node, 0, &reg, NULL))
        return false;
    *hartid = reg;
    return true;
}

uint64_t devtree_timebase(void)
{
    struct devtree_node cpus, node;
    uint64_t hz = 0;

    if (!devtree_path("/cpus", &cpus) || devtree_u64(&cpus, "timebase-frequency", &hz))
        return hz;
    node = cpus; /* older trees say it for each hart */
    while (devtree_next_below(&cpus, &node)) {
        if (devtree_u64(&node, "timebase-frequency", &hz))
            return hz;
    }
    return 0;
}

const char *devtree_bootargs(void)
{
    struct devtree_node chosen;
    const char *args = NULL;

    if (devtree_path("/chosen", &chosen))
        args = devtree_string(&chosen, "bootargs");
    return args != NULL ? args : "";
}

static void copy_word(char *to, size_t size, const char *from)
{
    size_t n = 0;

    if (size == 0)
        return;
    for (; n < size - 1 && from[n] != 0 && from[n] != ' '; n++)
        to[n] = from[n];
    to[n] = 0;
}

bool devtree_bootarg(const char *name, char *value, size_t size)
{
    const char *word = devtree_bootargs();
    size_t len = strlen(name);

    while (*word != 0) {
        char after = strncmp(word, name, len) == 0 ? word[len] : '?';

        if (after == '=' || after == ' ' || after == 0) {
            copy_word(value, size, word + len + (after == '='));
            return true;
        }
        while (*word != 0 && *word != ' ')
            word++;
        while (*word == ' ')
            word++;
    }
    return false;
}

int devtree_initrd(struct phys_range *range)
{
    struct devtree_node chosen;
    uint64_t start, end;

    if (!devtree_path("/chosen", &chosen) ||
        !devtree_u64(&chosen, "linux,initrd-start", &start) ||
        !devtree_u64(&chosen, "linux,initrd-end", &end) || start >= end)
        return -ENOENT;
    *range = (struct phys_range){start, end, 0};
    return 0;
}
