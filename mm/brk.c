/*
 * The break: sbrk in its eager and its lazy form.
 *
 * Eager memory is promised, not taken: the frames are reserved and the tables made, the
 * pages appear when they are touched (mm/fault.c). Lazy memory is only noted. The break is
 * a byte; mappings are pages. Lock: mm->lock. Read next: mm/unmap.c.
 */
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "pgtable.h"
#include "mm/region.h"
#include "space.h"

/*
 * The lowest page that growing from the break must provide: the next one, unless the break
 * came down into a hole that an unmapped sharing left, where its own page is missing, too.
 */
static vaddr_t growth_start(struct mm *mm) __must_hold(&mm->lock)
{
    vaddr_t page = page_down(mm->size);

    return page == mm->size || vma_find(mm, page) ? page_up(mm->size) : page;
}

/* The heap of this kind that ends at va, to be extended, or NULL. */
static struct vma *heap_below(struct mm *mm, vaddr_t va, enum vma_kind kind) __must_hold(&mm->lock)
{
    struct vma *v = va ? vma_find(mm, va - PAGE_SIZE) : NULL;

    return v && v->kind == kind ? v : NULL;
}

/* Makes [start, end) heap of `kind`. => rests. 0, -ENOMEM, -EINTR: nothing has changed. */
static int heap_extend(struct mm *mm, vaddr_t start, vaddr_t end, enum vma_kind kind)
    __must_hold(&mm->lock)
{
    struct vma *v = heap_below(mm, start, kind), *fresh = NULL;
    int err;

    if (!v && !(fresh = vma_create(start, end, kind, PROT_READ | PROT_WRITE)))
        return -ENOMEM;
    if (kind == VMA_HEAP) {
        err = mm_reserve(mm, (end - start) >> PAGE_SHIFT);
        if (err)
            goto out_vma;
        err = mm_prepare(mm, start, end);
        if (err)
            goto out_tables;
    }
    ASSERT(mm->set_aside == (kind == VMA_HEAP ? (end - start) >> PAGE_SHIFT : 0));
    /* Commit: nothing below may fail. The promise is the vma's from here on. */
    mm->set_aside = 0;
    if (v)
        vma_set_bounds(mm, v, v->start, end);
    else
        vma_insert(mm, fresh);
    return 0;

out_tables:
    mm_trim(mm, start, end);
out_vma:
    if (fresh)
        list_push_back(&mm->gone, &fresh->link);
    return err;
}

static int brk_grow(struct mm *mm, uint64_t n, enum brk_mode mode) __must_hold(&mm->lock)
{
    vaddr_t start, end;

    if (n == 0)
        return 0;
    if (!range_fits(mm->size, n, USER_BREAK_MAX))
        return -EINVAL;
    start = growth_start(mm);
    end = page_up(mm->size + n);
    if (start < end) {
        const struct vma *above = vma_first_above(mm, start);
        int err;

        if (above && above->start < end)
            return -EINVAL;
        err = heap_extend(mm, start, end, mode == BRK_LAZY ? VMA_LAZY : VMA_HEAP);
        if (err)
            return err;
    }
    mm->size += n;
    return 0;
}

static int brk_shrink(struct mm *mm, uint64_t n) __must_hold(&mm->lock)
{
    vaddr_t size = mm->size - n;
    int err = 0;

    if (n > mm->size)
        return 0;
    for (struct vma *v = vma_first_above(mm, size); v && !err; v = vma_next(mm, v))
        err = vma_in_size(v) ? -EINVAL : mm_work(mm, 1); /* a shared mapping stays */
    if (err)
        return err;
    /* The range ends where a vma does, so nothing is split and nothing can fail. */
    if (page_up(size) < page_up(mm->size))
        err = mm_unmap(mm, page_up(size), page_up(mm->size), TABLES_TRIM);
    if (!err)
        mm->size = size;
    return err;
}

__noinline int mm_sbrk(struct mm *mm, long n, enum brk_mode mode, vaddr_t *old)
{
    int err = mm_lock_killable(mm);

    if (err)
        return err;
    *old = mm->size;
    err = n < 0 ? brk_shrink(mm, 0 - (uint64_t)n) : brk_grow(mm, (uint64_t)n, mode);
    mm_unlock(mm);
    return err;
}
