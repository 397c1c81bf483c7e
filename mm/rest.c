/*
 * The lock of a call that changes vmas, its rests, and what it sets aside before it commits.
 *
 * mm->lock is a spin lock, so a long call lets go of it after each batch of work. The mm is closed
 * meanwhile: faults and sweeps come in, other calls wait. Frames that the call has reserved for no
 * vma yet count as mm->set_aside; vmas that it has removed wait on mm->gone, because the end of a
 * region may sleep. Called by the files of mm/ that work on one address space. Read next:
 * mm/unmap.c.
 */
#include "space.h"

#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "pgtable.h"

void mm_lock(struct mm *mm)
{
    assert_can_sleep();
    spin_lock(&mm->lock);
    while (unlikely(mm->closed))
        wait_on(&mm->reopened, &mm->lock);
}

__no_lock_analysis int mm_lock_killable(struct mm *mm)
{
    assert_can_sleep();
    spin_lock(&mm->lock);
    while (unlikely(mm->closed))
        if (wait_on_killable(&mm->reopened, &mm->lock)) {
            spin_unlock(&mm->lock);
            return -EINTR;
        }
    return 0;
}

void mm_unlock(struct mm *mm)
{
    struct list gone = LIST_INIT(gone);

    ASSERT(mm->limbo == 0);
    mm->work = 0;
    if (unlikely(mm->set_aside))
        page_unreserve(mm->set_aside);
    mm->set_aside = 0;
    if (unlikely(mm->closed)) {
        mm->closed = false;
        wake_all(&mm->reopened);
    }
    list_splice(&gone, &mm->gone);
    spin_unlock(&mm->lock);
    vma_destroy_list(&gone);
}

__noinline int mm_rest(struct mm *mm, unsigned units)
{
    ASSERT(spin_held(&mm->lock));
    mm->closed = true;
    mm->work = units;
    spin_unlock(&mm->lock);
    task_yield_if_due();
    spin_lock(&mm->lock);
    return task_killed(current()) ? -EINTR : 0;
}

int mm_reserve(struct mm *mm, size_t n)
{
    size_t missing;

    while (n && (missing = page_try_reserve(n)) > 0) {
        int err = n <= page_total() && page_reclaim(missing) ? mm_work(mm, WORK_BATCH) : -ENOMEM;

        if (err)
            return err;
    }
    mm->set_aside += n;
    return 0;
}

int mm_prepare(struct mm *mm, vaddr_t start, vaddr_t end)
{
    int err = 0;

    for (vaddr_t va = start; va < end && !err; va = pt_table_end(va, end)) {
        if (pt_lookup(mm->root, va))
            err = mm_work(mm, 1);
        else
            err = pt_create(mm->root, va, 0, TABLES_ALLOC) ? mm_work(mm, WORK_TABLE) : -ENOMEM;
    }
    return err;
}

#define TRIM_STEP (64 * pt_span(1)) /* what one step of trimming looks at: 64 tables */

void mm_trim(struct mm *mm, vaddr_t start, vaddr_t end)
{
    const struct vma *v = vma_first_above(mm, start), *below = v ? vma_prev(mm, v) : vma_last(mm);
    vaddr_t floor = below ? below->end : 0, ceiling = v ? v->start : USER_TOP;

    if (v && v->start <= start) {
        floor = v->start;
        ceiling = v->end;
    }
    ASSERT(floor <= start && start < end && end <= ceiling);
    /* From the top down, so that a table goes after those below it. */
    for (vaddr_t to = end, from; to > start; to = from) {
        from = (to - 1) & ~(TRIM_STEP - 1);
        if (from < start)
            from = start;
        pt_trim(mm, from, to, (struct pt_gap){from == start ? floor : from, ceiling});
        mm_work(mm, WORK_BATCH / 2);
    }
}
