/*
 * Slabs: small objects of one size, cut from single frames.
 *
 * A frame of a cache begins with struct slab and goes on with objects; those that came back
 * are chained through their first word, and behind the last that was ever needed the frame is
 * not cut up yet: what is never needed costs nothing. Frames with a free object are on cache->partial, full
 * ones on no list: the object's address leads back to its frame. An empty frame is freed
 * at once (I7: a cache keeps nothing). Lock: cache->lock; the page allocator's lie below.
 * Read next: nothing; this is a leaf.
 */
#include "mm/slab.h"

#include <stdbool.h>

#include "lib/assert.h"
#include "lib/string.h"
#include "mm/page.h"

#define SLAB_MAGIC 0x736c6162

struct slab {
    uint32_t magic;
    uint32_t used; /* objects handed out */
    struct slab_cache *cache;
    void *free;  /* first object that came back; each begins with the address of the next */
    char *uncut; /* where the next one will be cut; NULL: no room is left */
    struct list link;
};

/*
 * Sees to it that a frame of the cache has a free object. The lock is let go of while one is looked
 * for: reclaimers run then, and they free objects of their own. If another hart was faster, and there
 * is a free object by now, the frame goes back: one that is empty would never be freed.
 * => cache->lock held; false without memory.
 */
static __noinline bool slab_grow(struct slab_cache *cache) __must_hold(&cache->lock)
{
    struct page *page;
    struct slab *slab;

    spin_unlock(&cache->lock);
    page = page_alloc();
    spin_lock(&cache->lock);
    if (!list_empty(&cache->partial)) {
        if (page)
            page_put(page);
        return true;
    }
    if (!page)
        return false;
    slab = page_addr(page);
    *slab = (struct slab){.magic = SLAB_MAGIC, .cache = cache, .uncut = (char *)(slab + 1)};
    list_push_front(&cache->partial, &slab->link);
    cache->frames++;
    return true;
}

void *slab_alloc_raw(struct slab_cache *cache)
{
    void *obj = NULL;

    ASSERT(cache->size <= SLAB_MAX_OBJECT);
    spin_lock(&cache->lock);
    if (likely(!list_empty(&cache->partial)) || slab_grow(cache)) {
        struct slab *slab = list_entry(cache->partial.next, struct slab, link);

        CHECK_ASSERT(slab->magic == SLAB_MAGIC && slab->cache == cache &&
                     (slab->free || slab->uncut));
        obj = slab->free;
        if (obj) {
            slab->free = *(void **)obj;
        } else {
            obj = slab->uncut;
            slab->uncut += cache->size;
            if (slab->uncut + cache->size > (char *)slab + PAGE_SIZE)
                slab->uncut = NULL;
        }
        slab->used++;
        cache->objects++;
        if (!slab->free && !slab->uncut)
            list_remove(&slab->link);
    }
    spin_unlock(&cache->lock);
    return obj;
}

void *slab_alloc(struct slab_cache *cache)
{
    void *obj = slab_alloc_raw(cache);

    return obj ? memset(obj, 0, cache->size) : NULL;
}

void slab_free(struct slab_cache *cache, void *obj)
{
    struct slab *slab = (struct slab *)page_down((uint64_t)obj);

    spin_lock(&cache->lock);
    ASSERT(slab->magic == SLAB_MAGIC && slab->cache == cache && slab->used > 0);
#ifdef LAMINA_CHECK
    memset(obj, 0x5b, cache->size);
#endif
    if (!slab->free && !slab->uncut)
        list_push_front(&cache->partial, &slab->link);
    *(void **)obj = slab->free;
    slab->free = obj;
    slab->used--;
    cache->objects--;
    if (slab->used == 0) {
        ASSERT(cache->frames > 0);
        list_remove(&slab->link);
        cache->frames--;
        slab->magic = 0;
        page_put(page_of(slab));
    }
    spin_unlock(&cache->lock);
}
