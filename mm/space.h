/*
 * What the files of mm/ that work on one address space share. Nobody else includes it.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include "mm/mm.h"
#include "mm/page.h"
#include "vma.h"

struct region;

/* All address spaces, for the audit. Lock: mm_list_lock. */
extern struct list mm_list;
extern struct list region_list;

/*
 * Maps the vmas of a region of npages, as region_pin() made them, into dst just above its
 * size, with PTE_S; *va is where. The size becomes the mapping's end.
 * => takes dst->lock. 0, and the vmas are dst's; -ENOMEM, -EINVAL when there is no room:
 *    nothing has changed, and the vmas are still the caller's.
 */
int mm_map_region(struct mm *dst, struct list *vmas, size_t npages, vaddr_t *va);

/*
 * Takes [start, end) out of mm, page aligned, whatever is mapped there: entries unhooked,
 * TLBs told, frames let go, vmas cut or removed, promises and tables given back.
 * => mm->lock held. 0; -ENOMEM only when the range lies inside one vma, which must be
 *    split: nothing has changed.
 */
int mm_unmap(struct mm *mm, vaddr_t start, vaddr_t end);

/*
 * mm_fault() for one page of a vma.
 * => mm->lock held; va in v. 0 and *out, the page's entry, valid for `access`; -ENOMEM.
 */
int mm_fault_in(struct mm *mm, struct vma *v, vaddr_t va, enum access access, pte_t **out);

/* Gives back what the reservation of v promised. => mm->lock held, or v in no list. */
static inline void vma_unpromise(const struct vma *v)
{
    if (vma_promised(v))
        page_unreserve(vma_pages(v));
}

#endif
