/*
 * struct region: a counted set of frames that several vmas map.
 *
 * A region pins its frames: they stay, whoever else lets go of them. It dies with the
 * last vma that maps it and the last call that holds it. There are two sorts:
 *
 * - pinned: made of frames that some process has; complete from the start.
 * - sparse: a promise of npages frames, each of which comes when it is first asked for:
 *   zeroed, or filled by the region's pager (a file).
 *
 * Lock: region->lock for a sparse region's frames and for the list of vmas that map it.
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

struct mm;
struct page;
struct region;
struct vma;

#define REGION_INLINE 8
#define REGION_MAX    (PAGE_SIZE / 4 << 10) /* frames whose table is one largest block */

/* Who brings the pages of a sparse region. All may sleep; no lock is held. */
struct region_pager {
    /* Gives page i by region_fill(). => 0; -EFAULT beyond the end; another -errno. */
    int (*page_in)(struct region *r, size_t i);
    /* Writes those of the n pages from `first` on that were stored to. => 0 or -errno. */
    int (*sync)(struct region *r, size_t first, size_t n);
    /* The last holder is gone; the frames go right after. */
    void (*release)(struct region *r);
};

struct region {
    uint32_t holders;  /* [a] vmas that map it, and calls in progress */
    bool sparse;       /* [I] */
    uint8_t order;     /* [I] of the block that holds the table, if it is not `few` */
    bool revoked;      /* [a] nobody may touch it any more */
    size_t npages;     /* [I], but for a pinned one while it is made */
    size_t filled;     /* [lock] frames there are */
    uint32_t *frames;  /* [lock when sparse] npages frame numbers (REGION_DIRTY), 0 = none yet */
    uint32_t few[REGION_INLINE];
    const struct region_pager *pager; /* [I] NULL: pages come zeroed */
    void *owner;       /* [I] the pager's */
    uint64_t grant;    /* [I] the consent it came by, 0 = none was needed */
    struct region *parent; /* [I] held: the region that was lent on by grant, or NULL */
    struct spinlock lock;
    struct list vmas;  /* [lock] struct vma by region_link */
    struct list link;  /* [region list] */
    uint64_t stamp;    /* [region list] the last sweep that met it */
};

#define REGION_DIRTY (1U << 31) /* in a frame number: stored to by a program */

/* What a lender allows: more than the family needs, the grant by which others come. */
struct lend {
    unsigned prot;  /* at most this */
    uint64_t grant; /* 0 = family */
    bool lasting;   /* refuse what a third party could take away from the borrower */
};

/* Family: the source's own permissions. */
#define LEND_FAMILY ((struct lend){.prot = PROT_READ | PROT_WRITE | PROT_EXEC})

/*
 * Pins the pages of [va, va + npages pages) of src, and makes the vmas that can map them,
 * with addresses counted from 0: one for each vma of the source that has a part in it.
 * Private pages come into a new region; a page that is not there yet appears, and one that
 * is shared by fork is made the source's own first, so that src and borrower see one frame.
 * Pages that src itself borrows stay in the region they are in (family), or get one that
 * goes when that one is revoked (grant).
 * => takes src->lock and drops it. va is page aligned and the range is in user space.
 * => 0, and the vmas in order on `vmas`, which was empty; -EFAULT at a page that src itself
 *    may not read, or that a lasting loan must not have; -ENOMEM. vma_destroy_list() undoes it.
 */
int region_pin(struct mm *src, vaddr_t va, size_t npages, struct lend lend, struct list *vmas);

/*
 * A sparse region of npages, all of them promised, one holder, no vma.
 * => NULL without memory.
 */
struct region *region_create(size_t npages, const struct region_pager *pager, void *owner);

void region_get(struct region *r);

/* Holds r unless its last holder is gone already. => whether it is held. */
bool region_get_live(struct region *r);

/* One holder fewer; the last one lets go of all frames. => may sleep if r has a pager. */
void region_put(struct region *r);

/*
 * A frame out of the region's promise, for region_fill(), or region_give_back() when it
 * cannot be filled. => contents are undefined. NULL only for a page that region_empty() took
 * away and could not get promised again. The pager sees to it that only one caller at a time
 * brings a page.
 */
struct page *region_take(struct region *r);
void region_give_back(struct region *r, struct page *page);

/* Page i, which the region did not have, is this frame from now on. */
void region_fill(struct region *r, size_t i, struct page *page);

/* => page i, or NULL when a sparse region does not have it yet. It stays while r is held. */
struct page *region_page(const struct region *r, size_t i);

/* Whether page i was stored to by a program. */
bool region_dirty(const struct region *r, size_t i);

/* Lets go of all frames of a sparse region, and of every entry that points to one. */
void region_empty(struct region *r);

/*
 * Takes the pages that were lent by `grant` away from everyone who has them, and from those
 * they were lent on to. => no hart reaches them on return.
 */
void region_revoke(uint64_t grant);

/* For mm/vma.c: v, which is entering or leaving an mm, maps r. */
void region_add_vma(struct region *r, struct vma *v);
void region_remove_vma(struct region *r, struct vma *v);

/*
 * Maps the vmas that region_pin() made of npages into dst just above its size, with PTE_S;
 * *va is where. The size becomes the mapping's end.
 * => takes dst->lock. 0, and the vmas are dst's; -ENOMEM, -EINVAL when there is no room,
 *    -EFAULT when it was revoked meanwhile: nothing has changed, the vmas are the caller's.
 */
int mm_map_region(struct mm *dst, struct list *vmas, size_t npages, vaddr_t *va);

/* The same for one region as a whole, as a vma of VMA_ID. => also holds r for it. */
int mm_attach(struct mm *mm, struct region *r, unsigned prot, vaddr_t *va);

/* Unmaps the VMA_ID mapping of r that is at va. => 0, or -EINVAL when there is none. */
int mm_detach(struct mm *mm, struct region *r, vaddr_t va);

/* Destroys vmas that are in no mm, and lets go of their regions. => may sleep. */
void vma_destroy_list(struct list *vmas);

#endif
