/*
 * Regions: frames that several address spaces map.
 *
 * Owns: the pins on those frames (the high half of page->refs), and region_list. While a
 * frame is pinned it is nobody's copy-on-write page: fork copies it (mm/fork.c), so that
 * owner and borrowers go on seeing one frame (I4). A pinned region is written before its
 * address is known to a second party and never after. Called by the files of mm/, and by syscall/, ipc/
 * and fs/, which hold regions, too. Read next: mm/unmap.c.
 */
#include "mm/region.h"

#include "asm/cpu.h"
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

void region_init(void)
{
    slab_alloc(&region_cache); /* never given back */
}

/* The order of the block that holds the frame table of a region too long for `few`. */
static unsigned table_order(size_t npages)
{
    size_t bytes = npages * sizeof(uint32_t);
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    return order;
}

/* Gives r a table for npages frames. => false without memory. */
static bool table_create(struct region *r, size_t npages)
{
    struct page *table;

    r->frames = r->few;
    if (npages <= REGION_INLINE)
        return true;
    r->order = (uint8_t)table_order(npages);
    table = page_alloc_order(r->order);
    if (table)
        r->frames = page_addr(table);
    return table;
}

static struct slab_cache *cache_of(const struct region_ops *ops)
{
    return ops->cache ? ops->cache : &region_cache;
}

void region_free(struct region *r)
{
    if (r->frames != r->few)
        page_free_order(page_of(r->frames), r->order);
    slab_free(cache_of(r->ops), r);
}

struct region *region_make(size_t npages, const struct region_ops *ops)
{
    struct region *r;

    if (npages == 0 || npages > REGION_MAX)
        return NULL;
    r = slab_alloc(cache_of(ops));
    if (!r)
        return NULL;
    r->holders = 1;
    r->ops = ops;
    spin_init(&r->lock, "region", RANK_REGION);
    list_init(&r->vmas);
    list_init(&r->link);
    if (!table_create(r, npages)) {
        slab_free(cache_of(ops), r);
        return NULL;
    }
    return r;
}

void region_list_add(struct region *r)
{
    spin_lock(&region_list_lock);
    list_push_back(&region_list, &r->link);
    spin_unlock(&region_list_lock);
}

/* ---- pinned regions ---- */

int region_give_pinned(struct region *r, size_t i, enum access access, struct page **page)
{
    *page = region_page(r, i);
    return 0;
}

const struct region_ops region_pinned_ops = {.give = region_give_pinned};

struct region *region_create_pinned(size_t npages, const struct region_ops *ops)
{
    struct region *r = region_make(npages, ops);

    if (r)
        region_list_add(r);
    return r;
}

/* ---- the end of a region ---- */

size_t region_take_out(struct region *r, size_t first, size_t end, uint32_t *batch)
{
    size_t n = 0;

    for (; first < end; first++) {
        uint32_t frame = __atomic_exchange_n(&r->frames[first], 0, __ATOMIC_ACQ_REL);

        if (frame)
            batch[n++] = frame & ~REGION_DIRTY;
    }
    return n;
}

/* Gives back the promise for the pages that never came. */
static void settle_promise(struct region *r)
{
    uint64_t irq = irq_disable_save(); /* it appears as one step (mm/audit.h) */

    page_unreserve(r->promised);
    r->promised = 0;
    irq_restore(irq);
}

/*
 * Lets go of the last pages of a region without holders, some of them: it has fewer then. To free a
 * frame takes longer than to drop one that others hold, so few are freed at once.
 */
static void drop_last(struct region *r)
{
    uint64_t irq = irq_disable_save(); /* one step, too */
    size_t freed = 0;

    for (unsigned i = 0; i < 8 && freed < REGION_STEP / 2 && r->npages > 0; i++) {
        uint32_t batch[REGION_STEP], *frames = batch;
        size_t first = r->npages > REGION_STEP ? r->npages - REGION_STEP : 0, n = r->npages - first;

        if (r->on_demand)
            n = region_take_out(r, first, r->npages, batch);
        else
            frames = r->frames + first;
        n = page_put_many(frames, n, PAGE_PIN).freed;
        page_free_some(frames, n, NULL);
        freed += n;
        r->npages = first;
    }
    page_unreserve(freed);
    irq_restore(irq);
    task_yield_if_due();
}

static void region_destroy(struct region *r)
{
    ASSERT(list_empty(&r->vmas) && (r->on_demand || !r->promised));
    if (r->ops->let_go)
        r->ops->let_go(r);
    if (r->promised)
        settle_promise(r);
    while (r->npages > 0)
        drop_last(r);
    spin_lock(&region_list_lock);
    list_remove(&r->link);
    spin_unlock(&region_list_lock);
    region_free(r);
}

void region_get(struct region *r)
{
    CHECK_ASSERT(__atomic_load_n(&r->holders, __ATOMIC_RELAXED) > 0);
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

struct page *region_page(const struct region *r, size_t i)
{
    uint32_t frame;

    ASSERT(i < r->npages);
    frame = __atomic_load_n(&r->frames[i], __ATOMIC_ACQUIRE) & ~REGION_DIRTY;
    return frame ? &page_array[frame] : NULL;
}

/* ---- vmas ---- */

/*
 * v has no entry yet, and gets none while r is barred: then it comes last, where the sweep does not
 * look, so that programs which go on mapping r cannot keep the sweep from its end.
 */
void region_add_vma(struct region *r, struct vma *v)
{
    spin_lock(&r->lock);
    v->stamp = 0;
    if (region_barred(r))
        list_push_back(&r->vmas, &v->region_link);
    else
        list_push_front(&r->vmas, &v->region_link);
    spin_unlock(&r->lock);
}

void region_remove_vma(struct region *r, struct vma *v)
{
    spin_lock(&r->lock);
    list_remove(&v->region_link);
    spin_unlock(&r->lock);
}

void region_resweep(struct vma *v)
{
    struct region *r = v->region;

    spin_lock(&r->lock);
    v->stamp = 0;
    list_remove(&v->region_link);
    list_push_front(&r->vmas, &v->region_link);
    spin_unlock(&r->lock);
}
