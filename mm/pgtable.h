/*
 * Sv39 page tables: finding, making and trimming. Three levels of 512 entries:
 *
 *     38      30 29      21 20      12 11        0
 *    +----------+----------+----------+-----------+
 *    |  level 2 |  level 1 |  level 0 |   offset  |
 *    +----------+----------+----------+-----------+
 *       root        1 GiB      2 MiB      4 KiB       what one entry spans
 *
 * All under the lock of the address space that owns the root, or at boot.
 */
#ifndef MM_PGTABLE_H
#define MM_PGTABLE_H

#include <stddef.h>

#include "asm/pte.h"
#include "lib/annotate.h"

/* => the level-0 entry of va, or NULL when its table does not exist. */
static inline pte_t *pt_lookup(pte_t *root, vaddr_t va)
{
    pte_t *table = root;

#pragma GCC unroll 2
    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        pte_t pte = table[pt_index(va, level)];

        if (!pte_valid(pte) || pte_is_leaf(pte))
            return NULL;
        table = phys_to_virt(pte_phys(pte));
    }
    return &table[pt_index(va, 0)];
}

/* Where the frames of new tables come from. */
enum table_frames {
    TABLES_ALLOC,
    TABLES_RESERVED, /* the caller has reserved them: see pt_missing() */
    TABLES_KERNEL,   /* for the kernel's map, whose tables the audit does not count */
    TABLES_BOOT,     /* the same, before there is an allocator */
};

/* => the entry of va at `level`, its tables made on the way; NULL without memory. */
pte_t *pt_create(pte_t *root, vaddr_t va, unsigned level, enum table_frames from);

/* => how many tables pt_create() would make for va: 0 to 2. */
unsigned pt_missing(pte_t *root, vaddr_t va);

/* => the level-0 entry of va, its table made if it does not exist; NULL without memory. */
static inline pte_t *pt_lookup_create(pte_t *root, vaddr_t va)
{
    pte_t *pte = pt_lookup(root, va);

    return likely(pte) ? pte : pt_create(root, va, 0, TABLES_ALLOC);
}

/*
 * Frees the tables that serve part of [start, end) and nothing outside [floor, ceiling), in
 * which it lies and which maps nothing any more. The harts in `cpus` have forgotten them before.
 */
void pt_trim(pte_t *root, uint64_t cpus, vaddr_t start, vaddr_t end, vaddr_t floor,
             vaddr_t ceiling);

/*
 * The store that makes a mapping: n entries from *pte on, in one table, point to the n
 * frames whose numbers are at `frames`.
 * => the entries are invalid before, or the same; the frames are already held for them.
 */
void pt_map(pte_t *pte, const uint32_t *frames, size_t n, uint64_t flags);

/* The end of the 1 GiB around va, at most `end`. */
static inline vaddr_t pt_gigabyte_end(vaddr_t va, vaddr_t end)
{
    vaddr_t next = (va | (pt_span(2) - 1)) + 1;

    return next < end ? next : end;
}

/* The end of the 2 MiB that one level-0 table serves around va, at most `end`. */
static inline vaddr_t pt_table_end(vaddr_t va, vaddr_t end)
{
    vaddr_t next = (va | (pt_span(1) - 1)) + 1;

    return next < end ? next : end;
}

#endif
