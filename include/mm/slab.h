/*
 * Small kernel objects of one size each, cut from page frames.
 *
 * A cache hands out objects of its size; a frame whose last object comes back is freed
 * at once, so that a cache never keeps memory it does not use.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "lib/list.h"
#include "lib/spinlock.h"

#define SLAB_MAX_OBJECT 2000 /* bytes: two to a frame, beside the frame's header */

struct slab_cache {
    struct spinlock lock;
    const char *name;    /* [I] */
    size_t size;         /* [I] bytes of an object, a multiple of 8 */
    struct list partial; /* [lock] frames with a free object */
    size_t objects;      /* [lock] handed out now */
    size_t frames;       /* [lock] in use now */
};

#define SLAB_CACHE_INIT(cache, label, bytes)                                                    \
    {                                                                                           \
        .lock = SPINLOCK_INIT(label, RANK_SLAB), .name = (label), .size = ((bytes) + 7) & ~7UL, \
        .partial = {                                                                            \
            &(cache).partial,                                                                   \
            &(cache).partial                                                                    \
        }                                                                                       \
    }

/* => an object of cache->size bytes, all zero; NULL when there is no memory. */
void *slab_alloc(struct slab_cache *cache);

/* The same, but for what is in it: anything. */
void *slab_alloc_raw(struct slab_cache *cache);

/* => obj came from slab_alloc(cache). May free a frame; never sleeps. */
void slab_free(struct slab_cache *cache, void *obj);

#endif
