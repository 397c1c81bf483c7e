/*
 * The copy of an address space for a child: copy-on-write.
 *
 * Private pages are shared read-only until one side stores; pages that a region pins are
 * copied now, because their owner and the region's borrowers must go on seeing one frame.
 * What is borrowed is left to faults: the region has the frames. Every promise of the parent is
 * made again for the child (I5): one side of each shared page will need a frame of its own.
 * Absent tables are not looked at: a lazily grown space costs what was touched.
 * Lock: src->lock. Nobody finds the child before its vmas are listed with their regions, last of all.
 * It has no borrowed entry by then, so a sweep over a region that has not found the child has missed
 * nothing.
 * copy_on_write() in mm/fault.c parts the pages again. Read next: mm/image.c.
 */
#include "asm/tlb.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "pgtable.h"
#include "mm/region.h"
#include "space.h"

/*
 * Gives the child its own copy of a pinned page, from the promise for v or from what is left.
 * => 0; 1 when there is no room for another in the batch; -ENOMEM. Not inlined: it would take
 * registers from the loop of copy_entries().
 */
static __noinline int copy_pinned(const struct vma *v, pte_t from, pte_t *to)
{
    struct page *page = v->promised ? page_alloc_reserved() : page_alloc();

    if (!page)
        return -ENOMEM;
    page->kind = PAGE_USER;
    memcpy(page_addr(page), page_addr(pte_page(from)), PAGE_SIZE);
    *to = page_pte(page, vma_own_flags(v));
    v->mm->work += WORK_COPY;
    return v->mm->work + WORK_COPY > WORK_BATCH;
}

/*
 * Copies entries of one table of v from *from on, up to n; fewer where copies of pages, of which
 * mm_work() has not been told, have filled the batch. Leaves out absent and borrowed ones.
 * => how many were looked at; -ENOMEM. What was copied stays. Kept whole, as pin_ready().
 */
static __noinline long copy_entries(const struct vma *v, pte_t *from, pte_t *to, size_t n)
{
    const uint64_t own = v->prot == PROT_NONE ? PTE_H : PTE_V;
    bool owns = vma_owns(v);
    pte_t *start = from;

    for (pte_t *end = from + n; from < end; from++, to++) {
        pte_t pte = *from;
        struct page *page;

        if ((pte.v & (PTE_V | PTE_H | PTE_S)) != own)
            continue;
        page = pte_page(pte);
        if (owns) {
            if (page_pinned(page)) {
                int full = copy_pinned(v, pte, to);

                if (full < 0)
                    return full;
                if (full)
                    end = from + 1;
                continue;
            }
            *from = pte = pte_without_write(pte);
        }
        page_get(page);
        *to = pte;
    }
    return from - start;
}

/* Makes every promise of mm once more, for a child. => rests. 0, -ENOMEM, -EINTR. */
static int reserve_promises(struct mm *mm) __must_hold(&mm->lock)
{
    size_t n = 0;
    int err = 0;
    struct list *pos;

    list_for_each(pos, &mm->vmas) {
        const struct vma *v = list_entry(pos, struct vma, link);

        n += v->promised ? vma_pages(v) : 0;
        if (!err)
            err = mm_work(mm, 1);
    }
    return err ? err : mm_reserve(mm, n);
}

/*
 * Clones v into dst with its promise, its tables and its pages. => rests. 0, -ENOMEM, -EINTR: dst
 * holds what it got.
 */
static int copy_vma(struct mm *dst, struct mm *src, const struct vma *v) __must_hold(&src->lock)
{
    struct pt_walk w = pt_walk(src->root, v->start, v->end);
    struct vma *copy = vma_clone(v);
    int err = 0;

    if (!copy)
        return -ENOMEM;
    vma_insert(dst, copy);
    if (v->promised) { /* the clone has the promise now */
        ASSERT(src->set_aside >= vma_pages(v));
        src->set_aside -= vma_pages(v);
    }
    while (!err && pt_next(&w)) {
        pte_t *to = pt_lookup(dst->root, w.va);
        long n;

        err = mm_work(src, w.missing ? 1 : 1 + (unsigned)w.n / 2);
        if (w.missing || err)
            continue;
        if (!to)
            to = pt_create(dst->root, w.va, 0, TABLES_ALLOC);
        n = to ? copy_entries(v, w.pte, to, w.n) : -ENOMEM;
        w.stop = w.va + ((uint64_t)n << PAGE_SHIFT);
        err = n < 0 ? (int)n : 0;
    }
    return err ? err : mm_work(src, WORK_VMA);
}

__noinline int mm_fork(struct mm *src, struct mm **out)
{
    struct mm *dst = mm_create();
    struct list *pos;
    int err;

    if (!dst)
        return -ENOMEM;
    err = mm_lock_killable(src);
    if (err)
        goto out_dst;
    err = reserve_promises(src);
    list_for_each(pos, &src->vmas)
        if (!err)
            err = copy_vma(dst, src, list_entry(pos, struct vma, link));
    dst->size = src->size;
    dst->family = src->family;
    /* From here on a sweep over a region finds dst, to which no vma will be added. */
    list_for_each(pos, &dst->vmas) {
        struct vma *v = list_entry(pos, struct vma, link);

        if (v->region && !err)
            region_add_vma(v);
        mm_work(src, 1);
    }
    /* The parent's pages are read-only now, also when the child was given up half way: its
     * next store finds itself alone on the page and takes it back. */
    if (src->cpus)
        tlb_shootdown(src->cpus, 0, USER_TOP >> PAGE_SHIFT);
    mm_unlock(src);
    if (!err) {
        *out = dst;
        return 0;
    }
out_dst:
    mm_release(dst);
    return err;
}
