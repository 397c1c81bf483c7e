/*
 * Which frames exist, and where their struct pages are. For the files of mm/ that deal in frames.
 */
#ifndef MM_FRAMES_H
#define MM_FRAMES_H

#include "lib/annotate.h"
#include "mm/page.h"

#define FRAME_BANKS_MAX   8
#define FRAME_EXTENTS_MAX 32

/* A bank of RAM: frames first .. first + count - 1. All [I] after boot. */
struct frame_bank {
    uint64_t first;
    uint64_t count;
    struct page *pages; /* one per frame, reserved frames too */
};

/* Frames of a bank that are ours: [next, end) has not been touched yet. */
struct frame_extent {
    uint32_t first; /* [I] */
    uint32_t next;  /* [buddy lock] */
    uint32_t end;   /* [I] */
};

extern struct frame_bank frame_banks[FRAME_BANKS_MAX];
extern size_t frame_nbanks;
extern struct frame_extent frame_extents[FRAME_EXTENTS_MAX];
extern size_t frame_nextents;

struct page *frame_page_search(uint64_t pfn);
uint32_t frame_number_search(const struct page *page);

/*
 * Number of a frame -> its struct page. Most machines have one bank: no call for it. A loop
 * over many frames keeps a copy of that bank at hand, and asks frame_in().
 */
static inline struct page *frame_in(const struct frame_bank *first, uint64_t pfn)
{
    uint64_t i = pfn - first->first;

    return likely(i < first->count) ? first->pages + i : frame_page_search(pfn);
}

static inline struct page *frame_page(uint64_t pfn)
{
    return frame_in(&frame_banks[0], pfn);
}

/* phys_to_page() without a call. */
static inline struct page *phys_to_frame(paddr_t pa)
{
    return frame_page(pa >> PAGE_SHIFT);
}

static inline uint32_t frame_number(const struct page *page)
{
    const struct frame_bank *b = &frame_banks[0];

    return page >= b->pages && page < b->pages + b->count ?
           (uint32_t)(b->first + (uint64_t)(page - b->pages)) : frame_number_search(page);
}

/* page_phys() and page_addr() without a call. */
static inline paddr_t frame_phys(const struct page *page)
{
    return (paddr_t)frame_number(page) << PAGE_SHIFT;
}

static inline void *frame_addr(const struct page *page)
{
    return phys_to_virt(frame_phys(page));
}

/* ---- mm/buddy.c: blocks; takes the buddy lock ---- */

/* => a block of 2^order frames, nobody's yet; NULL when there is none. */
struct page *buddy_take(unsigned order);
void buddy_free(struct page *page, unsigned order);

/* The same for n single frames at once. => how many there were. */
size_t buddy_take_singles(uint32_t *frames, size_t n);

/*
 * Frees up to n single frames, in *runs runs at most: a run is frames that follow each other.
 * => how many were freed, and in how many runs.
 */
size_t buddy_free_singles(const uint32_t *frames, size_t n, size_t *runs);

/* Frames on the lists and in the extents. */
size_t buddy_free_frames(void);

/* Frames on the lists, by walking them. => quiescent. */
size_t buddy_listed_frames(void);

/* How many frames are free, wherever they are kept. A snapshot. */
size_t frame_free_count(void);

/* Free frames that nobody was promised. A snapshot. */
long frame_available(void);

/* How many frames the buddy lists and the stocks hold. => quiescent. */
void frame_list_sizes(size_t *listed, size_t *stocked);

/* Fills banks and extents at boot: banks minus reserved minus the struct pages. */
void frame_find_extents(const struct phys_range *banks, size_t nbanks,
                        const struct phys_range *reserved, size_t nreserved);

#endif
