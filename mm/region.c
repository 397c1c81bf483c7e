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

struct region *region_create(size_t npages, const struct region_ops *ops)
{
    struct slab_cache *cache = ops->cache ? ops->cache : &region_cache;
    struct page *table = NULL;
    struct region *r;

    if (npages == 0 || npages > REGION_MAX)
        return NULL;
    r = slab_alloc(cache);
    if (!r)
        return NULL;
    r->holders = 1;
    r->ops = ops;
    r->cache = cache;
    r->frames = r->few;
    spin_init(&r->lock, "region", RANK_REGION);
    list_init(&r->vmas);
    if (npages > REGION_INLINE) {
        while (PAGE_SIZE << r->order < npages * sizeof(r->frames[0]))
            r->order++;
        table = page_alloc_order(r->order);
        if (!table) {
            slab_free(cache, r);
            return NULL;
        }
        r->frames = page_addr(table);
    }
    spin_lock(&region_list_lock);
    list_push_back(&region_list, &r->link);
    spin_unlock(&region_list_lock);
    return r;
}

void region_free(struct region *r)
{
    ASSERT(r->npages == 0 && r->promised == 0 && list_empty(&r->vmas));
    spin_lock(&region_list_lock);
    list_remove(&r->link);
    spin_unlock(&region_list_lock);
    if (r->frames != r->few)
        page_free_order(page_of(r->frames), r->order);
    slab_free(r->cache, r);
}

int region_give_pinned(struct region *r, size_t i, enum access access, struct page **page)
{
    *page = region_page(r, i);
    return 0;
}

const struct region_ops region_pinned_ops = {.give = region_give_pinned};

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

/*
 * Lets go of the pages of r, which has no holder, from its end down, and of the promise for those that
 * never came. To free a frame takes longer than to drop one that others hold, so few are freed in a
 * step. The audit sees a step as a whole (mm/audit.c).
 */
static void drop_pages(struct region *r)
{
    while (r->npages > 0) {
        uint64_t irq = irq_disable_save();
        size_t freed = 0;

        for (unsigned i = 0; i < 8 && freed < REGION_STEP / 2 && r->npages > 0; i++) {
            uint32_t batch[REGION_STEP], *frames = batch;
            size_t first = r->npages > REGION_STEP ? r->npages - REGION_STEP : 0;
            size_t n = r->npages - first;

            if (r->on_demand)
                n = region_take_out(r, first, r->npages, batch);
            else
                frames = r->frames + first;
            n = page_put_many(frames, n, PAGE_PIN).freed;
            if (n)
                page_free_some(frames, n, NULL);
            freed += n;
            r->npages = first;
        }
        page_unreserve(freed + r->promised);
        r->promised = 0;
        irq_restore(irq);
        task_yield_if_due();
    }
}

void region_get(struct region *r)
{
    uint32_t n = __atomic_fetch_add(&r->holders, 1, __ATOMIC_RELAXED);

    ASSERT(n > 0);
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
    while (r) {
        struct region *parent = r->parent;

        ASSERT(__atomic_load_n(&r->holders, __ATOMIC_RELAXED) > 0);
        if (__atomic_sub_fetch(&r->holders, 1, __ATOMIC_ACQ_REL) > 0)
            return;
        ASSERT(r->on_demand || !r->promised);
        if (r->ops->let_go)
            r->ops->let_go(r);
        drop_pages(r);
        region_free(r);
        r = parent; /* which r held */
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
void region_add_vma(struct vma *v)
{
    struct region *r = v->region;

    spin_lock(&r->lock);
    v->stamp = 0;
    if (region_barred(r))
        list_push_back(&r->vmas, &v->region_link);
    else
        list_push_front(&r->vmas, &v->region_link);
    spin_unlock(&r->lock);
}

void region_split_vma(struct vma *v, struct vma *upper)
{
    spin_lock(&v->region->lock);
    if (v->swept > v->start) /* a sweep is in the middle of v, perhaps: upper is new to it */
        upper->stamp = 0;
    list_push_front(&v->region_link, &upper->region_link);
    spin_unlock(&v->region->lock);
}

void region_resweep(struct vma *v)
{
    spin_lock(&v->region->lock);
    v->stamp = 0;
    list_remove(&v->region_link);
    list_push_front(&v->region->vmas, &v->region_link);
    spin_unlock(&v->region->lock);
}
