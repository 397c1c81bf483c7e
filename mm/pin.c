/*
 * Pinning: the pages of a running process become a region that others can map.
 *
 * Works on the source alone, under its mm->lock: finds the vmas of the range, makes each
 * page present and the source's own, and holds its frame. What comes out is a list of vmas
 * that nobody has yet; mm_map_region() gives them to the borrower. Called by mm/shared.c
 * and ipc/. Read next: mm/region.c.
 */
#include "frames.h"
#include "lib/annotate.h"
#include "lib/errno.h"
#include "pgtable.h"
#include "space.h"

#define NO_ENTRY (~0UL) /* flags that no entry has, not even an absent one */

/*
 * Pins the frames of [va, end), which lie in one table and in v. => src->lock held. Kept whole:
 * inlined, its loop would not fit the registers.
 * Where v's pages may be written they are made the source's own first, so that a store by
 * either side is seen by both.
 */
static __noinline int pin_table(struct mm *src, struct region *r, size_t at, struct vma *v, vaddr_t va,
                     vaddr_t end)
{
    enum access access = vma_owns(v) || vma_allows(v, ACCESS_WRITE) ? ACCESS_WRITE : ACCESS_READ;
    const struct frame_bank bank = frame_banks[0];
    bool as_it_is = access == ACCESS_READ || vma_allows(v, ACCESS_WRITE);
    uint64_t need = as_it_is ? vma_pte_flags(v) : NO_ENTRY;
    uint32_t *frame = r->frames + at;
    pte_t *first = pt_lookup_create(src->root, va), *pte = first;
    int err = first ? 0 : -ENOMEM;

    for (pte_t *last = first + ((end - va) >> PAGE_SHIFT); !err && pte < last; pte++) {
        if (unlikely(pte_flags(*pte) != need)) {
            pte_t *same;

            err = mm_fault_in(src, v, va + ((uint64_t)(pte - first) << PAGE_SHIFT), access, &same);
            if (err)
                break;
        }
        *frame++ = (uint32_t)pte_frame(*pte);
        page_pin(frame_in(&bank, pte_frame(*pte)));
    }
    if (err)
        r->npages = (size_t)(frame - r->frames);
    return err;
}

/* A region of the frames of [va, end), a part of v. => src->lock held. 0 and *out. */
static int pin_private(struct mm *src, struct vma *v, vaddr_t va, vaddr_t end,
                       struct region **out)
{
    size_t npages = (end - va) >> PAGE_SHIFT, at = 0;
    struct region *r = region_alloc(npages, false);
    int err = 0;

    if (!r)
        return -ENOMEM;
    for (vaddr_t stop; va < end && !err; va = stop) {
        stop = pt_table_end(va, end);
        err = pin_table(src, r, at, v, va, stop);
        at += (stop - va) >> PAGE_SHIFT;
    }
    if (err) {
        region_put(r);
        return err;
    }
    *out = r;
    return 0;
}

/* The vma that maps [start, end) of v for a borrower, placed at `at`. => src->lock held. */
static int lend_part(struct mm *src, struct vma *v, vaddr_t start, vaddr_t end, vaddr_t at,
                     struct lend lend, struct list *vmas)
{
    struct vma *copy = vma_create(at, at + (end - start), VMA_SHARED, v->prot & lend.prot);
    int err = 0;

    if (!copy)
        return -ENOMEM;
    if (vma_shares(v) && !lend.grant) {
        copy->region = v->region;
        copy->first = vma_page_at(v, start);
        region_get(copy->region);
    } else {
        err = pin_private(src, v, start, end, &copy->region);
    }
    if (err) {
        vma_destroy(copy);
        return err;
    }
    if (lend.grant) {
        copy->region->grant = lend.grant;
        copy->region->parent = v->region;
        if (v->region)
            region_get(v->region);
    }
    list_push_back(vmas, &copy->link);
    return 0;
}

/* Whether src may lend from v at all. => src->lock held. */
static bool may_lend(const struct vma *v, struct lend lend)
{
    if (!v || !vma_allows(v, ACCESS_READ))
        return false;
    for (const struct region *r = v->region; r; r = r->parent)
        if (__atomic_load_n(&r->revoked, __ATOMIC_SEQ_CST) ||
            (lend.lasting && r->grant && r->grant != lend.grant))
            return false;
    return true;
}

/* => src->lock held. */
static int lend_range(struct mm *src, vaddr_t va, vaddr_t end, struct lend lend,
                      struct list *vmas)
{
    vaddr_t base = va;

    while (va < end) {
        struct vma *v = vma_find(src, va);
        vaddr_t stop;
        int err;

        if (!may_lend(v, lend))
            return -EFAULT;
        stop = end < v->end ? end : v->end;
        err = lend_part(src, v, va, stop, va - base, lend, vmas);
        if (err)
            return err;
        va = stop;
    }
    return 0;
}

__noinline int region_pin(struct mm *src, vaddr_t va, size_t npages, struct lend lend,
                          struct list *vmas)
{
    int err;

    spin_lock(&src->lock);
    err = lend_range(src, va, va + npages * PAGE_SIZE, lend, vmas);
    spin_unlock(&src->lock);
    if (err)
        vma_destroy_list(vmas);
    return err;
}
