/*
 * Lending: the pages of a running process become a region that others can map.
 *
 * Works on the source alone, with its mm locked: finds the vmas of the range, makes each
 * page present and the source's own, and holds its frame. What comes out is a list of vmas
 * that nobody has yet; mm_borrow() gives them to the borrower. Called by mm/shared.c.
 * Read next: mm/borrow.c.
 */
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "pgtable.h"
#include "space.h"

#define FAULTS_MAX 8 /* pages that one step brings up: each may be copied */

/* Pinning under way: [va, end), a part of v, is still to come into r. */
struct pinning {
    struct region *r;
    struct vma *v;
    vaddr_t va, end;
};

/* Where v's pages may be written they are made the source's own, so that both sides see a store. */
static enum access pin_access(const struct vma *v)
{
    return vma_owns(v) || vma_allows(v, ACCESS_WRITE) ? ACCESS_WRITE : ACCESS_READ;
}

/*
 * Pins the pages from p->va on that are the source's own already, up to the first that is not or the
 * end of a table. => how many. src->lock held. Kept whole: inlined, its loop would not fit the
 * registers.
 */
static __noinline size_t pin_ready(struct pinning *p)
{
    const pte_t *pte = pt_lookup(p->v->mm->root, p->va);
    size_t n = (pt_table_end(p->va, p->end) - p->va) >> PAGE_SHIFT;
    uint64_t need = vma_pte_flags(p->v);
    uint32_t *first = p->r->frames + p->r->npages, *frame = first;

    if (!pte || (vma_owns(p->v) && !vma_allows(p->v, ACCESS_WRITE)))
        return 0; /* flags do not tell whether a page is its own */
    for (const pte_t *end = pte + n; pte < end && pte_flags(*pte) == need; pte++) {
        *frame++ = (uint32_t)pte_frame(*pte);
        page_pin(pte_page(*pte));
    }
    n = (size_t)(frame - first);
    p->r->npages += n;
    p->va += n << PAGE_SHIFT;
    return n;
}

/*
 * Brings some pages from p->va on up as the source's own, and pins them; tells the harts of those
 * that were replaced, and lets go of these. => src->lock held. 0; -errno: those before are pinned.
 */
static int pin_faulting(struct pinning *p)
{
    struct gather g;
    size_t freed;
    pte_t *pte;
    int err = 0;

    ASSERT(p->v->start <= p->va && p->end <= p->v->end);
    gather_begin(&g, p->v);
    for (unsigned n = 0; n < FAULTS_MAX && p->va < p->end; n++) {
        err = fault_page(p->v, p->va, pin_access(p->v), &g, &pte);
        if (err)
            break;
        p->r->frames[p->r->npages++] = (uint32_t)pte_frame(*pte);
        page_pin(pte_page(*pte));
        p->va += PAGE_SIZE;
    }
    freed = gather_flush(&g).freed;
    if (!p->v->promised) /* else the reservation takes the place of the one just used */
        page_unreserve(freed);
    return err;
}

/* Has the page at p->va brought. The mm is closed meanwhile, as in a rest. => src locked. 0 or -errno. */
static __no_lock_analysis int pin_bringing(struct pinning *p)
{
    struct region *r = p->v->region;
    struct mm *mm = p->v->mm;
    int err;

    mm->closed = true;
    mm->work = 0;
    spin_unlock(&mm->lock);
    err = r->ops->bring(r, vma_page_at(p->v, p->va));
    spin_lock(&mm->lock);
    return err;
}

/* Pins all pages of `copy`, a vma of a loan that begins at `base`. => rests. 0 or -errno. */
static int pin_part(struct mm *src, vaddr_t base, const struct vma *copy) __must_hold(&src->lock)
{
    struct pinning p = {
        .r = copy->region,
        .v = vma_find(src, base + copy->start),
        .va = base + copy->start,
        .end = base + copy->end,
    };
    int err = 0;

    if (p.v->region == p.r) /* shared as it is */
        return mm_work(src, 1);
    while (p.va < p.end && !err) {
        err = mm_work(src, FAULTS_MAX * WORK_COPY);
        if (!err && pin_ready(&p) == 0)
            err = pin_faulting(&p);
        if (err == -EAGAIN)
            err = pin_bringing(&p);
    }
    return err;
}

