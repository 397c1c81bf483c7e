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

/* => a free object; NULL when no frame has one. cache->lock held. */
static void *slab_take(struct slab_cache *cache)
{
    struct list *first = list_first(&cache->partial);
    struct slab *slab;
    void *obj;

    if (!first)
        return NULL;
    slab = list_entry(first, struct slab, link);
    CHECK_ASSERT(slab->magic == SLAB_MAGIC && slab->cache == cache && (slab->free || slab->uncut));
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
    return obj;
}

/*
 * An object of a fresh frame. The lock is not held while the frame is looked for: reclaimers run
 * then, and they free objects of their own. If another hart was faster, and there is a free object
 * by now, the frame goes back: one that is empty would never be freed. => NULL without memory.
 */
static __noinline void *slab_grow(struct slab_cache *cache)
{
    struct page *page = page_alloc();
    struct slab *slab;
    void *obj;

    if (!page)
        return NULL;
    slab = page_addr(page);
    *slab = (struct slab){.magic = SLAB_MAGIC, .cache = cache, .uncut = (char *)(slab + 1)};
    spin_lock(&cache->lock);
    if (list_empty(&cache->partial)) {
        list_push_front(&cache->partial, &slab->link);
        cache->frames++;
        page = NULL;
    }
    obj = slab_take(cache);
    spin_unlock(&cache->lock);
    if (page)
        page_put(page);
    return obj;
}

void *slab_alloc_raw(struct slab_cache *cache)
{
    void *obj;

    ASSERT(cache->size <= SLAB_MAX_OBJECT);
    spin_lock(&cache->lock);
    obj = slab_take(cache);
    spin_unlock(&cache->lock);
    return likely(obj) ? obj : slab_grow(cache);
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
