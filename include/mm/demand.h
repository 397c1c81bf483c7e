/*
 * Regions on demand: npages frames are promised, and each comes when it is first asked for.
 */
#ifndef MM_DEMAND_H
#define MM_DEMAND_H

#include "mm/region.h"

/*
 * A region of npages with one holder and no vma. region_create_zero(): its pages come zeroed.
 * => may sleep. NULL without memory.
 */
struct region *region_create_demand(size_t npages, const struct region_ops *ops, void *owner);
struct region *region_create_zero(size_t npages);

/* The give() of a region whose pages bring() must bring; it also notes what is stored to. */
int region_give_brought(struct region *r, size_t i, enum access access, struct page **page);

/*
 * A frame out of the region's promise, for region_fill(), or region_give_back() when it
 * cannot be filled. => contents are undefined. NULL only for a page that region_empty() took
 * away and could not get promised again. The caller sees to it that nobody else brings that page.
 */
struct page *region_take(struct region *r);
void region_give_back(struct region *r, struct page *page);

/* Page i, which the region did not have, is this frame from now on. */
void region_fill(struct region *r, size_t i, struct page *page);

/* Whether page i was stored to by a program. */
bool region_dirty(const struct region *r, size_t i);

/*
 * Lets go of all frames, and of every entry that points to one.
 * => no spin lock held; may sleep. The caller sees to it that nobody brings a page meanwhile.
 */
void region_empty(struct region *r);

#endif