/* Whether v's owner may lend from it at all. => src->lock held. */
static bool may_lend(const struct vma *v, const struct lend *terms)
{
    const struct region *r = v ? v->region : NULL;

    if (!v || !vma_allows(v, ACCESS_READ))
        return false;
    return !r || (!region_barred(r) && !(terms->lasting && r->revocable));
}

/* Adds the vma that maps [va, end) of v for the borrower; its frames come later. => 0, -ENOMEM. */
static int add_part(struct loan *loan, const struct vma *v, vaddr_t va, vaddr_t end)
{
    const struct lend *terms = &loan->terms;
    struct vma *copy =
        vma_create(va - loan->start, end - loan->start, VMA_SHARED, v->prot & terms->prot);

    if (!copy)
        return -ENOMEM;
    list_push_back(&loan->vmas, &copy->link);
    if (vma_shares(v) && !terms->consent) {
        copy->region = v->region;
        copy->first = vma_page_at(v, va);
        region_get(copy->region);
        return 0;
    }
    if (terms->consent)
        copy->region = terms->consent->make(terms->consent, (end - va) >> PAGE_SHIFT, v->region);
    else
        copy->region = region_create_pinned((end - va) >> PAGE_SHIFT, &region_pinned_ops);
    return copy->region ? 0 : -ENOMEM;
}

/* How many of the n pages from *pte on will want a frame, if v is promised none for them. */
static size_t count_wanting(const struct vma *v, const pte_t *pte, size_t n)
{
    bool stores = pin_access(v) == ACCESS_WRITE;
    size_t wanting = 0;

    for (const pte_t *end = pte + n; pte < end; pte++)
        wanting += !pte->v || (stores && !(pte->v & PTE_W) && !page_sole(pte_page(*pte)));
    return wanting;
}

/*
 * Adds to *wanted the frames for what [va, end), in one vma, is not promised: pages that are not
 * there or not its own, and tables. => rests. 0; -ENOMEM more than the machine has; -EINTR.
 */
static int count_wanted(struct mm *src, vaddr_t va, vaddr_t end, size_t *wanted)
    __must_hold(&src->lock)
{
    const struct vma *v = vma_find(src, va);
    struct pt_walk w = pt_walk(src->root, va, end);
    int err = 0;

    if (v->promised || v->region)
        return 0;
    while (!err && pt_next(&w)) {
        if (w.missing) /* the pages, the first one's tables, and a table for each further 2 MiB */
            *wanted += w.n + w.missing + (w.stop - 1) / pt_span(1) - w.va / pt_span(1);
        else
            *wanted += count_wanting(v, w.pte, w.n);
        err = *wanted > page_total() ? -ENOMEM : mm_work(src, w.missing ? 1 : (unsigned)w.n / 2);
    }
    return err;
}

__noinline int mm_lend(struct mm *src, struct loan *loan)
{
    vaddr_t va = loan->start, end = va + loan->npages * PAGE_SIZE;
    int err = mm_lock_killable(src);
    struct list *pos;

    if (err)
        return err;
    while (va < end && !err) {
        const struct vma *v = vma_find(src, va);
        vaddr_t stop = v && v->end < end ? v->end : end;

        err = may_lend(v, &loan->terms) ? add_part(loan, v, va, stop) : -EFAULT;
        if (!err)
            err = count_wanted(src, va, stop, &loan->wanted);
        if (!err)
            err = mm_work(src, 2 * WORK_VMA);
        va = stop;
    }
    if (!err)
        err = mm_reserve(src, loan->wanted);
    list_for_each(pos, &loan->vmas)
        if (!err)
            err = pin_part(src, loan->start, list_entry(pos, struct vma, link));
    mm_unreserve(src);
    mm_unlock(src);
    return err;
}
