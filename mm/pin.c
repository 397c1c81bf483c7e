/*
 * Pinning: the pages of a running process become a region that others can map.
 *
 * Works on the source alone, with its mm locked: finds the vmas of the range, makes each
 * page present and the source's own, and holds its frame. What comes out is a list of vmas
 * that nobody has yet; mm_map_region() gives them to the borrower. Called by mm/shared.c.
 * Read next: mm/region.c.
 */
#include "frames.h"
#include "lib/annotate.h"
#include "lib/errno.h"
#include "pgtable.h"
#include "space.h"

#define FAULTS_MAX 8 /* pages that one step brings up: each may be copied */

/* Pinning under way: [va, end), a part of v, is still to come into r. */
struct pinning {
    struct region *r;
    struct vma *v;
    vaddr_t va, end;
    struct gather g;
};

/* Where v's pages may be written they are made the source's own, so that both sides see a store. */
static enum access pin_access(const struct vma *v)
{
    return vma_owns(v) || vma_allows(v, ACCESS_WRITE) ? ACCESS_WRITE : ACCESS_READ;
}

/*
 * Pins those of the n pages from p->va on that are the source's own already, up to the first
 * that is not; *pte is the first one's entry. => how many. src->lock held. Kept whole: inlined,
 * its loop would not fit the registers.
 */
static __noinline size_t pin_ready(struct pinning *p, const pte_t *pte, size_t n)
{
    const struct frame_bank bank = frame_banks[0];
    uint64_t need = vma_pte_flags(p->v);
    uint32_t *first = p->r->frames + p->r->npages, *frame = first;

    for (const pte_t *end = pte + n; pte < end && pte_flags(*pte) == need; pte++) {
        *frame++ = (uint32_t)pte_frame(*pte);
        page_pin(frame_in(&bank, pte_frame(*pte)));
    }
    n = (size_t)(frame - first);
    p->r->npages += n;
    p->va += n << PAGE_SHIFT;
    return n;
}

/* Brings the page at p->va up as the source's own, and pins it. => src->lock held. 0 or -errno. */
static int pin_faulting(struct pinning *p)
{
    pte_t *pte;
    int err = mm_fault_in(p->v, p->va, pin_access(p->v), &p->g, &pte);

    if (err)
        return err;
    p->r->frames[p->r->npages++] = (uint32_t)pte_frame(*pte);
    page_pin(frame_page(pte_frame(*pte)));
    p->va += PAGE_SIZE;
    return 0;
}

/* Tells the harts of the pages that were replaced, and lets go of those. => src->lock held. */
static void pin_settle(struct pinning *p)
{
    size_t freed = gather_flush(&p->g).freed;

    if (!p->v->promised) /* else the reservation takes the place of the one just used */
        page_unreserve(freed);
}

/* Pins some pages, all in one table. => src->lock held. 0; -errno: those before are pinned. */
static int pin_some(struct pinning *p)
{
    bool as_it_is = pin_access(p->v) == ACCESS_READ || vma_allows(p->v, ACCESS_WRITE);
    vaddr_t stop = pt_table_end(p->va, p->end);
    const pte_t *pte = pt_lookup(p->v->mm->root, p->va);
    size_t n = (stop - p->va) >> PAGE_SHIFT;
    int err = 0;

    if (pte && as_it_is && pin_ready(p, pte, n) > 0)
        return 0;
    for (n = 0; !err && n < FAULTS_MAX && p->va < stop; n++)
        err = pin_faulting(p);
    pin_settle(p);
    return err;
}

/* Pins all of [va, end), a part of v, in r. => src locked; rests. 0, -ENOMEM, -EINTR, -EFAULT. */
static int pin_part(struct vma *v, struct region *r, vaddr_t va, vaddr_t end)
{
    struct pinning p;
    int err = 0;

    p.r = r;
    p.v = v;
    p.va = va;
    p.end = end;
    gather_begin(&p.g, v);
    while (p.va < end && !err) {
        err = mm_work(v->mm, FAULTS_MAX * WORK_COPY);
        if (!err)
            err = pin_some(&p);
    }
    return err == -EAGAIN ? -EFAULT : err; /* the file was cut short just now */
}

/* Whether src may lend from v at all. => src->lock held. */
static bool may_lend(const struct vma *v, struct lend lend)
{
    const struct region *r = v ? v->region : NULL;

    if (!v || !vma_allows(v, ACCESS_READ))
        return false;
    return !r || (!region_barred(r) && !(lend.lasting && r->revocable));
}

