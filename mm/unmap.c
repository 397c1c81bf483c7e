/*
 * Taking mappings away: the one place where a valid user entry becomes invalid for good.
 *
 * Invariant I2 is kept here, by the order of unmap_flush(): entries are unhooked, then every
 * hart that may remember them is told, then the frames are let go. Frames wait in a batch
 * in between. Lock: mm->lock, held throughout. Called by exit, sbrk, exec (through
 * mm_release) and unmap_shared_pages(). Read next: page_drop_many() in mm/page.c.
 */
#include "asm/cpu.h"
#include "asm/tlb.h"
#include "frames.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/region.h"
#include "pgtable.h"
#include "space.h"

/* Which entries to unhook: those that have these bits. */
enum unhook {
    UNHOOK_ALL = PTE_V,
    UNHOOK_REGION = PTE_V | PTE_S, /* to frames of the vma's region */
};

#define UNMAP_STEP (64 * PAGE_SIZE) /* looked at between two looks at the room in the batch */

struct unmap_batch {
    struct mm *mm;
    vaddr_t start, end; /* what the entries spanned; empty: there were none */
    size_t pinned;      /* frames that a region holds on to */
    size_t freed;
    size_t n;           /* frames that the entries held */
    uint32_t frames[PAGE_BATCH];
};

/* An empty batch. The frames' array is not for clearing: it is long. */
static inline void unmap_begin(struct unmap_batch *b, struct mm *mm)
{
    b->mm = mm;
    b->start = b->end = 0;
    b->pinned = b->freed = b->n = 0;
}

static void unmap_flush(struct unmap_batch *b)
{
    uint64_t cpus = __atomic_load_n(&b->mm->cpus, __ATOMIC_SEQ_CST);
    struct page_dropped d;

    if (b->start == b->end)
        return;
    if (cpus)
        tlb_shootdown(cpus, b->start, (b->end - b->start) >> PAGE_SHIFT);
    d = page_drop_many(b->frames, b->n, PAGE_REF);
    b->freed += d.freed;
    b->pinned += d.pinned;
    b->n = 0;
    b->start = b->end;
}

/*
 * Unhooks those of the n entries from *pte on, in one table, that map va and what follows.
 * => there is room for n in b. Their frames stay until unmap_flush(), by b or by their region.
 */
static void unhook_entries(struct unmap_batch *b, pte_t *pte, vaddr_t va, size_t n,
                           enum unhook which)
{
    uint32_t *frame = b->frames + b->n;
    vaddr_t first = 0, last = 0;

    for (pte_t *end = pte + n; pte < end; pte++, va += PAGE_SIZE) {
        pte_t old = *pte;

        if ((old.v & which) != which)
            continue;
        *pte = pte_none();
        if (!last)
            first = va;
        last = va + PAGE_SIZE;
        if (!(old.v & PTE_S))
            *frame++ = (uint32_t)pte_frame(old);
    }
    if (!last)
        return;
    b->n = (size_t)(frame - b->frames);
    if (b->start == b->end)
        b->start = first;
    b->end = last;
}

/* Unhooks entries of [start, end), a part of a vma. Absent tables are stepped over. */
static void unhook_range(struct unmap_batch *b, vaddr_t start, vaddr_t end, enum unhook which)
{
    for (vaddr_t va = start, stop; va < end; va = stop) {
        pte_t *pte = pt_lookup(b->mm->root, va);

        stop = pt_table_end(va, end);
        if (!pte)
            continue;
        if (stop - va > UNMAP_STEP)
            stop = va + UNMAP_STEP;
        if (b->n > PAGE_BATCH - UNMAP_STEP / PAGE_SIZE)
            unmap_flush(b);
        unhook_entries(b, pte, va, (stop - va) >> PAGE_SHIFT, which);
    }
}

/*
 * Takes away the pages of v in [start, end), and settles the promises for them.
 *
 * A promised vma has one reservation a page. It is given back for a page that was never
 * touched or only borrowed, that was still shared with a parent or child (whose own promise
 * covers the frame), or whose frame is free now; only a frame of its own that a region
 * keeps has used it up.
 */
static void unmap_pages(struct mm *mm, const struct vma *v, vaddr_t start, vaddr_t end)
{
    struct unmap_batch b;

    unmap_begin(&b, mm);
    unhook_range(&b, start, end, UNHOOK_ALL);
    unmap_flush(&b);
    page_unreserve(v->promised ? ((end - start) >> PAGE_SHIFT) - b.pinned : b.freed);
}

void mm_unmap_pages(struct mm *mm, const struct vma *v)
{
    unmap_pages(mm, v, v->start, v->end);
}

