/*
 * The break: sbrk in its eager and its lazy form.
 *
 * Eager memory is promised, not taken: the frames are reserved and the tables made, the
 * pages appear when they are touched (mm/fault.c). Lazy memory is only noted. The break is
 * a byte; mappings are pages. Lock: mm->lock. Read next: mm/unmap.c.
 */
#include "lib/annotate.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "pgtable.h"
#include "mm/region.h"
#include "space.h"

/*
 * The lowest page that growing from the break must provide: the next one, unless the break
 * came down into a hole that an unmapped sharing left, where its own page is missing, too.
 */
static vaddr_t growth_start(struct mm *mm)
{
    vaddr_t page = page_down(mm->size);

    return page == mm->size || vma_find(mm, page) ? page_up(mm->size) : page;
}

/* The heap of this kind that ends at va, to be extended, or NULL. */
static struct vma *heap_below(struct mm *mm, vaddr_t va, enum vma_kind kind)
{
    struct vma *v = va ? vma_find(mm, va - PAGE_SIZE) : NULL;

    return v && v->kind == kind ? v : NULL;
}

/* Makes [start, end) heap of `kind`. => 0 or -ENOMEM: nothing has changed. */
static int heap_extend(struct mm *mm, vaddr_t start, vaddr_t end, enum vma_kind kind)
{
    struct vma *v = heap_below(mm, start, kind), *fresh = NULL;
    size_t npages = (end - start) >> PAGE_SHIFT;

    if (!v && !(fresh = vma_create(start, end, kind, PROT_READ | PROT_WRITE)))
        return -ENOMEM;
    if (kind == VMA_HEAP) {
        if (page_reserve(npages))
            goto out_vma;
        if (pt_prepare(mm->root, start, end))
            goto out_tables;
    }
    /* Commit: nothing below may fail. */
    if (v)
        v->end = end;
    else
        vma_insert(mm, fresh);
    return 0;

out_tables:
    pt_trim(mm->root, mm->cpus, start, end, vma_gap_start(mm, start), vma_gap_end(mm, start));
    page_unreserve(npages);
out_vma:
    if (fresh)
        vma_destroy(fresh);
    return -ENOMEM;
}

static int brk_grow(struct mm *mm, uint64_t n, enum brk_mode mode)
{
    vaddr_t start, end;

    if (n == 0)
        return 0;
    if (!range_fits(mm->size, n, USER_BREAK_MAX))
        return -EINVAL;
    start = growth_start(mm);
    end = page_up(mm->size + n);
    if (start < end) {
        int err;

        if (vma_gap_end(mm, start) < end)
            return -EINVAL;
        err = heap_extend(mm, start, end, mode == BRK_LAZY ? VMA_LAZY : VMA_HEAP);
        if (err)
            return err;
    }
    mm->size += n;
    return 0;
}

/* Whether a shared mapping reaches above the break `size`. */
static bool shared_above(struct mm *mm, vaddr_t size)
{
    for (struct vma *v = vma_first_above(mm, size); v; v = vma_next(mm, v))
        if (vma_in_size(v))
            return true;
    return false;
}

static int brk_shrink(struct mm *mm, uint64_t n, struct list *gone)
{
    vaddr_t size = mm->size - n;

    if (n > mm->size)
        return 0;
    if (shared_above(mm, size))
        return -EINVAL;
    if (page_up(size) < page_up(mm->size)) {
        /* The range ends where a vma does, so nothing is split and nothing can fail. */
        int err = mm_unmap(mm, page_up(size), page_up(mm->size), TABLES_TRIM, gone);

        if (err)
            return err;
    }
    mm->size = size;
    return 0;
}

__noinline int mm_sbrk(struct mm *mm, long n, enum brk_mode mode, vaddr_t *old)
{
    struct list gone = LIST_INIT(gone);
    int err;

    spin_lock(&mm->lock);
    *old = mm->size;
    err = n < 0 ? brk_shrink(mm, 0 - (uint64_t)n, &gone) : brk_grow(mm, (uint64_t)n, mode);
    spin_unlock(&mm->lock);
    vma_destroy_list(&gone);
    return err;
}
