/*
 * Which frames exist, and which are free. For the files of mm/ that deal in frames.
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
