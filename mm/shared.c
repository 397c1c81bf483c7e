/*
 * map_shared_pages() and unmap_shared_pages(): sharing, in three steps each.
 *
 * Owns nothing: the frames are a region's, the mapping is a vma's. The source is locked
 * while its frames are pinned, then let go; the destination is locked while they are
 * mapped. In between, the region alone holds the frames, so that it does not matter what
 * becomes of either side. Called by ipc/share.c, ipc/ext/grant.c and ipc/ext/service.c. Read next:
 * mm_lend() in mm/lend.c, mm_borrow() in mm/borrow.c, pt_map() in mm/pgtable.c.
 */
#include "mm/shared.h"

#include "lib/annotate.h"
#include "pgtable.h"
#include "mm/region.h"
#include "space.h"

/* The pages that [va, va + size) touches: *start and how many. => false: none, or not user space. */
static bool page_range(uint64_t va, uint64_t size, vaddr_t *start, size_t *npages)
{
    if (size == 0 || !range_fits(va, size, USER_TOP))
        return false;
    *start = page_down(va);
    *npages = (page_up(va + size) - *start) >> PAGE_SHIFT;
    return true;
}

__noinline uint64_t map_shared_pages(struct mm *src, struct mm *dst, uint64_t src_va, uint64_t size,
                                     struct lend lend)
{
    struct loan loan = {.terms = lend, .vmas = LIST_INIT(loan.vmas)};
    vaddr_t at;
    int err;

    if (!page_range(src_va, size, &loan.start, &loan.npages))
        return 0;
    err = mm_lend(src, &loan);
    if (!err)
        err = mm_borrow(dst, &loan, &at);
    vma_destroy_list(&loan.vmas); /* empty, if they are in dst */
    return err ? 0 : at + (src_va - loan.start);
}

/* Whether every page of [start, end) is a shared mapping. => rests; false when killed, too. */
static bool all_shared(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock)
{
    while (start < end) {
        struct vma *v = vma_find(mm, start);

        if (!v || v->kind != VMA_SHARED)
            return false;
        start = v->end;
        if (mm_work(mm, 1))
            return false;
    }
    return true;
}

__noinline uint64_t unmap_shared_pages(struct mm *mm, uint64_t addr, uint64_t size)
{
    vaddr_t start, end;
    size_t npages;
    int err = -1;

    if (!page_range(addr, size, &start, &npages))
        return (uint64_t)-1;
    end = start + npages * PAGE_SIZE;
    if (mm_lock_killable(mm))
        return (uint64_t)-1;
    if (all_shared(mm, start, end))
        err = mm_unmap(mm, start, end, TABLES_TRIM);
    mm_unlock(mm);
    return err ? (uint64_t)-1 : 0;
}
