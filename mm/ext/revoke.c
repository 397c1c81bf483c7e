/*
 * Taking away: pages that were lent or mapped go from everyone who has them.
 *
 * A sweep unhooks the entries to a region's frames, in whatever mm, a piece of one vma at a time.
 * It serves a revocation, which takes a consent's regions and all that was made of their pages by
 * further consents, and region_empty(), which takes a file's pages. The region is barred first, so that no fault brings back
 * what the sweep has passed.
 *
 * Owns: the tree of what was lent, under lending_lock; the order of region->vmas during a sweep.
 * Called by ipc/ext/grant.c, ipc/ext/service.c and fs/ext/mapping.c. Read next: unmap_piece() in
 * mm/unmap.c.
 */
#include "mm/loans.h"

#include "asm/cpu.h"
#include "lib/assert.h"
#include "mm/slab.h"
#include "../space.h"

/* A pinned region that was made by a consent. */
struct lent_region {
    struct region r;
    struct loans *loans;   /* [lending] the consent; NULL: it ended */
    struct list by_loans;  /* [lending] among the regions of its consent */
    struct list by_parent; /* [lending] among the children of r.parent, if that was lent, too */
    struct list children;  /* [lending] regions that were made of its pages by further consents */
};

static struct spinlock lending_lock = SPINLOCK_INIT("lending", RANK_REGION);

/* ---- sweeps: the entries to a region's frames go, in whatever mm ---- */

/* One step of a sweep: a piece of v, from the top down. => v->mm->lock held. */
static void sweep_piece(struct region *r, struct vma *v, uint64_t sweep)
{
    vaddr_t to = v->stamp == sweep && v->swept < v->end ? v->swept : v->end;
    unsigned work;
    vaddr_t from = to > v->start ? unmap_piece_start(v, v->start, to, &work) : v->start;

    unmap_piece(v, from, to, UNHOOK_REGION);
    spin_lock(&r->lock);
    v->stamp = sweep;
    v->swept = from;
    if (from == v->start) { /* the vmas that the sweep has done come last */
        list_remove(&v->region_link);
        list_push_back(&r->vmas, &v->region_link);
    }
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

/*
 * Unhooks every entry that points to a frame of r, in every mm. => no lock held; may sleep. One at a
 * time for each r.
 */
static __no_lock_analysis void unhook_everywhere(struct region *r)
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

/*
 * Barred, so that no fault enters a page again; then every entry goes; then the frames. What is
 * not free then was lent on: that frame returns to the common pool when its borrowers go, so the
 * region must reserve a new one. Each batch appears as one step (mm/audit.h).
 */
void region_empty(struct region *r)
{
    uint32_t batch[REGION_STEP];

    assert_can_sleep();
    ASSERT(r->on_demand);
    __atomic_store_n(&r->barred, true, __ATOMIC_SEQ_CST);
    unhook_everywhere(r);
    for (size_t end = r->npages, first; end > 0; end = first) {
        size_t n, freed, left;

        first = end > REGION_STEP ? end - REGION_STEP : 0;
        spin_lock(&r->lock);
        n = region_take_out(r, first, end, batch);
        freed = page_put_many(batch, n, PAGE_PIN).freed;
        if (freed)
            page_free_some(batch, freed, NULL);
        left = n - freed;
        if (left && page_try_reserve(left))
            n -= left; /* those pages stay without a frame: see region_take() */
        r->promised += n;
        CHECK_ASSERT(r->promised <= r->npages);
        spin_unlock(&r->lock);
        task_yield_if_due();
    }
    __atomic_store_n(&r->barred, false, __ATOMIC_SEQ_CST);
}

/* ---- loans: the tree of what was lent ---- */

static void lent_let_go(struct region *r);
static struct slab_cache lent_cache =
    SLAB_CACHE_INIT(lent_cache, "lent", sizeof(struct lent_region));
static const struct region_ops lent_ops = {
    .give = region_give_pinned,
    .let_go = lent_let_go,
    .cache = &lent_cache,
};

static struct lent_region *lent_of(struct region *r)
{
    return container_of(r, struct lent_region, r);
}

/* l is in the list of its consent no more. */
static void leave_consent(struct lent_region *l) __must_hold(&lending_lock)
{
    ASSERT(!l->loans || l->loans->count > 0);
    if (l->loans)
        l->loans->count--;
    l->loans = NULL;
    list_remove(&l->by_loans);
}

/* No revocation finds r any more. */
static void lent_let_go(struct region *r)
{
    struct lent_region *l = lent_of(r);

    spin_lock(&lending_lock);
    leave_consent(l);
    list_remove(&l->by_parent);
    spin_unlock(&lending_lock);
}

/* Enters l, which has no frame yet, in the tree. => false: revoked, or too many. */
static bool lent_enter(struct lent_region *l, struct region *parent, struct loans *loans)
    __must_hold(&lending_lock)
{
    if (loans->revoked || (parent && parent->barred) || loans->count >= LOANS_MAX)
        return false;
    l->r.revocable = !loans->lasting || (parent && parent->revocable);
    l->loans = loans;
    loans->count++;
    list_push_back(&loans->regions, &l->by_loans);
    if (parent) {
        region_get(parent);
        l->r.parent = parent;
    }
    if (parent && parent->ops == &lent_ops)
        list_push_back(&lent_of(parent)->children, &l->by_parent);
    return true;
}

struct region *loans_make_region(struct consent *c, size_t npages, struct region *parent)
{
    struct loans *loans = container_of(c, struct loans, consent);
    struct region *r = region_create(npages, &lent_ops);
    bool entered;

    if (!r)
        return NULL;
    list_init(&lent_of(r)->by_loans);
    list_init(&lent_of(r)->by_parent);
    list_init(&lent_of(r)->children);
    spin_lock(&lending_lock);
    entered = lent_enter(lent_of(r), parent, loans);
    spin_unlock(&lending_lock);
    if (entered)
        return r;
    region_put(r); /* it has no frames, and no parent: this does not sleep */
    return NULL;
}

/*
 * The next region of a revocation, barred and held: one that the consent has lent, or one that
 * was lent on from those met before. What was made of its pages in turn comes on `lent_on`.
 * A region whose last holder is gone has no vma, and is passed over.
 */
static struct region *next_lent(struct loans *loans, struct list *lent_on)
{
    struct lent_region *l;
    struct region *found = NULL;

    spin_lock(&lending_lock);
    loans->revoked = true;
    while (!found) {
        if (!list_empty(&loans->regions))
            l = list_entry(list_first(&loans->regions), struct lent_region, by_loans);
        else if (!list_empty(lent_on))
            l = list_entry(list_first(lent_on), struct lent_region, by_parent);
        else
            break;
        leave_consent(l);
        list_remove(&l->by_parent);
        list_splice(lent_on, &l->children);
        __atomic_store_n(&l->r.barred, true, __ATOMIC_SEQ_CST);
        if (region_get_live(&l->r))
            found = &l->r;
    }
    spin_unlock(&lending_lock);
    return found;
}

void loans_revoke(struct loans *loans)
{
    struct list lent_on = LIST_INIT(lent_on);
    struct region *r;

    assert_can_sleep();
    while ((r = next_lent(loans, &lent_on))) {
        unhook_everywhere(r);
        region_put(r);
    }
}

void loans_keep(struct loans *loans)
{
    bool any = true;

    while (any) {
        spin_lock(&lending_lock);
        loans->revoked = true;
        any = !list_empty(&loans->regions);
        if (any)
            leave_consent(list_entry(list_first(&loans->regions), struct lent_region, by_loans));
        spin_unlock(&lending_lock);
    }
}
