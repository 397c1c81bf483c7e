/*
 * Slabs: small objects of one size, cut from single frames.
 *
 * A frame of a cache begins with struct slab and goes on with objects; the free ones are
 * chained through their first word. Frames with a free object are on cache->partial, full
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
    void *free; /* first free object; each begins with the address of the next */
    struct list link;
};

static size_t objects_per_frame(const struct slab_cache *cache)
{
    return (PAGE_SIZE - sizeof(struct slab)) / cache->size;
}

/*
 * Adds a frame of free objects. => false without memory.
 * The lock is not held while the frame is looked for: reclaimers run then, and they free
 * objects of their own.
 */
static bool slab_grow(struct slab_cache *cache)
{
    struct page *page = page_alloc();
    struct slab *slab;
    bool wanted;
    char *obj;

    if (!page)
        return false;
    slab = page_addr(page);
    *slab = (struct slab){.magic = SLAB_MAGIC, .cache = cache};
    obj = (char *)(slab + 1);
    for (size_t n = objects_per_frame(cache); n > 0; n--, obj += cache->size) {
        *(void **)obj = slab->free;
        slab->free = obj;
    }
    spin_lock(&cache->lock);
    wanted = list_empty(&cache->partial);
    if (wanted) {
        list_push_front(&cache->partial, &slab->link);
        cache->frames++;
    }
    spin_unlock(&cache->lock);
    if (!wanted)
        page_put(page); /* another hart was faster: an empty frame would never be freed */
    return true;
}

/* => a free object; NULL when no frame has one. */
static void *slab_take(struct slab_cache *cache)
{
    struct list *first;
    void *obj = NULL;

    spin_lock(&cache->lock);
    first = list_first(&cache->partial);
    if (first) {
        struct slab *slab = list_entry(first, struct slab, link);

        obj = slab->free;
        slab->free = *(void **)obj;
        slab->used++;
        cache->objects++;
        if (!slab->free)
            list_remove(&slab->link);
    }
    spin_unlock(&cache->lock);
    return obj;
}

void *slab_alloc(struct slab_cache *cache)
{
    void *obj;

    ASSERT(cache->size <= SLAB_MAX_OBJECT);
    /* Another hart may take what this one has just added: then once more. */
    while (!(obj = slab_take(cache)))
        if (!slab_grow(cache))
            return NULL;
    return memset(obj, 0, cache->size);
}

void slab_free(struct slab_cache *cache, void *obj)
{
    struct slab *slab = (struct slab *)page_down((uint64_t)obj);

    spin_lock(&cache->lock);
    ASSERT(slab->magic == SLAB_MAGIC && slab->cache == cache && slab->used > 0);
#ifdef LAMINA_CHECK
    memset(obj, 0x5b, cache->size);
#endif
    if (!slab->free)
        list_push_front(&cache->partial, &slab->link);
    *(void **)obj = slab->free;
    slab->free = obj;
    slab->used--;
    cache->objects--;
    if (slab->used == 0) {
        list_remove(&slab->link);
        cache->frames--;
        slab->magic = 0;
        page_put(page_of(slab));
    }
    spin_unlock(&cache->lock);
}
