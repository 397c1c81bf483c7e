/*
 * Regions on demand: a promise of frames, each of which comes when it is first asked for.
 *
 * Two sorts: pages that come zeroed (ids, shared anonymous memory), here; and pages that are brought
 * (a file's, by fs/ext/mapping.c, with the steps that are here). Frames come out of the region's
 * promise, under its lock (I5). Called through the operations by mm/fault.c; by ipc/ext/ids.c,
 * syscall/ext/sysmmap.c, fs/ext/mapping.c. Read next: map_region_page() in mm/fault.c.
 */
#include "mm/demand.h"

#include "../space.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"

struct region *region_create_demand(size_t npages, const struct region_ops *ops, void *owner)
{
    struct region *r = region_create(npages, ops);
    size_t missing;

    if (!r)
        return NULL;
    r->on_demand = true;
    r->owner = owner;
    memset(r->frames, 0, npages * sizeof(r->frames[0]));
    do {
        uint64_t irq = irq_disable_save(); /* one step for the audit */

        missing = page_try_reserve(npages);
        if (!missing)
            r->promised = r->npages = npages;
        irq_restore(irq);
    } while (missing && npages <= page_total() && page_reclaim(missing));
    if (!missing)
        return r;
    region_free(r);
    return NULL;
}

/* ---- frames ---- */

/* A frame out of the promise, or NULL. */
static struct page *take_promised(struct region *r) __must_hold(&r->lock)
{
    ASSERT(r->on_demand);
    if (!r->promised)
        return NULL;
    r->promised--;
    return page_alloc_reserved();
}

/* The caller's hold of the frame becomes the region's. */
static void fill_page(struct region *r, size_t i, struct page *page) __must_hold(&r->lock)
{
    ASSERT(i < r->npages && !r->frames[i]);
    page->kind = PAGE_USER;
    __atomic_fetch_add(&page->refs, PAGE_PIN - PAGE_REF, __ATOMIC_RELAXED);
    __atomic_store_n(&r->frames[i], frame_number(page), __ATOMIC_RELEASE);
}

struct page *region_take(struct region *r)
{
    struct page *page;

    spin_lock(&r->lock);
    page = take_promised(r);
    spin_unlock(&r->lock);
    return page;
}

void region_give_back(struct region *r, struct page *page)
{
    spin_lock(&r->lock);
    ASSERT(r->promised < r->npages);
    page_put_keep(page);
    r->promised++;
    spin_unlock(&r->lock);
}

void region_fill(struct region *r, size_t i, struct page *page)
{
    spin_lock(&r->lock);
    fill_page(r, i, page);
    spin_unlock(&r->lock);
}

/* ---- pages that come zeroed ---- */

/* Two processes may come for the same page at once: the first one's is it. */
static int give_zeroed(struct region *r, size_t i, enum access access, struct page **page)
{
    spin_lock(&r->lock);
    *page = region_page(r, i);
    if (!*page) {
        *page = take_promised(r);
        memset(page_addr(*page), 0, PAGE_SIZE);
        fill_page(r, i, *page);
    }
    spin_unlock(&r->lock);
    return 0;
}

struct region *region_create_zero(size_t npages)
{
    static const struct region_ops zero_ops = {.give = give_zeroed};

    return region_create_demand(npages, &zero_ops, NULL);
}

/* ---- pages that somebody brings ---- */

/* Page i is about to be stored to. It may be taken away just now; then the store goes with it. */
static void set_dirty(struct region *r, size_t i)
{
    uint32_t frame = __atomic_load_n(&r->frames[i], __ATOMIC_RELAXED);

    while (frame && !compare_and_swap(&r->frames[i], &frame, frame | REGION_DIRTY))
        ;
}

bool region_dirty(const struct region *r, size_t i)
{
    ASSERT(i < r->npages);
    return __atomic_load_n(&r->frames[i], __ATOMIC_ACQUIRE) & REGION_DIRTY;
}

int region_give_brought(struct region *r, size_t i, enum access access, struct page **page)
{
    *page = region_page(r, i);
    if (*page && access == ACCESS_WRITE)
        set_dirty(r, i);
    return *page ? 0 : -EAGAIN;
}