/* Takes the entries to the region's frames away from one mm that maps it, however often. => mm->lock held. */
static void unhook_from(struct mm *mm, struct region *r, uint64_t sweep)
{
    struct unmap_batch b;
    struct list *pos;

    unmap_begin(&b, mm);
    list_for_each(pos, &mm->vmas) {
        struct vma *v = list_entry(pos, struct vma, link);

        if (v->region != r)
            continue;
        unhook_range(&b, v->start, v->end, UNHOOK_REGION);
        unmap_flush(&b);
        spin_lock(&r->lock);
        v->stamp = sweep;
        spin_unlock(&r->lock);
    }
}

/* => the mm of a vma of r that this sweep has not met, or NULL. r->lock held. */
static struct mm *unmet_mapper(struct region *r, uint64_t sweep)
{
    struct list *pos;

    list_for_each(pos, &r->vmas) {
        struct vma *v = list_entry(pos, struct vma, region_link);

        if (v->stamp != sweep)
            return v->mm;
    }
    return NULL;
}

/*
 * The same, locked. From a region to an mm is against the lock order: so this only tries, and
 * looks again. An mm does not go while a vma of its is listed, and that is under r->lock.
 */
static __no_lock_analysis struct mm *lock_mapper(struct region *r, uint64_t sweep)
{
    for (;;) {
        struct mm *mm;
        bool locked;

        spin_lock(&r->lock);
        mm = unmet_mapper(r, sweep);
        locked = mm && spin_trylock(&mm->lock);
        spin_unlock(&r->lock);
        if (locked || !mm)
            return mm;
        cpu_relax();
    }
}

__no_lock_analysis void region_unhook(struct region *r)
{
    uint64_t sweep = region_new_stamp();
    struct mm *mm;

    while ((mm = lock_mapper(r, sweep))) {
        unhook_from(mm, r, sweep);
        spin_unlock(&mm->lock);
    }
}

/*
 * Puts the size back when [.., end) of a shared mapping goes, its lower part staying up to
 * `start`: to what it was before when nothing is above, else for the mapping above to
 * return to in its turn.
 */
static void restore_size(struct mm *mm, vaddr_t end, vaddr_t before)
{
    struct vma *above = vma_first_above(mm, end);

    if (mm->size == end)
        mm->size = before;
    else if (above && vma_in_size(above) && above->size_before == end)
        above->size_before = before;
}

/* Removes v, or the part of it in [start, end); the pages are gone already. */
static void cut_vma(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end, struct list *gone)
{
    if (start > v->start) {
        if (vma_in_size(v))
            restore_size(mm, v->end, start);
        v->end = start;
    } else if (end < v->end) {
        v->first = vma_page_at(v, end);
        v->start = end;
    } else {
        if (vma_in_size(v))
            restore_size(mm, v->end, v->size_before);
        vma_remove(mm, v);
        list_push_back(gone, &v->link);
    }
}

int vma_split(struct mm *mm, vaddr_t at)
{
    struct vma *v = vma_find(mm, at), *upper;

    if (!v || v->start == at)
        return 0;
    upper = vma_clone(v);
    if (!upper)
        return -ENOMEM;
    upper->first = vma_page_at(v, at);
    upper->start = at;
    upper->size_before = at;
    v->end = at;
    vma_insert(mm, upper);
    return 0;
}

/* Where the free range that [from, to) leaves, a part of v, will begin and end. */
static vaddr_t floor_of(struct mm *mm, const struct vma *v, vaddr_t from)
{
    const struct vma *below = vma_prev(mm, v);

    return from > v->start ? from : below ? below->end : 0;
}

static vaddr_t ceiling_of(struct mm *mm, const struct vma *v, vaddr_t to)
{
    const struct vma *above = vma_next(mm, v);

    return to < v->end ? to : above ? above->start : USER_TOP;
}

/* The highest vma that has a part in [start, end), or NULL. */
static struct vma *last_vma(struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct vma *v = vma_first_above(mm, end - 1);

    if (!v)
        v = vma_last(mm);
    else if (v->start >= end)
        v = vma_prev(mm, v);
    return v && v->end > start ? v : NULL;
}

int mm_unmap(struct mm *mm, vaddr_t start, vaddr_t end, enum tables tables, struct list *gone)
{
    struct vma *v = vma_find(mm, start);

    ASSERT(spin_held(&mm->lock));
    if (v && v->start < start && v->end > end && vma_split(mm, end))
        return -ENOMEM;
    /* Commit: nothing below may fail. From the top down, so that sizes unwind. */
    while ((v = last_vma(mm, start, end))) {
        vaddr_t from = start > v->start ? start : v->start;
        vaddr_t to = end < v->end ? end : v->end;
        vaddr_t floor = floor_of(mm, v, from), ceiling = ceiling_of(mm, v, to);

        unmap_pages(mm, v, from, to);
        cut_vma(mm, v, from, to, gone);
        if (tables == TABLES_TRIM)
            pt_trim(mm->root, mm->cpus, from, to, floor, ceiling);
    }
    return 0;
}
