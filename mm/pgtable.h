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

/* => the level-0 entry of va, or NULL when its table does not exist. */
pte_t *pt_lookup(pte_t *root, vaddr_t va);

/* => the entry of va at `level`, its tables made on the way; NULL without memory. */
pte_t *pt_lookup_create(pte_t *root, vaddr_t va, unsigned level);

/*
 * Makes every table that [start, end) needs, so that mapping in it cannot fail.
 * => 0; -ENOMEM: what was made stays until pt_trim().
 */
int pt_prepare(pte_t *root, vaddr_t start, vaddr_t end);

/*
 * Frees the tables that serve part of [start, end) and nothing outside [floor, ceiling),
 * which maps nothing any more. The harts in `cpus` have forgotten them before.
 */
void pt_trim(pte_t *root, uint64_t cpus, vaddr_t start, vaddr_t end, vaddr_t floor,
             vaddr_t ceiling);

/*
 * The store that makes a mapping: n entries from *pte on, in one table, point to the n
 * frames whose numbers are at `frames`.
 * => the entries are invalid before; the frames are already held for them.
 */
void pt_map(pte_t *pte, const uint32_t *frames, size_t n, uint64_t flags);

/* The end of the 2 MiB that one level-0 table serves around va, at most `end`. */
static inline vaddr_t pt_table_end(vaddr_t va, vaddr_t end)
{
    vaddr_t next = (va | (pt_span(1) - 1)) + 1;

    return next < end ? next : end;
}

#endif
