/*
 * What the kernel wants to know of the machine: RAM and what is taken of it, harts, the clock,
 * the command line, the initial RAM disk.
 *
 * Called by init/main.c before mm is up, so results go to arrays of the caller. Ranges that wrap or
 * are empty are left out.
 */
#include "drivers/devtree.h"

#include "lib/errno.h"
#include "lib/minmax.h"
#include "lib/string.h"

#include "dtnode.h"

/* ---- RAM ---- */

/* Ranges sorted by start, in an array of the caller. Those of equal no_map do not touch. */
struct range_set {
    struct phys_range *range;
    size_t n, max;
    bool full; /* one did not fit */
};

/* Adds a range, joining what it touches. */
static void range_add(struct range_set *set, struct phys_range add)
{
    size_t i = 0;

    if (add.start >= add.end)
        return;
    while (i < set->n) {
        struct phys_range *at = &set->range[i++];

        if (at->no_map != add.no_map || at->start > add.end || add.start > at->end)
            continue;
        add.start = min(at->start, add.start);
        add.end = max(at->end, add.end);
        memmove(at, at + 1, (set->n - i) * sizeof(*at));
        set->n--;
        i = 0; /* it has grown: ranges before may touch it now */
    }
    if (set->n == set->max) {
        set->full = true;
        return;
    }
    for (i = set->n++; i > 0 && set->range[i - 1].start > add.start; i--)
        set->range[i] = set->range[i - 1];
    set->range[i] = add;
}

/* Adds every entry of a node's `reg`, if the node is enabled. */
static void range_add_reg(struct range_set *set, dtnode_t node)
{
    uint32_t len;
    int no_map = dt_prop(node, "no-map", &len) != NULL;
    paddr_t start;
    uint64_t size;

    if (!dt_enabled(node) || !dt_prop(node, "reg", &len))
        return;
    for (unsigned i = 0; i < len / 8; i++) /* two cells at least an entry; some may be odd */
        if (dt_reg(node, i, &start, &size))
            range_add(set, (struct phys_range){start, start + size, no_map});
}

int devtree_memory(struct phys_range *banks, size_t max, size_t *n)
{
    struct range_set set = {banks, 0, max, false};
    dtnode_t node = 0;
    int depth = 0;

    while ((node = dt_next(node, &depth)))
        if (dt_has_string(node, "device_type", "memory"))
            range_add_reg(&set, node);
    *n = set.n;
    return set.full ? -ENOSPC : 0;
}

int devtree_reserved(struct phys_range *ranges, size_t max, size_t *n)
{
    struct range_set set = {ranges, 0, max, false};
    dtnode_t node = dt_path("/reserved-memory");
    struct phys_range range;
    int depth = 0;

    for (unsigned i = 0; dt_reservation(i, &range); i++)
        range_add(&set, range);
    while (node && (node = dt_next(node, &depth)) && depth > 0)
        range_add_reg(&set, node);
    if (devtree_blob(&range))
        range_add(&set, range);
    if (dt_initrd(&range))
        range_add(&set, range);
    *n = set.n;
    return set.full ? -ENOSPC : 0;
}

/* ---- harts ---- */

/* Does the ISA string, as "rv64imac_zicsr_sstc", or the list of extensions name Sstc? */
static bool hart_has_sstc(dtnode_t cpu)
{
    const char *isa = dt_string(cpu, "riscv,isa");

    for (; isa && *isa; isa++)
        if (strncmp(isa, "_sstc", 5) == 0 && (isa[5] == 0 || isa[5] == '_'))
            return true;
    return dt_has_string(cpu, "riscv,isa-extensions", "sstc");
}

/* A cpu node that the kernel can run on: sifive_u's first hart, without an MMU, is none. */
static bool hart_usable(dtnode_t cpu)
{
    const char *mmu = dt_string(cpu, "mmu-type");

    return dt_has_string(cpu, "device_type", "cpu") && dt_enabled(cpu) && mmu &&
           strncmp(mmu, "riscv,sv", 8) == 0 && strcmp(mmu, "riscv,sv32") != 0;
}

size_t devtree_harts(struct devtree_hart *harts, size_t max)
{
    dtnode_t node = dt_path("/cpus");
    int depth = 0;
    size_t n = 0;

    while (n < max && node && (node = dt_next(node, &depth)) && depth > 0) {
        uint64_t size;

        if (depth != 1 || !hart_usable(node) || !dt_reg(node, 0, &harts[n].hartid, &size))
            continue;
        harts[n++].has_sstc = hart_has_sstc(node);
    }
    return n;
}

uint64_t devtree_timebase(void)
{
    uint64_t hz = 0;

    dt_u64(dt_path("/cpus"), "timebase-frequency", &hz);
    return hz;
}

/* ---- /chosen ---- */

const char *devtree_bootargs(void)
{
    const char *args = dt_string(dt_path("/chosen"), "bootargs");

    return args ? args : "";
}

bool devtree_bootarg(const char *word)
{
    const char *at = devtree_bootargs();
    size_t len = strlen(word);

    while (*at) {
        if (strncmp(at, word, len) == 0 && (at[len] == 0 || at[len] == ' '))
            return true;
        while (*at && *at++ != ' ')
            ;
    }
    return false;
}

bool dt_initrd(struct phys_range *range)
{
    dtnode_t chosen = dt_path("/chosen");
    uint64_t start, end;

    if (!dt_u64(chosen, "linux,initrd-start", &start) ||
        !dt_u64(chosen, "linux,initrd-end", &end) || start >= end)
        return false;
    *range = (struct phys_range){start, end, 0};
    return true;
}
