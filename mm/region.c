/*
 * Regions: frames that several address spaces map.
 *
 * Owns: the pins on those frames (the high half of page->refs), and region_list. While a
 * frame is pinned it is nobody's copy-on-write page: fork copies it (mm/fork.c), so that
 * owner and borrowers go on seeing one frame (I4). A pinned region is written before its
 * address is known to a second party and never after; a sparse one fills up under its
 * lock, from its promise (I5). Called by mm/vma.c, mm/pin.c, ipc/ and fs/.
 * Read next: mm_map_region() in mm/space.c.
 */
#include "mm/region.h"

#include "asm/cpu.h"
#include "frames.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "space.h"

struct list region_list = LIST_INIT(region_list);

static struct spinlock region_list_lock = SPINLOCK_INIT("region list", RANK_REGION);
static struct slab_cache region_cache =
    SLAB_CACHE_INIT(region_cache, "region", sizeof(struct region));

/* The order of the block that holds the frame table of a region too long for `few`. */
static unsigned table_order(size_t npages)
{
    size_t bytes = npages * sizeof(uint32_t);
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    return order;
}

/* Gives r a table for its npages frames, all 0. => false without memory. */
static bool table_create(struct region *r)
{
    struct page *table;

    r->frames = r->few;
    if (r->npages <= REGION_INLINE)
        return true;
    r->order = (uint8_t)table_order(r->npages);
    table = page_alloc_order(r->order);
    if (!table)
        return false;
    r->frames = page_addr(table);
    if (r->sparse)
        for (size_t i = 0; i < r->npages; i++)
            r->frames[i] = 0;
    return true;
}

struct region *region_alloc(size_t npages, bool sparse)
{
    struct region *r;

    if (npages == 0 || npages > REGION_MAX)
        return NULL;
    r = slab_alloc(&region_cache);
    if (!r)
        return NULL;
    r->holders = 1;
    r->npages = npages;
    r->sparse = sparse;
    spin_init(&r->lock, "region", RANK_REGION);
    list_init(&r->vmas);
    if (!table_create(r)) {
        slab_free(&region_cache, r);
        return NULL;
    }
    spin_lock(&region_list_lock);
    list_push_back(&region_list, &r->link);
    spin_unlock(&region_list_lock);
    return r;
}

struct region *region_create(size_t npages, const struct region_pager *pager, void *owner)
{
    struct region *r = NULL;
    uint64_t irq;

    irq = irq_disable_save(); /* promise and region appear as one (mm/audit.c) */
    if (page_reserve(npages) == 0) {
        r = region_alloc(npages, true);
        if (!r)
            page_unreserve(npages);
    }
    irq_restore(irq);
    if (r) {
        r->pager = pager;
        r->owner = owner;
    }
    return r;
}

/* Takes up to a batch of frames, from *at on, out of the table. => how many. */
static size_t take_out(struct region *r, size_t *at, uint32_t *batch)
{
    size_t n = 0;

    for (; *at < r->npages && n < PAGE_BATCH; ++*at) {
        uint32_t frame = __atomic_exchange_n(&r->frames[*at], 0, __ATOMIC_ACQ_REL);

        if (frame)
            batch[n++] = frame & ~REGION_DIRTY;
    }
    return n;
}

static void unpin_all(struct region *r)
{
    uint32_t batch[PAGE_BATCH];

    for (size_t at = 0, n; !r->sparse && at < r->npages; at += n) {
        n = r->npages - at < PAGE_BATCH ? r->npages - at : PAGE_BATCH;
        page_unreserve(page_drop_many(r->frames + at, n, PAGE_PIN).freed);
    }
    if (!r->sparse)
        return;
    for (size_t at = 0, n; (n = take_out(r, &at, batch));)
        page_unreserve(page_drop_many(batch, n, PAGE_PIN).freed);
    page_unreserve(r->npages - r->filled);
}

static void region_destroy(struct region *r)
{
    if (r->pager)
        r->pager->release(r);
    spin_lock(&region_list_lock);
    list_remove(&r->link);
    unpin_all(r);
    spin_unlock(&region_list_lock);
    if (r->frames != r->few)
        page_free_order(page_of(r->frames), r->order);
    slab_free(&region_cache, r);
}

void region_get(struct region *r)
{
    __atomic_fetch_add(&r->holders, 1, __ATOMIC_RELAXED);
}

bool region_get_live(struct region *r)
{
    uint32_t n = __atomic_load_n(&r->holders, __ATOMIC_RELAXED);

    while (n && !compare_and_swap(&r->holders, &n, n + 1))
        ;
    return n;
}

void region_put(struct region *r)
{
    while (r && __atomic_sub_fetch(&r->holders, 1, __ATOMIC_ACQ_REL) == 0) {
        struct region *parent = r->parent;

        region_destroy(r);
        r = parent;
    }
}

/* ---- frames ---- */

