/*
 * Which frames exist, and which are free: what only the files of mm/ do with frames.
 */
#ifndef MM_FRAMES_H
#define MM_FRAMES_H

#include "mm/page.h"

#define FRAME_EXTENTS_MAX 32

/* Frames of RAM that are ours: [next, end) has not been touched yet. */
struct frame_extent {
    uint32_t first; /* [I] */
    uint32_t next;  /* [buddy lock] */
    uint32_t end;   /* [I] after boot */
};

extern struct frame_extent frame_extents[FRAME_EXTENTS_MAX];
extern size_t frame_nextents;

/* ---- mm/buddy.c: blocks; takes the buddy lock ---- */

/* => a block of 2^order frames, nobody's yet; NULL when there is none. */
struct page *buddy_take(unsigned order);
void buddy_free(struct page *page, unsigned order);

/* The same for n single frames at once. => how many there were. */
size_t buddy_take_singles(uint32_t *frames, size_t n);

/* As page_free_some(). */
size_t buddy_free_singles(const uint32_t *frames, size_t n, size_t *runs);

/* Frames on the lists and in the extents. */
size_t buddy_free_frames(void);

/* Frames on the lists, by walking them. => as mm_audit(). */
size_t buddy_listed_frames(void);

/* ---- mm/page.c, mm/reserve.c ---- */

/*
 * Takes the frames that mm/extents.c has found, of `ram` that there are. Boot only, before anything
 * else here. Touches no frame: the time does not depend on the amount of RAM.
 */
void page_init(size_t ram);

/*
 * The two steps of page_reserve(), for a caller that lets interrupts in between them (mm/rest.c).
 * => page_try_reserve(): 0, or how many frames are missing, and nothing is set aside.
 * => page_reclaim(): how many frames the reclaimers gave back, a few at most; 0: there are no more.
 */
size_t page_try_reserve(size_t n);
size_t page_reclaim(size_t n);

/* How many frames there are, free or not: no more can ever be reserved. */
size_t page_total(void);

/* page_alloc_reserved() that does not wait. => NULL when no frame is in its place just now; nothing has changed. */
struct page *page_try_reserved(void);

/* page_put(), but the reservation of a frame that was freed is the caller's, so that nobody else takes it. */
bool page_put_keep(struct page *page);

struct page_dropped {
    size_t freed;  /* frames that are free now; their reservations are the caller's */
    size_t pinned; /* frames that a region still holds */
};

/*
 * Takes a holder from each of n frames, by their numbers: refs is PAGE_REF or PAGE_PIN.
 * => interrupts off, and until page_free_some() has put those that are free now on the lists, unless
 *    the audit is told (mm->limbo): their numbers come first in the array.
 */
struct page_dropped page_put_many(uint32_t *frames, size_t n, uint64_t refs);

/*
 * Puts as many of these free frames on the lists as lie in *runs runs, of frames that follow each other;
 * all if runs is NULL. => how many, and how many runs went on a list.
 */
size_t page_free_some(const uint32_t *frames, size_t n, size_t *runs);

/* Boot: from now on `total` frames may be reserved. */
void frame_open_gate(size_t total);

/* How many frames are free, wherever they are kept. A snapshot. */
size_t frame_free_count(void);

/* Free frames that nobody was promised. A snapshot. */
long frame_available(void);

/* How many frames the buddy lists and the stocks hold. => as mm_audit(). */
void frame_list_sizes(size_t *listed, size_t *stocked);

/* ---- mm/extents.c: boot, one hart ---- */

/* Finds the extents: all frames of ram_ranges (mm/ram.h) that none of the `reserved` ranges touches. */
void frame_find_extents(const struct phys_range *reserved, size_t n);

/*
 * Takes n frames that lie side by side, aligned to n, a power of two, for good: before page_init().
 * => where; 0 when there are none.
 */
paddr_t frame_take_early(uint32_t n);

#endif
