/*
 * A range that a call will use: may it, and are its pages there?
 *
 * A page that must be brought from a disk makes a fault sleep. So a caller that copies with a lock held has
 * such pages brought before. Lock: mm->lock, for a look. Called by syscall/ and ipc/. Read next:
 * bring_page() in mm/fault.c.
 */
#include "mm/mmap.h"

#include "../space.h"
#include "lib/errno.h"

/* The lowest page from va on that may have to be brought; end or above: none, or killed. */
static vaddr_t next_brought(struct mm *mm, vaddr_t va, vaddr_t end)
{
    struct vma *v;

    mm_lock(mm);
    v = vma_first_above(mm, va);
    while (v && v->start < end && !(v->region && v->region->ops->bring))
        v = mm_work(mm, 1) ? NULL : vma_next(mm, v);
    if (!v)
        va = end;
    else if (v->start > va)
        va = v->start;
    mm_unlock(mm);
    return va;
}

void mm_prefault(struct mm *mm, vaddr_t va, uint64_t n, enum access access)
{
    vaddr_t end = va + n;

    if (!mm->npaged || !n || !range_fits(va, n, USER_TOP))
        return;
    va = next_brought(mm, page_down(va), end);
    while (va < end && !task_killed(current()) && !mm_fault(mm, va, access))
        va = next_brought(mm, va + PAGE_SIZE, end);
}

int mm_check(struct mm *mm, vaddr_t va, uint64_t n, enum access access)
{
    vaddr_t end;
    int err;

    if (!n || !range_fits(va, n, USER_TOP))
        return -EINVAL;
    if (n >> PAGE_SHIFT > page_total())
        return -ENOMEM;
    err = mm_lock_killable(mm);
    if (err)
        return err;
    for (end = va + n; va < end && !err;) {
        const struct vma *v = vma_find(mm, va);

        err = v && vma_allows(v, access) ? mm_work(mm, 1) : -EFAULT;
        va = v ? v->end : end;
    }
    mm_unlock(mm);
    return err;
}
