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
 * What is lent across families is taken back along a tree: a consent (struct loans) knows the
 * regions that were made by it, and a region those that were made of its pages by a further
 * consent.
 *
 * Lock: region->lock for a sparse region's frames and for the list of vmas that map it.
 * Order: mm->lock, then region->lock. The tree has a lock of its own, [lending].
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
    bool barred;       /* [a] no page may be mapped: for good after a revocation, or while it is emptied */
    bool lent;         /* [I] made by a consent */
    bool revocable;    /* [I] some consent can take it away */
    size_t npages;     /* [I]; a pinned one counts up while it is made, all count down when they end */
    size_t filled;     /* [lock] frames there are */
    uint32_t *frames;  /* [lock when sparse] npages frame numbers (REGION_DIRTY), 0 = none yet */
    uint32_t few[REGION_INLINE];
    const struct region_pager *pager; /* [I] NULL: pages come zeroed */
    void *owner;       /* [I] the pager's */
    struct loans *loans;   /* [lending] the consent it was made by; NULL: none was needed, or it ended */
    struct region *parent; /* [I] held: the region that was lent on by that consent, or NULL */
    struct list by_loans;  /* [lending] among the regions of its consent */
    struct list by_parent; /* [lending] among its parent's children */
    struct list children;  /* [lending] regions that were made of its pages by further consents */
    struct spinlock lock;
    struct list vmas;  /* [lock] struct vma by region_link; last those a sweep has done, or need not do */
    struct list link;  /* [region list] */
};

#define LOANS_MAX 1024 /* regions of one consent at a time: each pins pages of the owner */

/* What was lent by one consent. */
struct loans {
    struct list regions; /* [lending] */
    uint32_t count;      /* [lending] regions */
    bool revoked;        /* [lending] nothing more is lent */
    bool lasting;        /* [I] it is never revoked */
};

#define LOANS_INIT(l, never_revoked) {.regions = LIST_INIT((l).regions), .lasting = (never_revoked)}

#define REGION_DIRTY (1U << 31) /* in a frame number: stored to by a program */

/* What the lender allows. */
struct lend {
    unsigned prot;       /* at most this */
    struct loans *loans; /* the consent; NULL within a family. It outlives the call. */
    bool lasting;        /* refuse what a third party could take away from the borrower */
};

/* Family: the source's own permissions. */
#define LEND_FAMILY ((struct lend){.prot = PROT_READ | PROT_WRITE | PROT_EXEC})

/*
 * Pins the pages of [va, va + npages pages) of src, and makes the vmas that can map them,
 * with addresses counted from 0: one for each vma of the source that has a part in it.
 * Private pages come into a new region; a page that is not there yet appears, and one that
 * is shared by fork is made the source's own first, so that src and borrower see one frame.
 * Pages that src itself borrows stay in the region they are in (family), or get one that
 * goes when that one is revoked (a consent).
 * => takes src->lock and drops it; may sleep. va is page aligned and the range is in user space.
 * => 0, and the vmas in order on `vmas`, which was empty; -EFAULT at a page that src itself
 *    may not read, or that a lasting loan must not have; -ENOMEM, at once when the frames are not
 *    to be had; -EINTR. vma_destroy_list() undoes it.
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

/*
 * Lets go of all frames of a sparse region, and of every entry that points to one.
 * => no spin lock held; may sleep. The caller sees to it that no pager brings a page meanwhile.
 */
void region_empty(struct region *r);

/* Whether no page of r may be mapped just now. */
static inline bool region_barred(const struct region *r)
{
    return __atomic_load_n(&r->barred, __ATOMIC_SEQ_CST);
}

/*
 * Takes the pages that were lent by this consent away from everyone who has them, and from those
 * they were lent on to; nothing more is lent by it. => no hart reaches them on return.
 * => no spin lock held; may sleep. Its time grows with what is taken away, and with nothing else.
 */
void region_revoke(struct loans *loans);

/* The consent ends, and its borrowers keep what they have. => no spin lock held. */
void region_keep_loans(struct loans *loans);

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
