/*
 * Building the address space of a new program, for exec.
 *
 * Segments from 0 up, a guard page, one stack page, the break above it: xv6's layout. The
 * mm is not loaded anywhere while it is built; exec throws it away when a step fails.
 * Lock: mm->lock for each step, never while a file is read. Read next: mm/brk.c.
 */
#include "lib/annotate.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "pgtable.h"
#include "space.h"

/* Brings up every page of a segment. => rests. 0 or -EINTR. */
static int populate(struct mm *mm, struct vma *v) __must_hold(&mm->lock)
{
    pte_t *pte;
    int err = 0;

    for (vaddr_t va = v->start; va < v->end && !err; va += PAGE_SIZE) {
        err = fault_page(v, va, ACCESS_READ, NULL, &pte);
        if (!err)
            err = mm_work(mm, WORK_ZERO);
    }
    return err;
}

/*
 * Adds a private vma with all the frames it will ever have: promised, tables made, and in a
 * segment that stays read-only the pages, too, after which nothing is promised for it any more.
 * => rests.
 */
static int add_vma(struct mm *mm, vaddr_t start, vaddr_t end, enum vma_kind kind, unsigned prot)
    __must_hold(&mm->lock)
{
    struct vma *v = vma_create(start, end, kind, prot);
    int err;

    if (!v)
        return -ENOMEM;
    err = prot == PROT_NONE ? 0 : mm_reserve(mm, vma_pages(v));
    if (err) {
        list_push_back(&mm->gone, &v->link);
        return err;
    }
    mm->set_aside = 0;
    v->promised = prot != PROT_NONE;
    vma_insert(mm, v);
    mm->size = end;
    err = v->promised ? mm_prepare(mm, start, end) : 0;
    if (!err && !(prot & PROT_WRITE) && v->promised) {
        err = populate(mm, v);
        v->promised = err;
    }
    return err;
}

int mm_add_segment(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot)
{
    int err;

    if (start > end || end > USER_BREAK_MAX || start < mm->size ||
        ((start | end) & (PAGE_SIZE - 1)))
        return -EINVAL;
    if (start == end)
        return 0;
    mm_lock(mm);
    err = add_vma(mm, start, end, VMA_IMAGE, prot | PROT_READ);
    mm_unlock(mm);
    return err;
}

int mm_add_stack(struct mm *mm, vaddr_t start)
{
    int err;

    if (start != mm->size || !range_fits(start, 2 * PAGE_SIZE, USER_BREAK_MAX))
        return -EINVAL;
    mm_lock(mm);
    err = add_vma(mm, start, start + PAGE_SIZE, VMA_GUARD, PROT_NONE);
    if (!err)
        err = add_vma(mm, start + PAGE_SIZE, start + 2 * PAGE_SIZE, VMA_STACK,
                      PROT_READ | PROT_WRITE);
    mm_unlock(mm);
    return err;
}

/* The kernel's address of the byte at va in an mm that only the caller uses. */
static int image_address(struct mm *mm, vaddr_t va, char **out)
{
    int err = -EFAULT;
    struct vma *v;
    pte_t *pte;

    spin_lock(&mm->lock);
    v = va < USER_TOP ? vma_find(mm, va) : NULL;
    if (v && !v->region && v->prot != PROT_NONE)
        err = fault_page(v, page_down(va), ACCESS_READ, NULL, &pte);
    if (!err)
        *out = (char *)phys_to_virt(pte_phys(*pte)) + (va & (PAGE_SIZE - 1));
    spin_unlock(&mm->lock);
    return err;
}

static size_t rest_of_page(vaddr_t va, size_t len)
{
    size_t n = PAGE_SIZE - (va & (PAGE_SIZE - 1));

    return n < len ? n : len;
}

int mm_fill(struct mm *mm, vaddr_t va, size_t len, mm_fill_fn read, void *ctx)
{
    char *to;

    for (size_t off = 0, n; off < len; off += n) {
        int err = image_address(mm, va + off, &to);

        n = rest_of_page(va + off, len - off);
        if (!err)
            err = read(ctx, to, off, n);
        if (err)
            return err;
    }
    return 0;
}

int mm_write(struct mm *mm, vaddr_t va, const void *from, size_t len)
{
    char *to;

    for (size_t off = 0, n; off < len; off += n) {
        int err = image_address(mm, va + off, &to);

        if (err)
            return err;
        n = rest_of_page(va + off, len - off);
        memcpy(to, (const char *)from + off, n);
    }
    return 0;
}
