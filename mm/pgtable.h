/*
 * Sv39 page tables: walking, making and trimming. Three levels of 512 entries:
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
#include "mm/mm.h"
#include "mm/page.h"

static inline struct page *pte_page(pte_t pte)
{
    return &page_array[pte.v >> 10];
}

static inline pte_t page_pte(const struct page *page, uint64_t flags)
{
    return (pte_t){(uint64_t)(page - page_array) << 10 | flags};
}

/* The table that an entry points to. */
static inline pte_t *pte_table(pte_t pte)
{
    return (pte_t *)((pte.v >> 10 << PAGE_SHIFT) + KERNEL_OFFSET);
}

/*
 * Goes down from the root towards va, as far as there are tables, to *level at the lowest.
 * => the entry of va that it came to, and its level in *level. Above the level that was asked for it
 *    is invalid, or a large leaf.
 */
static inline pte_t *pt_find(pte_t *root, vaddr_t va, unsigned *level)
{
    unsigned at = PT_LEVELS - 1;
    pte_t *pte = &root[pt_index(va, at)];

    while (at > *level && (pte->v & (PTE_V | PTE_RWX)) == PTE_V) {
        pte_t *table = pte_table(*pte);

        pte = &table[pt_index(va, --at)];
    }
    *level = at;
    return pte;
}

/* => the level-0 entry of va, or NULL when its table does not exist. */
static inline pte_t *pt_lookup(pte_t *root, vaddr_t va)
{
    unsigned level = 0;
    pte_t *pte = pt_find(root, va, &level);

    return likely(level == 0) ? pte : NULL;
}

/* => how many tables are missing above the level-0 entry of va: 0 to 2. */
static inline unsigned pt_missing(pte_t *root, vaddr_t va)
{
    unsigned level = 0;

    pt_find(root, va, &level);
    return level;
}

/* The end of what one entry of `level` spans around va. */
static inline vaddr_t pt_span_end(vaddr_t va, unsigned level)
{
    unsigned shift = PAGE_SHIFT + 9 * level;

    return ((va >> shift) + 1) << shift;
}

/* The end of the 2 MiB that one level-0 table serves around va, at most `end`. */
static inline vaddr_t pt_table_end(vaddr_t va, vaddr_t end)
{
    vaddr_t next = pt_span_end(va, 1);

    return next < end ? next : end;
}

/*
 * A walk over [start, end), in steps that one level-0 table serves, or that need a missing one:
 *
 *     struct pt_walk w = pt_walk(root, start, end);
 *
 *     while (pt_next(&w))
 *         ... w.n pages from w.va on; if !w.missing, their entries are w.pte and what follows
 *
 * The next step begins at w.stop, which the caller may lower.
 */
struct pt_walk {
    pte_t *root;
    vaddr_t va, stop, end;
    pte_t *pte;
    size_t n;
    unsigned missing; /* tables: 0 to 2 */
};

static inline struct pt_walk pt_walk(pte_t *root, vaddr_t start, vaddr_t end)
{
    return (struct pt_walk){.root = root, .stop = start, .end = end};
}

/* => false at the end. */
static inline bool pt_next(struct pt_walk *w)
{
    if (w->stop >= w->end)
        return false;
    w->va = w->stop;
    w->missing = 0;
    w->pte = pt_find(w->root, w->va, &w->missing);
    w->stop = pt_span_end(w->va, w->missing == 2 ? 2 : 1);
    if (w->stop > w->end)
        w->stop = w->end;
    w->n = (w->stop - w->va) >> PAGE_SHIFT;
    return true;
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

/* A range that maps nothing. */
struct pt_gap {
    vaddr_t floor, ceiling;
};

/* Frees the tables that serve part of [start, end) and nothing outside the gap, in which it lies. */
void pt_trim(struct mm *mm, vaddr_t start, vaddr_t end, struct pt_gap gap) __must_hold(&mm->lock);

/*
 * The store that makes a mapping: n entries from *pte on, in one table, point to the n
 * frames whose numbers are at `frames`.
 * => the entries are invalid before, or the same; the frames are already held for them.
 */
void pt_map(pte_t *pte, const uint32_t *frames, size_t n, uint64_t flags);

#endif
