/*
 * Borrowing: regions are mapped into an address space, above everything it has.
 *
 * Above the line `Commit:` a place is found and tables are made; below it nothing can fail. Each
 * vma remembers the size to go back to. Called by mm/shared.c and ipc/ext/ids.c. Read next: pt_map()
 * in mm/pgtable.c; mm/region.c; mm/unmap.c for the way back.
 */
#include "asm/tlb.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/region.h"
#include "pgtable.h"
#include "space.h"

/*
 * Enters v's frames in the tables, which are prepared. Those that come on demand come by a fault.
 * => v is in its mm, so a revocation that begins after the look at `barred` finds it there.
 */
static void map_vma(struct mm *mm, struct vma *v) __must_hold(&mm->lock)
{
    const uint32_t *frames = v->region->frames + v->first;
    uint64_t flags = vma_pte_flags(v);
    size_t n;

    for (vaddr_t va = v->start; va < v->end; va += n * PAGE_SIZE, frames += n) {
        n = (pt_table_end(va, v->end) - va) >> PAGE_SHIFT;
        mm_work(mm, (unsigned)n / 3);
        if (v->region->on_demand || region_barred(v->region))
            return;
        pt_map(pt_lookup(mm->root, va), frames, n, flags);
    }
}

/* To refuse what was revoked already; map_vma() looks again. => rests. 0, -EFAULT, -EINTR. */
static int check_barred(struct mm *mm, struct loan *loan) __must_hold(&mm->lock)
{
    struct list *pos;
    int err = 0;

    list_for_each(pos, &loan->vmas) {
        const struct vma *v = list_entry(pos, struct vma, link);

        if (!err)
            err = region_barred(v->region) ? -EFAULT : mm_work(mm, 1);
    }
    return err;
}

/* mm_borrow() with the place found: `va`. => rests. */
static int borrow_at(struct mm *dst, struct loan *loan, vaddr_t va) __must_hold(&dst->lock)
{
    vaddr_t end = va + loan->npages * PAGE_SIZE;
    struct list *node;
    int err = mm_prepare(dst, va, end);

    if (!err)
        err = check_barred(dst, loan);
    if (err) {
        mm_trim(dst, va, end);
        return err;
    }
    /* Commit: nothing below may fail. No fence: a hart may remember an entry as invalid; then it
     * faults once, and mm_fault() finds the entry valid. */
    while ((node = list_pop_front(&loan->vmas))) {
        struct vma *v = list_entry(node, struct vma, link);

        v->size_before = v->start ? va + v->start : dst->size;
        v->start += va;
        v->end += va;
        vma_insert(dst, v);
        if (v->prot & PROT_EXEC)
            icache_sync(dst->cpus); /* before it can fetch what others have stored there */
        map_vma(dst, v);
        mm_work(dst, WORK_VMA);
    }
    dst->size = end;
    return 0;
}

__noinline int mm_borrow(struct mm *dst, struct loan *loan, vaddr_t *va)
{
    const struct vma *above;
    int err = mm_lock_killable(dst);

    if (err)
        return err;
    ASSERT(loan->npages > 0 && !list_empty(&loan->vmas));
    *va = page_up(dst->size);
    above = vma_first_above(dst, *va);
    if (range_fits(*va, loan->npages * PAGE_SIZE, USER_BREAK_MAX) &&
        (!above || above->start >= *va + loan->npages * PAGE_SIZE))
        err = borrow_at(dst, loan, *va);
    else
        err = -EINVAL;
    mm_unlock(dst);
    return err;
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
