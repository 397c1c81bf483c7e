/*
 * struct region: a counted set of frames that several vmas map. (What OS/161 and lk call a region
 * is our vma.)
 *
 * A region pins its frames: they stay, whoever else lets go of them. It dies with the
 * last vma that maps it and the last call that holds it. There are several sorts, each with
 * operations of its own:
 *
 * - pinned: made of frames that some process has; complete from the start. One that a consent has
 *   made can be taken back: mm/loans.h.
 * - on demand: a promise of frames, each of which comes when it is first asked for: zeroed, or
 *   brought from a file. mm/demand.h.
 *
 * Lock: region->lock for the frames that come on demand and for the list of vmas that map it.
 * Order: mm->lock, then region->lock.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/pte.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "mm/mm.h"

struct page;
struct region;
struct slab_cache;

#define REGION_INLINE 8
#define REGION_MAX    (PAGE_SIZE / 4 << 10) /* frames whose table is one largest block */
#define REGION_DIRTY  (1U << 31)            /* in a frame number: stored to by a program */

struct region_ops {
    /*
     * Gives page i, below npages. With ACCESS_WRITE a program is about to store to it.
     * => mm->lock held: never sleeps. 0 and *page; -EAGAIN: bring() must come first.
     */
    int (*give)(struct region *r, size_t i, enum access access, struct page **page);
    /*
     * Brings page i, so that give() has it. NULL: give() always has it.
     * => no spin lock held; may sleep. 0; -EFAULT beyond the end; another -errno.
     */
    int (*bring)(struct region *r, size_t i);
    /*
     * Writes those of the n pages from `first` on that were stored to. NULL: nobody needs to know of
     * stores; else each page is mapped read-only until give() was asked for ACCESS_WRITE.
     * => no spin lock held; may sleep. 0 or -errno.
     */
    int (*write_back)(struct region *r, size_t first, size_t n);
    /* The last holder is gone; the frames go right after. NULL: nobody needs to know. => may sleep. */
    void (*let_go)(struct region *r);
    /* of the struct that begins with the region; NULL: of struct region */
    struct slab_cache *cache;
};

struct region {
    uint32_t holders; /* [a] vmas that map it, and calls in progress */
    bool on_demand;   /* [I] frames come when they are asked for */
    /* [a] no page may be mapped: for good after a revocation, or while it is emptied */
    bool barred;
    bool revocable;               /* [I] some consent can take it away */
    uint8_t order;                /* [I] of the block that holds the table, if it is not `few` */
    const struct region_ops *ops; /* [I] */
    struct slab_cache *cache;     /* [I] that it is from */
    size_t npages; /* [I]; a pinned one counts up while it is made, all count down when they end */
    size_t promised;  /* [lock] frames that it may still take: on demand only */
    uint32_t *frames; /* [lock when on demand] npages frame numbers (REGION_DIRTY), 0 = none yet */
    uint32_t few[REGION_INLINE]; /* [as frames] */
    void *owner;                 /* [I] for its maker */
    struct region *parent;       /* [I] held: the region of whose pages it was made; or NULL */
    struct spinlock lock;
    /* [lock] struct vma by region_link; last those a sweep has done, or need not do */
    struct list vmas;
    struct list link; /* [region list] */
};

/* One holder more. => r has one that stays meanwhile; any context. */
void region_get(struct region *r);

/* Holds r unless its last holder is gone already. => whether it is held. */
bool region_get_live(struct region *r);

/* One holder fewer; the last one lets go of all frames. => r may be NULL; may sleep. */
void region_put(struct region *r);

/* => page i, or NULL when it has not come yet. It stays while r is held. */
struct page *region_page(const struct region *r, size_t i);

/* Whether no page of r may be mapped just now. */
static inline bool region_barred(const struct region *r)
{
    return __atomic_load_n(&r->barred, __ATOMIC_SEQ_CST);
}

/*
 * Maps r as a whole into mm, as a vma of VMA_ID just above its size; *va is where.
 * => takes mm->lock; may sleep. 0; -ENOMEM; -EINVAL when there is no room; -EINTR.
 */
int mm_attach(struct mm *mm, struct region *r, unsigned prot, vaddr_t *va);

/* Unmaps the VMA_ID mapping of r that is at va. => may sleep. 0, or -EINVAL when there is none. */
int mm_detach(struct mm *mm, struct region *r, vaddr_t va);

#endif
