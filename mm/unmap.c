/*
 * Taking mappings away: the one place where a valid user entry becomes invalid for good.
 *
 * Invariant I2 is kept here, by the order of gather_flush(): entries are unhooked, then every
 * hart that may remember them is told, then the frames are let go. Frames wait in a gather in
 * between. Lock: mm->lock; a call rests between pieces, each of which is a smaller unmapping,
 * complete in itself. Called by exit and exec (mm_release()), sbrk, munmap, mprotect,
 * unmap_shared_pages() and mm_detach(); the gathers by mm/lend.c and a piece by mm/ext/revoke.c, too.
 * Read next: page_put_many() in mm/page.c.
 */
#include "asm/cpu.h"
#include "asm/tlb.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/region.h"
#include "pgtable.h"
#include "space.h"

#define FREE_RUNS 8 /* runs of frames that are put on the free lists at once */

/*
 * Puts the first n frames of g, which nobody holds any more, on the free lists. Many that lie apart
 * from each other take long: so it rests on the way. => g's mm is locked.
 */
static __noinline __no_lock_analysis void free_frames(struct gather *g, size_t n)
{
    const uint32_t *frames = g->frames;
    size_t reserved = g->promised ? 0 : n; /* by the call, until it gives that back */
    struct mm *mm = g->mm;

    mm->set_aside += reserved;
    while (n > 0) {
        size_t runs = FREE_RUNS, done = page_free_some(frames, n, &runs);

        mm->work += (unsigned)runs * WORK_RUN;
        frames += done;
        n -= done;
        mm->limbo = n;
        if (n)
            mm_work(mm, FREE_RUNS * WORK_RUN);
    }
    mm->set_aside -= reserved;
}

struct page_dropped gather_flush(struct gather *g)
{
    uint64_t cpus = __atomic_load_n(&g->mm->cpus, __ATOMIC_SEQ_CST);
    struct page_dropped d = {0, 0};

    CHECK_ASSERT(spin_held(&g->mm->lock));
    if (g->start == g->end)
        return d;
    if (cpus)
        tlb_shootdown(cpus, g->start, (g->end - g->start) >> PAGE_SHIFT);
    d = page_put_many(g->frames, g->n, PAGE_REF);
    if (d.freed)
        free_frames(g, d.freed);
    g->start = g->end = 0;
    g->n = 0;
    return d;
}

/*
 * A promised vma has one reservation a page. It is given back for a page that was never
 * touched or only borrowed, that was still shared with a parent or child (whose own promise
 * covers the frame), or whose frame is free now; only a frame of its own that a region
 * keeps has used it up.
 */
void unmap_piece(const struct vma *v, vaddr_t start, vaddr_t end, uint64_t which)
{
    struct pt_walk w = pt_walk(v->mm->root, start, end);
    struct page_dropped d;
    struct gather g;

    ASSERT(v->start <= start && end <= v->end);
    gather_begin(&g, v);
    while (pt_next(&w)) {
        vaddr_t va = w.va;

        if (w.missing)
            continue;
        for (pte_t *pte = w.pte, *last = pte + w.n; pte < last; pte++, va += PAGE_SIZE) {
            pte_t old = *pte;

            if (!(old.v & which))
                continue;
            *pte = (pte_t){0};
            if (g.start == g.end)
                g.start = va;
            g.end = va + PAGE_SIZE;
            if (!(old.v & PTE_S))
                g.frames[g.n++] = (uint32_t)pte_frame(old);
        }
    }
    d = gather_flush(&g);
    if (which == UNHOOK_ALL)
        page_unreserve(v->promised ? ((end - start) >> PAGE_SHIFT) - d.pinned : d.freed);
}

vaddr_t unmap_piece_start(const struct vma *v, vaddr_t from, vaddr_t to, unsigned *work)
{
    size_t most = WORK_PIECE, pages = (to - from) >> PAGE_SHIFT;

    ASSERT(v->start <= from && from < to && to <= v->end);
    *work = (unsigned)pages;
    if (pages <= most)
        return from;
    if (vma_shares(v))
        most = PT_ENTRIES;
    pages = 0;
    while (to - from > (most - pages) << PAGE_SHIFT && pages < most) {
        unsigned missing = pt_missing(v->mm->root, to - PAGE_SIZE);
        vaddr_t down = (to - 1) & ~(pt_span(missing == 2 ? 2 : 1) - 1);

        if (!missing && to - down > (most - pages) << PAGE_SHIFT)
            down = to - ((most - pages) << PAGE_SHIFT);
        if (down < from)
            down = from;
        pages += missing ? 2 : (to - down) >> PAGE_SHIFT;
        to = down;
    }
    if (pages < most) { /* the rest is short */
        pages += (to - from) >> PAGE_SHIFT;
        to = from;
    }
    *work = (unsigned)(vma_shares(v) ? pages / 2 : pages);
    return to;
}

/*
 * Removes v, or the upper part of it from `start` on; the pages are gone already. When the upper end of
 * a shared mapping goes, the size goes back: to what it was before if nothing is above, else for the
 * mapping above to return to in its turn.
 */
static void cut_vma(struct mm *mm, struct vma *v, vaddr_t start) __must_hold(&mm->lock)
{
    struct vma *above = vma_next(mm, v);

    ASSERT(v->start <= start && start < v->end);
    if (vma_in_size(v)) {
        vaddr_t before = start > v->start ? start : v->size_before;

        if (mm->size == v->end)
            mm->size = before;
        else if (above && vma_in_size(above) && above->size_before == v->end)
            above->size_before = before;
    }
    if (start > v->start) {
        vma_set_bounds(mm, v, v->start, start);
    } else {
        vma_remove(mm, v);
        list_push_back(&mm->gone, &v->link);
    }
}

int vma_split(struct mm *mm, vaddr_t at)
{
    struct vma *v = vma_find(mm, at), *upper;

    ASSERT(!(at & (PAGE_SIZE - 1)));
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
    if (upper->region)
        region_split_vma(v, upper);
    return 0;
}

int mm_unmap(struct mm *mm, vaddr_t start, vaddr_t end, enum tables tables)
{
    struct vma *v = vma_first_above(mm, end - 1);
    unsigned work;

    ASSERT(spin_held(&mm->lock) && start < end && !((start | end) & (PAGE_SIZE - 1)));
    if (v && v->start < end && v->end > end && vma_split(mm, end))
        return -ENOMEM;
    /* Commit: nothing below may fail. From the top down, so that sizes unwind. */
    if (!v)
        v = vma_last(mm);
    else if (v->start >= end)
        v = vma_prev(mm, v);
    while (v && v->end > start) {
        struct vma *below = vma_prev(mm, v), *above = vma_next(mm, v);
        vaddr_t to = v->end;
        vaddr_t from = unmap_piece_start(v, start > v->start ? start : v->start, to, &work);
        vaddr_t floor = from > v->start ? from : below ? below->end : 0;
        vaddr_t ceiling = above ? above->start : USER_TOP;
        vaddr_t table = from & ~(pt_span(1) - 1); /* the first that may serve nobody any more */

        if (table < floor)
            table += pt_span(1);
        if (from > v->start)
            below = v;
        mm_work(mm, WORK_VMA + work);
        unmap_piece(v, from, to, UNHOOK_ALL);
        cut_vma(mm, v, from);
        if (tables == TABLES_TRIM && table < to && table + pt_span(1) <= ceiling)
            pt_trim(mm, from, to, (struct pt_gap){floor, ceiling});
        v = below;
    }
    return 0;
}
