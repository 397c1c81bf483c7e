/*
 * Taking away: pages that were lent or mapped go from everyone who has them.
 *
 * A sweep unhooks the entries to a region's frames, in whatever mm, a piece of one vma at a time.
 * It serves a revocation, which takes a consent's regions and all that was made of their pages by
 * further consents, and the cutting of a file. The region is barred first, so that no fault brings
 * back what the sweep has passed.
 *
 * Owns: the tree of what was lent, under lending_lock; the order of region->vmas during a sweep.
 * Called by ipc/ and fs/mapping.c. Read next: gather_unhook() in mm/unmap.c.
 */
#include "mm/region.h"

#include "asm/cpu.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "../space.h"

static struct spinlock lending_lock = SPINLOCK_INIT("lending", RANK_REGION);

/* ---- sweeps: the entries to a region's frames go, in whatever mm ---- */

/* Moves v to the end of its region's list: the vmas that the sweep has done come last. */
static void sweep_done(struct region *r, struct vma *v)
{
    list_remove(&v->region_link);
    list_push_back(&r->vmas, &v->region_link);
}

/* One step of a sweep: a piece of v, from the top down. => v->mm->lock held. */
static void sweep_piece(struct region *r, struct vma *v, uint64_t sweep)
{
    vaddr_t to = v->stamp == sweep && v->swept < v->end ? v->swept : v->end;
    unsigned work;
    vaddr_t from = to > v->start ? unmap_piece_start(v, v->start, to, &work) : v->start;
    struct gather g;

    gather_begin(&g, v);
    gather_unhook(&g, from, to, UNHOOK_REGION);
    gather_flush(&g);
    spin_lock(&r->lock);
    v->stamp = sweep;
    v->swept = from;
    if (from == v->start)
        sweep_done(r, v);
    spin_unlock(&r->lock);
}

/*
 * The first vma of r's list, which the sweep has not done, with its mm locked; or NULL. From a
 * region to an mm is against the lock order: so this only tries, and looks again. An mm does not
 * go while a vma of its is listed, and that is under r->lock.
 */
static __no_lock_analysis struct vma *lock_unswept(struct region *r, uint64_t sweep)
{
    for (;;) {
        struct list *first;
        struct vma *v;
        bool locked;

        spin_lock(&r->lock);
        first = list_first(&r->vmas);
        v = first ? list_entry(first, struct vma, region_link) : NULL;
        if (v && v->stamp == sweep && v->swept <= v->start)
            v = NULL;
        locked = v && spin_trylock(&v->mm->lock);
        spin_unlock(&r->lock);
        if (locked || !v)
            return v;
        cpu_relax();
    }
}

/* Unhooks every entry that points to a frame of r, in every mm. => One at a time for each r; may sleep. */
static __no_lock_analysis void unhook_region(struct region *r)
{
    static uint64_t last_sweep;
    uint64_t sweep = __atomic_add_fetch(&last_sweep, 1, __ATOMIC_RELAXED);
    struct vma *v;

    while ((v = lock_unswept(r, sweep))) {
        struct mm *mm = v->mm;

        sweep_piece(r, v, sweep);
        spin_unlock(&mm->lock);
        task_yield_if_due();
    }
}

/* ---- what was lent by a consent, and taking it back ---- */

/* r is in the list of its consent no more. => lending_lock held. */
static void leave_consent(struct region *r)
{
    if (r->loans)
        r->loans->count--;
    r->loans = NULL;
    list_remove(&r->by_loans);
}

void region_leave_loans(struct region *r)
{
    spin_lock(&lending_lock);
    leave_consent(r);
    list_remove(&r->by_parent);
    spin_unlock(&lending_lock);
}

int region_lend(struct region *r, struct region *parent, struct loans *loans)
{
    int err = 0;

    spin_lock(&lending_lock);
    if (loans->revoked || (parent && parent->barred))
        err = -EFAULT;
    else if (loans->count >= LOANS_MAX)
        err = -ENOMEM;
    if (!err) {
        r->lent = true;
        list_init(&r->by_parent);
        r->loans = loans;
        r->revocable = !loans->lasting || (parent && parent->revocable);
        loans->count++;
        list_push_back(&loans->regions, &r->by_loans);
        if (parent) {
            region_get(parent);
            r->parent = parent;
            list_push_back(&parent->children, &r->by_parent);
        }
    }
    spin_unlock(&lending_lock);
    return err;
}

/*
 * The next region of a revocation, barred and held: one that the consent has lent, or one that
 * was lent on from those met before. What was made of its pages in turn comes on `lent_on`.
 * A region whose last holder is gone has no vma, and is passed over.
 */
static struct region *next_lent(struct loans *loans, struct list *lent_on)
{
    struct region *r = NULL, *found = NULL;

    spin_lock(&lending_lock);
    loans->revoked = true;
    while (!found) {
        if (!list_empty(&loans->regions))
            r = list_entry(list_first(&loans->regions), struct region, by_loans);
        else if (!list_empty(lent_on))
            r = list_entry(list_first(lent_on), struct region, by_parent);
        else
            break;
        leave_consent(r);
        list_remove(&r->by_parent);
        list_splice(lent_on, &r->children);
        __atomic_store_n(&r->barred, true, __ATOMIC_SEQ_CST);
        if (region_get_live(r))
            found = r;
    }
    spin_unlock(&lending_lock);
    return found;
}

void region_revoke(struct loans *loans)
{
    struct list lent_on = LIST_INIT(lent_on);
    struct region *r;

    while ((r = next_lent(loans, &lent_on))) {
        unhook_region(r);
        region_put(r);
    }
}

void region_keep_loans(struct loans *loans)
{
    bool any = true;

    while (any) {
        spin_lock(&lending_lock);
        loans->revoked = true;
        any = !list_empty(&loans->regions);
        if (any)
            leave_consent(list_entry(list_first(&loans->regions), struct region, by_loans));
        spin_unlock(&lending_lock);
    }
}

/* ---- cutting a file ---- */

/*
 * Barred, so that no fault enters a page again; then every entry goes; then the frames. What is
 * not free then was lent on: that frame returns to the common pool when its borrowers go, so the
 * region must reserve a new one. Each batch appears as one step (mm/audit.h).
 */
void region_empty(struct region *r)
{
    uint32_t batch[REGION_STEP];

    __atomic_store_n(&r->barred, true, __ATOMIC_SEQ_CST);
    unhook_region(r);
    for (size_t end = r->npages, first; end > 0; end = first) {
        size_t n, left;

        first = end > REGION_STEP ? end - REGION_STEP : 0;
        spin_lock(&r->lock);
        n = region_take_out(r, first, end, batch);
        left = n - page_drop_many(batch, n, PAGE_PIN).freed;
        if (left && page_try_reserve(left))
            n -= left; /* those pages stay without a frame: see region_take() */
        r->filled -= n;
        spin_unlock(&r->lock);
        task_yield_if_due();
    }
    __atomic_store_n(&r->barred, false, __ATOMIC_SEQ_CST);
}
