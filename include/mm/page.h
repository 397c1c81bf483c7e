/*
 * Page frames: who holds each, and how many may still be handed out.
 *
 * Every frame of RAM has a struct page. Its `refs` counts holders: a process' own valid
 * page-table entries and kernel structures that point at it. A borrowed entry (PTE_S) holds
 * nothing: its region does. The low half counts all holders, the high half those among them
 * that are regions (mm/region.h). One atomic word, so that
 * "last one out?" and "does a region still hold it?" are answered at the same instant.
 *
 * There is one gate, the reservation. page_reserve(n) fails when n frames are not to be
 * had; after it page_alloc_reserved() cannot fail n times. So a promise (I5) is a
 * reservation that somebody keeps, and a page fault takes from it:
 *
 *     avail = free frames - promised frames, never below 0
 *
 * The last few of these are spare ones, for init and the shell: page_keep_spare().
 *
 * Units are frames everywhere in this header.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/page.h"
#include "lib/list.h"

enum page_kind {
    PAGE_FREE,   /* on a free list, or in a hart's stock */
    PAGE_KERNEL, /* one kernel holder that the audit cannot see: slabs, caches, buffers */
    PAGE_TABLE,  /* a page table; held by the entry above it, or by its mm as root */
    PAGE_USER,   /* held by page-table entries and regions, all of which are counted */
};

#define PAGE_REF      1UL               /* one holder */
#define PAGE_PIN      (1UL << 32 | 1UL) /* one holder that is a region */
#define PAGE_BATCH    256               /* frames let go of at once */
#define PAGE_FREE_FEW 8                 /* when fewer are freed at once, they go to a stock */
#define PAGE_ORDERS   11                /* blocks of 2^0 .. 2^10 frames: up to 4 MiB */

struct page {
    uint64_t refs; /* [a] holders: regions << 32 | all */
    /* [buddy lock] the next frame on a free list; of a table that goes: in pt_trim()'s chain */
    uint32_t next;
    /* [buddy lock] the one before on a free list; of a frame in use: scratch of the audit */
    uint32_t prev;
    uint32_t seen;              /* [audit] scratch: all other harts stand still */
    uint8_t kind;               /* [holder] enum page_kind, set by whoever holds the frame alone */
    uint8_t order;              /* [buddy lock] of a free block's first frame */
    uint8_t head;               /* [buddy lock] 1: first frame of a block on a free list */
    uint8_t poisoned : 1;       /* [holder] checking build: free, and filled with the poison */
    uint8_t marked : 1;         /* [audit] scratch */
} __attribute__((aligned(32))); /* a power of two: from page to frame number is a shift */

struct page_stats {
    size_t total;    /* frames handed to the allocator at boot */
    size_t free;     /* on the free lists now */
    size_t promised; /* of these, reserved by somebody */
    size_t outside;  /* of RAM, never handed to the allocator: image, struct pages, firmware */
};

/*
 * Something that keeps frames only because nobody needs them yet.
 * => reclaim(n): gives back up to n frames, returns how many; must not sleep, and may
 *    be called with locks up to rank RANK_REGION held.
 */
struct reclaimer {
    size_t (*reclaim)(size_t n);
    struct list link;
};

/*
 * Sets n frames aside for the caller.
 * => 0, or -ENOMEM: n are not to be had, and nothing is set aside. Asks the reclaimers before it
 *    gives up: for more than a few frames that takes long, so interrupts should be on.
 */
int page_reserve(size_t n);

/*
 * Keeps the last n free frames: only an address space with mm->takes_spare can reserve them. So a
 * shell can be started, and end programs, when others have all the rest. Boot only; at first 0.
 */
void page_keep_spare(size_t n);

/* Gives n reservations back. */
void page_unreserve(size_t n);

/*
 * Turns one of the caller's reservations into a frame, held once, of kind PAGE_KERNEL.
 * => never NULL. Contents are undefined.
 */
struct page *page_alloc_reserved(void);

/* Reserves and takes one frame. => NULL when there is none. Contents are undefined. */
struct page *page_alloc(void);

/* Adds a holder. => the caller holds the frame, or a lock under which some holder cannot let go. */
static inline void page_get(struct page *page)
{
    __atomic_fetch_add(&page->refs, PAGE_REF, __ATOMIC_RELAXED);
}

/* Adds a holder that is a region. => as page_get(). */
static inline void page_pin(struct page *page)
{
    __atomic_fetch_add(&page->refs, PAGE_PIN, __ATOMIC_RELAXED);
}

/*
 * Takes a holder away; the last one frees the frame.
 * => true when it was freed. I2: no TLB may still name the frame for this holder.
 */
bool page_put(struct page *page);

/*
 * A block of 2^order frames that lie side by side, aligned to its size, held as one.
 * => NULL when there is none, or order >= PAGE_ORDERS. Contents are undefined.
 */
struct page *page_alloc_order(unsigned order);
void page_free_order(struct page *page, unsigned order);

/* Registers a reclaimer for good. Boot only. */
void page_add_reclaimer(struct reclaimer *r);

/* => the figures of this moment; takes the buddy lock. */
void page_get_stats(struct page_stats *stats);

/*
 * The struct pages are one array, in which a frame's number is the index. Parts of it that no frame of
 * ours is in are not mapped.
 */
#define page_array ((struct page *)PAGE_ARRAY)

static inline uint32_t frame_number(const struct page *page)
{
    return (uint32_t)(page - page_array);
}

static inline paddr_t page_phys(const struct page *page)
{
    return (paddr_t)(page - page_array) << PAGE_SHIFT;
}

static inline void *page_addr(const struct page *page)
{
    return (void *)(((uint64_t)(page - page_array) << PAGE_SHIFT) + KERNEL_OFFSET);
}

static inline struct page *page_of(const void *kva)
{
    return &page_array[virt_to_phys(kva) >> PAGE_SHIFT];
}

static inline bool page_pinned(const struct page *page)
{
    return __atomic_load_n(&page->refs, __ATOMIC_RELAXED) >> 32;
}

/* Whether the caller, who holds the frame, is its only holder. */
static inline bool page_sole(const struct page *page)
{
    return __atomic_load_n(&page->refs, __ATOMIC_ACQUIRE) == PAGE_REF;
}

#endif
