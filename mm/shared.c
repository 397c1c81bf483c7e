/*
 * Sharing: map_shared_pages() and unmap_shared_pages(), and regions as a whole.
 *
 * The source is locked while its frames are pinned (mm/lend.c), then let go; the destination is locked
 * while they are mapped, above everything it has. In between, the region alone holds the frames, so
 * that it does not matter what becomes of either side. Each vma remembers the size to go back to.
 * Called by ipc/share.c, ipc/ext/grant.c, ipc/ext/service.c and ipc/ext/ids.c. Read next: mm_lend() in
 * mm/lend.c.
 */
#include "asm/tlb.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/shared.h"
#include "pgtable.h"
#include "space.h"

/*
 * Gives mm the vmas of a loan, from `base` on, and enters their frames in the tables, which are
 * prepared. Pages that come on demand are left to faults. Nothing here can fail. => rests.
 * A revocation that does not show when a vma is in its mm will find it there.
 */
static void map_loan(struct mm *mm, struct loan *loan, vaddr_t base) __must_hold(&mm->lock)
{
    struct list *node;
    size_t n;

    while ((node = list_pop_front(&loan->vmas))) {
        struct vma *v = list_entry(node, struct vma, link);
        struct region *r = v->region;
        const uint32_t *frames = r->frames + v->first;

        v->size_before = v->start ? base + v->start : mm->size;
        v->start += base;
        v->end += base;
        ASSERT(r->on_demand || v->first + vma_pages(v) <= r->npages);
        vma_insert(mm, v);
        region_add_vma(v);
        if (v->prot & PROT_EXEC)
            icache_sync(mm->cpus); /* before it can fetch what others have stored there */
        for (vaddr_t va = v->start; va < v->end; va += n * PAGE_SIZE, frames += n) {
            n = (pt_table_end(va, v->end) - va) >> PAGE_SHIFT;
            mm_work(mm, (unsigned)n / 3);
            if (r->on_demand || region_barred(r))
                break;
            pt_map(pt_lookup(mm->root, va), frames, n, vma_region_flags(v));
        }
        mm_work(mm, WORK_VMA);
    }
}

/*
 * Maps the vmas of a loan into dst just above its size, with PTE_S; *va is where. The size becomes
 * the mapping's end.
 * => takes dst->lock; may sleep. 0, and the vmas are dst's; -ENOMEM; -EINVAL when there is no room;
 *    -EFAULT when it was revoked meanwhile; -EINTR: nothing has changed, the vmas are the loan's.
 */
static __noinline int mm_borrow(struct mm *dst, struct loan *loan, vaddr_t *va)
{
    uint64_t size = loan->npages * PAGE_SIZE;
    const struct vma *above;
    struct list *pos;
    int err = mm_lock_killable(dst);

    if (err)
        return err;
    ASSERT(loan->npages > 0 && !list_empty(&loan->vmas));
    *va = page_up(dst->size);
    above = vma_first_above(dst, *va);
    if (!range_fits(*va, size, USER_BREAK_MAX) || (above && above->start < *va + size)) {
        mm_unlock(dst);
        return -EINVAL;
    }
    err = mm_prepare(dst, *va, *va + size);
    list_for_each(pos, &loan->vmas) /* refuse what was revoked; map_loan() looks again */
        if (!err)
            err = region_barred(list_entry(pos, struct vma, link)->region) ? -EFAULT
                                                                           : mm_work(dst, 1);
    if (err) {
        mm_trim(dst, *va, *va + size);
    } else {
        /* Commit: nothing below may fail. No fence: a hart may remember an entry as invalid; then it
         * faults once, and mm_fault() finds the entry valid. */
        map_loan(dst, loan, *va);
        dst->size = *va + size;
    }
    mm_unlock(dst);
    return err;
}

__noinline uint64_t map_shared_pages(struct mm *src, struct mm *dst, uint64_t src_va, uint64_t size,
                                     struct lend lend)
{
    struct loan loan = {.terms = lend, .vmas = LIST_INIT(loan.vmas)};
    vaddr_t at;
    int err;

    if (size == 0 || !range_fits(src_va, size, USER_TOP))
        return 0;
    loan.start = page_down(src_va);
    loan.npages = (page_up(src_va + size) - loan.start) >> PAGE_SHIFT;
    err = mm_lend(src, &loan);
    if (!err)
        err = mm_borrow(dst, &loan, &at);
    vma_destroy_list(&loan.vmas); /* empty, if they are in dst */
    return err ? 0 : at + (src_va - loan.start);
}

__noinline uint64_t unmap_shared_pages(struct mm *mm, uint64_t addr, uint64_t size)
{
    const struct vma *v;
    vaddr_t start, end, va;
    int err;

    if (size == 0 || !range_fits(addr, size, USER_TOP))
        return (uint64_t)-1;
    va = start = page_down(addr);
    end = page_up(addr + size);
    err = mm_lock_killable(mm);
    if (err)
        return (uint64_t)-1;
    v = vma_first_above(mm, va);
    while (va < end && !err && v && v->start <= va && v->kind == VMA_SHARED) {
        va = v->end;
        v = vma_next(mm, v);
        err = mm_work(mm, 1);
    }
    if (va < end)
        err = -EINVAL;
    if (!err)
        err = mm_unmap(mm, start, end, TABLES_TRIM);
    mm_unlock(mm);
    return err ? (uint64_t)-1 : 0;
}

int mm_attach(struct mm *mm, struct region *r, unsigned prot, vaddr_t *va)
{
    struct vma *v = vma_create(0, r->npages << PAGE_SHIFT, VMA_ID, prot);
    struct loan loan;
    int err;

    if (!v)
        return -ENOMEM;
    v->region = r;
    region_get(r);
    list_init(&loan.vmas);
    list_push_back(&loan.vmas, &v->link);
    loan.npages = r->npages;
    err = mm_borrow(mm, &loan, va);
    vma_destroy_list(&loan.vmas); /* empty, if they are in mm */
    return err;
}

int mm_detach(struct mm *mm, struct region *r, vaddr_t va)
{
    struct vma *v;
    int err = -EINVAL;

    mm_lock(mm);
    v = vma_find(mm, va);
    if (v && v->kind == VMA_ID && v->region == r && v->start == va)
        err = mm_unmap(mm, v->start, v->end, TABLES_TRIM);
    mm_unlock(mm);
    return err;
}
