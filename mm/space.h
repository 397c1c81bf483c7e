/*
 * What the files of mm/ that work on one address space share. Nobody else includes it.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include "mm/mm.h"
#include "mm/page.h"
#include "vma.h"

/* All address spaces, for the audit. Lock: mm_list_lock. */
extern struct list mm_list;
extern struct list region_list;

/* What becomes of the tables of a range that goes. */
enum tables {
    TABLES_TRIM,
    TABLES_KEEP, /* for what is put there next; pt_trim() is then the caller's */
};

/*
 * Takes [start, end) out of mm, page aligned, whatever is mapped there: entries unhooked,
 * TLBs told, frames let go, vmas cut or removed, promises given back. The vmas that went
 * come on `gone`, for vma_destroy_list() when mm->lock is not held any more.
 * => mm->lock held. 0; -ENOMEM only when the range lies inside one vma, which must be
 *    split: nothing has changed.
 */
int mm_unmap(struct mm *mm, vaddr_t start, vaddr_t end, enum tables tables, struct list *gone);

/*
 * Makes a boundary between vmas at `at`, if one reaches across it. Changes no mapping.
 * => mm->lock held. 0 or -ENOMEM.
 */
int vma_split(struct mm *mm, vaddr_t at);

/* Takes v's pages away, settling its promises as if it went, too. => mm->lock held. */
void mm_unmap_pages(struct mm *mm, const struct vma *v);

/* mm_sync() of all that mm has mapped, for its end. => mm is nobody's any more. */
void mm_sync_all(struct mm *mm);

/* A region of npages with no frame yet. => NULL without memory, or too large. */
struct region *region_alloc(size_t npages, bool sparse);

/* Page i of a region without a pager, zeroed if nobody has touched it yet. */
struct page *region_zero_page(struct region *r, size_t i);

/* Page i was stored to by a program. */
void region_set_dirty(struct region *r, size_t i);

/* Unhooks every entry that points to a frame of r, in whatever mm. => no mm->lock held. Never sleeps. */
void region_unhook(struct region *r);

/* A number that no sweep over vmas or regions had before. */
uint64_t region_new_stamp(void);

/*
 * mm_fault() for one page of a vma.
 * => mm->lock held; va in v. 0 and *out, the page's entry, valid for `access`; -ENOMEM.
 */
int mm_fault_in(struct mm *mm, struct vma *v, vaddr_t va, enum access access, pte_t **out);

#endif