/* The vma that maps [start, end) of v for a borrower, placed at `at`; its frames come later. */
static int lend_part(struct vma *v, vaddr_t start, vaddr_t end, vaddr_t at, struct lend lend,
                     struct list *vmas)
{
    struct vma *copy = vma_create(at, at + (end - start), VMA_SHARED, v->prot & lend.prot);
    int err = 0;

    if (!copy)
        return -ENOMEM;
    list_push_back(vmas, &copy->link);
    if (vma_shares(v) && !lend.loans) {
        copy->region = v->region;
        copy->first = vma_page_at(v, start);
        region_get(copy->region);
        return 0;
    }
    copy->region = region_create_pinned((end - start) >> PAGE_SHIFT);
    if (!copy->region)
        return -ENOMEM;
    if (lend.loans)
        err = region_lend(copy->region, v->region, lend.loans);
    return err;
}

/* How many of the n pages from *pte on will want a frame, if v is promised none for them. */
static size_t count_wanting(const struct vma *v, const pte_t *pte, size_t n)
{
    bool stores = pin_access(v) == ACCESS_WRITE;
    size_t wanting = 0;

    for (const pte_t *end = pte + n; pte < end; pte++)
        wanting += !pte_present(*pte) ||
                   (stores && !pte_writable(*pte) && !page_sole(frame_page(pte_frame(*pte))));
    return wanting;
}

/*
 * Adds to *wanted the frames for what v, in [va, end), is not promised: pages that are not there or
 * not its own, and tables. => src locked; rests. 0; -ENOMEM more than the machine has; -EINTR.
 */
static int count_wanted(const struct vma *v, vaddr_t va, vaddr_t end, size_t *wanted)
{
    vaddr_t first = va;
    int err = 0;

    if (v->promised || v->region)
        return 0;
    for (vaddr_t stop; va < end && !err; va = stop) {
        unsigned missing = pt_missing(v->mm->root, va);
        size_t n;

        stop = pt_table_end(va, end);
        n = (stop - va) >> PAGE_SHIFT;
        if (missing == 2 && (va == first || pt_index(va, 1) == 0))
            ++*wanted;
        *wanted += missing ? n + 1 : count_wanting(v, pt_lookup(v->mm->root, va), n);
        err = *wanted > page_total() ? -ENOMEM : mm_work(v->mm, missing ? 1 : (unsigned)n / 2);
    }
    return err;
}

/* Makes the vmas of a loan of [va, end), and reserves what pinning will want. => src locked; rests. */
static int lend_range(struct mm *src, vaddr_t va, vaddr_t end, struct lend lend, struct list *vmas)
{
    size_t wanted = 0;
    int err = 0;

    for (vaddr_t base = va, stop; va < end && !err; va = stop) {
        struct vma *v = vma_find(src, va);

        if (!may_lend(v, lend))
            return -EFAULT;
        stop = end < v->end ? end : v->end;
        err = lend_part(v, va, stop, va - base, lend, vmas);
        if (!err)
            err = count_wanted(v, va, stop, &wanted);
        if (!err)
            err = mm_work(src, 2 * WORK_VMA);
    }
    return err || !wanted ? err : mm_reserve(src, wanted);
}

/* Pins the frames for the vmas of a loan that begins at va. => src locked; rests. */
static int pin_range(struct mm *src, vaddr_t va, struct list *vmas)
{
    struct list *pos;
    int err = 0;

    list_for_each(pos, vmas) {
        struct vma *copy = list_entry(pos, struct vma, link), *v = vma_find(src, va + copy->start);

        if (copy->region != v->region)
            err = pin_part(v, copy->region, va + copy->start, va + copy->end);
        if (!err)
            err = mm_work(src, 1);
        if (err)
            break;
    }
    return err;
}

__noinline int region_pin(struct mm *src, vaddr_t va, size_t npages, struct lend lend,
                          struct list *vmas)
{
    int err = mm_lock_killable(src);

    if (err)
        return err;
    err = lend_range(src, va, va + npages * PAGE_SIZE, lend, vmas);
    if (!err)
        err = pin_range(src, va, vmas);
    mm_unreserve(src);
    mm_unlock(src);
    if (err)
        vma_destroy_list(vmas);
    return err;
}