static uint32_t frame_word(const struct region *r, size_t i)
{
    ASSERT(i < r->npages);
    return __atomic_load_n(&r->frames[i], __ATOMIC_ACQUIRE);
}

struct page *region_page(const struct region *r, size_t i)
{
    uint32_t frame = frame_word(r, i) & ~REGION_DIRTY;

    return frame ? frame_page(frame) : NULL;
}

bool region_dirty(const struct region *r, size_t i)
{
    return frame_word(r, i) & REGION_DIRTY;
}

void region_set_dirty(struct region *r, size_t i)
{
    uint32_t frame = __atomic_load_n(&r->frames[i], __ATOMIC_RELAXED);

    /* None: it is being taken away just now (region_empty()), and the store goes with it. */
    while (frame && !compare_and_swap(&r->frames[i], &frame, frame | REGION_DIRTY))
        ;
}

/* => r->lock held. A frame out of the promise, or NULL. */
static struct page *take(struct region *r)
{
    ASSERT(r->sparse);
    if (r->filled == r->npages)
        return NULL;
    r->filled++;
    return page_alloc_reserved();
}

struct page *region_take(struct region *r)
{
    struct page *page;

    spin_lock(&r->lock);
    page = take(r);
    spin_unlock(&r->lock);
    return page;
}

void region_give_back(struct region *r, struct page *page)
{
    spin_lock(&r->lock);
    page_drop(page, PAGE_REF);
    r->filled--;
    spin_unlock(&r->lock);
}

/* => r->lock held. The caller's hold of the frame becomes the region's. */
static void fill(struct region *r, size_t i, struct page *page)
{
    ASSERT(i < r->npages && !r->frames[i]);
    page->kind = PAGE_USER;
    __atomic_fetch_add(&page->refs, PAGE_PIN - PAGE_REF, __ATOMIC_RELAXED);
    __atomic_store_n(&r->frames[i], frame_number(page), __ATOMIC_RELEASE);
}

void region_fill(struct region *r, size_t i, struct page *page)
{
    spin_lock(&r->lock);
    fill(r, i, page);
    spin_unlock(&r->lock);
}

/* Two processes may come for the same page at once: the first one's is it. */
struct page *region_zero_page(struct region *r, size_t i)
{
    struct page *page;

    spin_lock(&r->lock);
    page = region_page(r, i);
    if (!page) {
        page = take(r);
        memset(frame_addr(page), 0, PAGE_SIZE);
        fill(r, i, page);
    }
    spin_unlock(&r->lock);
    return page;
}

/*
 * The table forgets the frames first, so that no fault finds them again; then every entry
 * goes; then the frames. What is not free then was lent on: that frame will come
 * back to all, and the region needs another for its promise. Each batch appears as one
 * step (mm/audit.h).
 */
void region_empty(struct region *r)
{
    uint32_t batch[PAGE_BATCH];

    for (size_t at = 0, n; at < r->npages;) {
        uint64_t irq = irq_disable_save();
        size_t left;

        spin_lock(&r->lock);
        n = take_out(r, &at, batch);
        spin_unlock(&r->lock);
        if (n)
            region_unhook(r);
        spin_lock(&r->lock);
        left = n - page_drop_many(batch, n, PAGE_PIN).freed;
        if (left && page_reserve(left))
            n -= left; /* those pages stay without a frame: see region_take() */
        r->filled -= n;
        spin_unlock(&r->lock);
        irq_restore(irq);
    }
}

/* ---- vmas, and taking what was lent away ---- */

void region_add_vma(struct region *r, struct vma *v)
{
    spin_lock(&r->lock);
    v->stamp = 0;
    list_push_back(&r->vmas, &v->region_link);
    spin_unlock(&r->lock);
}

void region_remove_vma(struct region *r, struct vma *v)
{
    spin_lock(&r->lock);
    list_remove(&v->region_link);
    spin_unlock(&r->lock);
}

static bool lent_by(const struct region *r, uint64_t grant)
{
    for (; r; r = r->parent)
        if (r->grant == grant)
            return true;
    return false;
}

/* The next region of the list that this sweep has not met and that `grant` lent: held. */
static struct region *next_lent(uint64_t grant, uint64_t sweep)
{
    struct region *found = NULL;
    struct list *pos;

    spin_lock(&region_list_lock);
    list_for_each(pos, &region_list) {
        struct region *r = list_entry(pos, struct region, link);

        if (r->stamp == sweep || !lent_by(r, grant))
            continue;
        r->stamp = sweep;
        __atomic_store_n(&r->revoked, true, __ATOMIC_SEQ_CST);
        if (region_get_live(r)) {
            found = r;
            break;
        }
    }
    spin_unlock(&region_list_lock);
    return found;
}

void region_revoke(uint64_t grant)
{
    uint64_t sweep = region_new_stamp();
    struct region *r;

    while ((r = next_lent(grant, sweep))) {
        region_unhook(r);
        region_put(r);
    }
}

uint64_t region_new_stamp(void)
{
    static uint64_t last;

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}
