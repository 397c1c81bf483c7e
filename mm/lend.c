/*
 * Lending: the pages of a running process become a region that others can map.
 *
 * Works on the source alone, with its mm locked: finds the vmas of the range, makes each
 * page present and the source's own, and holds its frame. What comes out is a list of vmas
 * that nobody has yet; mm/shared.c gives them to the borrower. Called by mm/shared.c.
 * pt_map() in mm/pgtable.c makes the entries. Read next: mm/region.c.
 */
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "pgtable.h"
#include "space.h"

#define FAULTS_MAX 8 /* pages that one step brings up: each may be copied */

/* Where v's pages may be written they are made the source's own, so that both sides see a store. */
static enum access pin_access(const struct vma *v)
{
    return vma_owns(v) || vma_allows(v, ACCESS_WRITE) ? ACCESS_WRITE : ACCESS_READ;
}

/*
 * Pins into r the pages of v from va on that are the source's own already, up to the first that is not
 * or the end of a table. => how many. src->lock held. Kept whole: inlined, its loop would not fit the
 * registers.
 */
static __noinline size_t pin_ready(struct region *r, const struct vma *v, vaddr_t va, vaddr_t end)
{
    const pte_t *pte = pt_lookup(v->mm->root, va);
    const pte_t *last = pte + ((pt_table_end(va, end) - va) >> PAGE_SHIFT);
    uint64_t need = vma_shares(v) ? vma_region_flags(v) : vma_own_flags(v);
    uint32_t *first = r->frames + r->npages, *frame = first;

    if (!pte || (vma_owns(v) && !vma_allows(v, ACCESS_WRITE)))
        return 0; /* flags do not tell whether a page is its own */
    for (; pte < last && pte_flags(*pte) == need; pte++) {
        *frame++ = (uint32_t)pte_frame(*pte);
        page_pin(pte_page(*pte));
    }
    r->npages += (size_t)(frame - first);
    return (size_t)(frame - first);
}

/*
 * Brings some pages from *va on up as the source's own, and pins them; tells the harts of those
 * that were replaced, and lets go of these. => src->lock held. 0; -errno: those before *va are pinned.
 */
static int pin_faulting(struct region *r, struct vma *v, vaddr_t *va, vaddr_t end)
{
    struct gather g;
    size_t freed;
    pte_t *pte;
    int err = 0;

    gather_begin(&g, v);
    for (unsigned n = 0; n < FAULTS_MAX && *va < end; n++) {
        err = fault_page(v, *va, pin_access(v), &g, &pte);
        if (err)
            break;
        r->frames[r->npages++] = (uint32_t)pte_frame(*pte);
        page_pin(pte_page(*pte));
        *va += PAGE_SIZE;
    }
    freed = gather_flush(&g).freed;
    if (!v->promised) /* else the reservation takes the place of the one just used */
        page_unreserve(freed);
    return err;
}

/* Pins all pages of `copy`, a vma of a loan that begins at `base`. => rests. 0 or -errno. */
static int pin_part(struct mm *src, vaddr_t base, const struct vma *copy) __must_hold(&src->lock)
{
    struct region *r = copy->region;
    vaddr_t va = base + copy->start, end = base + copy->end;
    struct vma *v = vma_find(src, va);
    int err = 0;

    ASSERT(v && v->start <= va && end <= v->end);
    if (v->region == r) /* shared as it is */
        return mm_work(src, 1);
    while (va < end && !err) {
        size_t ready;

        err = mm_work(src, FAULTS_MAX * WORK_COPY);
        if (err)
            break;
        ready = pin_ready(r, v, va, end);
        va += ready << PAGE_SHIFT;
        if (!ready)
            err = pin_faulting(r, v, &va, end);
        if (err == -EAGAIN) { /* a page of a file must be brought: the mm is closed, as in a rest */
            src->closed = true;
            src->work = 0;
            spin_unlock(&src->lock);
            err = v->region->ops->bring(v->region, vma_page_at(v, va));
            spin_lock(&src->lock);
        }
    }
    ASSERT(err || r->npages == vma_pages(copy));
    return err;
}

/*
 * Adds the vma that maps [va, end) of v (NULL: nothing is there) for the borrower; its frames come
 * later. => src->lock held. 0; -EFAULT where v's owner may not lend; -ENOMEM.
 */
static int add_part(struct loan *loan, const struct vma *v, vaddr_t va, vaddr_t end)
{
    const struct lend *terms = &loan->terms;
    size_t npages = (end - va) >> PAGE_SHIFT;
    struct vma *copy;

    if (!v || !vma_allows(v, ACCESS_READ))
        return -EFAULT;
    if (v->region && (region_barred(v->region) || (terms->lasting && v->region->revocable)))
        return -EFAULT;
    copy = vma_create(va - loan->start, end - loan->start, VMA_SHARED, v->prot & terms->prot);
    if (!copy)
        return -ENOMEM;
    list_push_back(&loan->vmas, &copy->link);
    if (terms->consent) {
        copy->region = terms->consent->make(terms->consent, npages, v->region);
    } else if (vma_shares(v)) {
        copy->region = v->region;
        copy->first = vma_page_at(v, va);
        region_get(copy->region);
    } else {
        copy->region = region_create(npages, &region_pinned_ops);
    }
    return copy->region ? 0 : -ENOMEM;
}

/*
 * Adds to *wanted the frames for what [va, end) of v, which is private, is not promised: pages that
 * are not there or not its own, and tables. => rests. 0; -ENOMEM more than the machine has; -EINTR.
 */
static int count_wanted(const struct vma *v, vaddr_t va, vaddr_t end, size_t *wanted)
    __must_hold(&v->mm->lock)
{
    struct pt_walk w = pt_walk(v->mm->root, va, end);
    bool stores = pin_access(v) == ACCESS_WRITE;
    int err = 0;

    while (!err && pt_next(&w)) {
        if (w.missing) /* the pages, the first one's tables, and a table for each further 2 MiB */
            *wanted += w.n + w.missing + (w.stop - 1) / pt_span(1) - w.va / pt_span(1);
        for (const pte_t *pte = w.pte; !w.missing && pte < w.pte + w.n; pte++)
            *wanted += !pte->v || (stores && !(pte->v & PTE_W) && !page_sole(pte_page(*pte)));
        err = mm_work(v->mm, w.missing ? 1 : (unsigned)w.n / 2);
        if (*wanted > page_total())
            err = -ENOMEM;
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

        err = add_part(loan, v, va, stop);
        if (!err && !v->promised && !v->region)
            err = count_wanted(v, va, stop, &loan->wanted);
        if (!err)
            err = mm_work(src, 2 * WORK_VMA);
        va = stop;
    }
    if (!err && loan->wanted)
        err = mm_reserve(src, loan->wanted);
    list_for_each(pos, &loan->vmas)
        if (!err)
            err = pin_part(src, loan->start, list_entry(pos, struct vma, link));
    mm_unlock(src);
    return err;
}
