/*
 * Regions: frames that several address spaces map.
 *
 * Owns: the pins on those frames (the high half of page->refs), and region_list. While a
 * frame is pinned it is nobody's copy-on-write page: fork copies it (mm/fork.c), so that
 * owner and borrowers go on seeing one frame (I4). A region is written before its address
 * is known to a second party and never after; only `holders` changes. Called by
 * mm/shared.c and mm/vma.c. Read next: mm_map_region() in mm/space.c.
 */
#include "region.h"

#include "frames.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "mm/slab.h"
#include "pgtable.h"
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

static void region_list_add(struct region *r)
{
    spin_lock(&region_list_lock);
    list_push_back(&region_list, &r->link);
    spin_unlock(&region_list_lock);
}

/* => an empty region with room for npages frames and one holder; NULL without memory. */
static struct region *region_create(size_t npages)
{
    struct region *r = slab_alloc(&region_cache);
    struct page *table;

    if (!r)
        return NULL;
    r->holders = 1;
    r->frames = r->few;
    if (npages > REGION_INLINE) {
        table = page_alloc_order(table_order(npages));
        if (!table) {
            slab_free(&region_cache, r);
            return NULL;
        }
        r->frames = page_addr(table);
    }
    region_list_add(r);
    return r;
}

static void unpin_all(struct region *r)
{
    struct page *batch[PAGE_BATCH];

    for (size_t i = 0, n; i < r->npages; i += n) {
        for (n = 0; n < PAGE_BATCH && i + n < r->npages; n++)
            batch[n] = frame_page(r->frames[i + n]);
        page_unreserve(page_drop_many(batch, n, PAGE_PIN).freed);
    }
}

/* Unpins all frames, then frees the region; `capacity` is what region_create() was told. */
static void region_destroy(struct region *r, size_t capacity)
{
    spin_lock(&region_list_lock);
    list_remove(&r->link);
    unpin_all(r);
    spin_unlock(&region_list_lock);
    if (r->frames != r->few)
        page_free_order(page_of(r->frames), table_order(capacity));
    slab_free(&region_cache, r);
}

struct page *region_page(const struct region *r, size_t i)
{
    ASSERT(i < r->npages);
    return frame_page(r->frames[i]);
}

void region_get(struct region *r)
{
    __atomic_fetch_add(&r->holders, 1, __ATOMIC_RELAXED);
}

void region_put(struct region *r)
{
    if (__atomic_sub_fetch(&r->holders, 1, __ATOMIC_ACQ_REL) == 0)
        region_destroy(r, r->npages);
}

/*
 * Pins the frames of [va, end), which lie in one table and in v. => src->lock held.
 * An entry must grant all that v does: a writable page is made the source's own first, so
 * that a store by either side is seen by both.
 */
static int pin_table(struct mm *src, struct region *r, struct vma *v, vaddr_t va, vaddr_t end)
{
    enum access access = vma_allows(v, ACCESS_WRITE) ? ACCESS_WRITE : ACCESS_READ;
    const struct frame_bank bank = frame_banks[0];
    uint64_t need = vma_pte_flags(v);
    uint32_t *frame = r->frames + r->npages;
    pte_t *pte = pt_lookup(src->root, va);
    int err = 0;

    for (; va < end; va += PAGE_SIZE, pte++) {
        if (!pte || pte_flags(*pte) != need) {
            pte_t *fixed; /* `pte` itself stays in a register */

            err = mm_fault_in(src, v, va, access, &fixed);
            if (err)
                break;
            pte = fixed;
        }
        *frame = pte_frame(*pte);
        page_pin(frame_in(&bank, *frame++));
    }
    r->npages = (size_t)(frame - r->frames);
    return err;
}

/* Makes the stretch of pages up to `end` of the region part of the last vma, or a new one. */
static int stretch_to(struct region *r, vaddr_t start, vaddr_t end, unsigned prot,
                      struct list *vmas)
{
    struct list *last = list_last(vmas);
    struct vma *v = last ? list_entry(last, struct vma, link) : NULL;

    if (!v || v->prot != prot) {
        v = vma_create(start, end, VMA_SHARED, prot);
        if (!v)
            return -ENOMEM;
        v->region = r;
        v->first = start >> PAGE_SHIFT;
        region_get(r);
        list_push_back(vmas, &v->link);
    }
    v->end = end;
    return 0;
}

/* Pins [va, end), vma by vma and table by table. => src->lock held. */
static int pin_pages(struct mm *src, struct region *r, vaddr_t va, vaddr_t end,
                     struct list *vmas)
{
    vaddr_t base = va;

    while (va < end) {
        struct vma *v = vma_find(src, va);
        vaddr_t stop;
        int err;

        if (!v || !vma_allows(v, ACCESS_READ))
            return -EFAULT;
        stop = pt_table_end(va, end < v->end ? end : v->end);
        err = pin_table(src, r, v, va, stop);
        if (!err)
            err = stretch_to(r, va - base, stop - base, v->prot, vmas);
        if (err)
            return err;
        va = stop;
    }
    return 0;
}

__noinline int region_pin(struct mm *src, vaddr_t va, size_t npages, struct region **out,
                          struct list *vmas)
{
    struct region *r;
    int err;

    if (npages == 0 || npages > REGION_MAX)
        return -ENOMEM;
    r = region_create(npages);
    if (!r)
        return -ENOMEM;
    spin_lock(&src->lock);
    err = pin_pages(src, r, va, va + npages * PAGE_SIZE, vmas);
    spin_unlock(&src->lock);
    if (err) {
        vma_destroy_list(vmas);
        region_destroy(r, npages);
        return err;
    }
    *out = r;
    return 0;
}
