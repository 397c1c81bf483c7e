/*
 * struct region: a counted set of frames that several vmas map.
 *
 * A region pins its frames: they stay, whoever else lets go of them. It dies with the
 * last vma that maps it. Its frames and their number never change, so that reading them
 * needs no lock.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "asm/pte.h"
#include "lib/list.h"

struct mm;
struct page;

#define REGION_INLINE 8
#define REGION_MAX    (PAGE_SIZE / 4 << 10) /* frames whose table is one largest block */

struct region {
    uint32_t holders;  /* [a] vmas that map it, and calls in progress */
    size_t npages;     /* [I] */
    uint32_t *frames;  /* [I] npages frame numbers: `few`, or a block of pages */
    uint32_t few[REGION_INLINE];
    struct list link;  /* [region list] for the audit */
};

/*
 * Pins the frames of [va, va + npages pages) of src into a new region with one holder, and
 * makes the vmas that can map it: one for each stretch of equal permissions, the source's,
 * with addresses counted from the region's start.
 * Pages that are not there yet appear; copy-on-write is broken where src may write, so
 * that src and borrower go on seeing the same frame.
 * => takes src->lock and drops it. va is page aligned and the range is in user space.
 * => 0, *out, and the vmas in order on `vmas`, which was empty; -EFAULT at a page that src
 *    itself may not read; -ENOMEM.
 */
int region_pin(struct mm *src, vaddr_t va, size_t npages, struct region **out,
               struct list *vmas);

void region_get(struct region *r);

/* One holder fewer; the last one lets go of all frames. No TLB may name them any more. */
void region_put(struct region *r);

struct page *region_page(const struct region *r, size_t i);

#endif
