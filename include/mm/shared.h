/*
 * Sharing pages between address spaces: the two calls of the BGU courses.
 */
#ifndef MM_SHARED_H
#define MM_SHARED_H

#include <stdint.h>

#include "mm/region.h"

/* The owner's consent to lend across families. */
struct consent {
    /*
     * Makes the pinned region for npages that are lent by it, part of `parent` (NULL: of none).
     * => src->lock held. NULL: it was revoked meanwhile, or no memory.
     */
    struct region *(*make)(struct consent *c, size_t npages, struct region *parent);
};

/* What the lender allows. */
struct lend {
    unsigned prot;           /* at most this */
    struct consent *consent; /* NULL within a family. It outlives the call. */
    bool lasting;            /* refuse what a third party could take away from the borrower */
};

/* Family: the source's own permissions. */
#define LEND_FAMILY ((struct lend){.prot = PROT_READ | PROT_WRITE | PROT_EXEC})

/*
 * Maps the pages of [src_va, src_va + size) of `src` into `dst`, above everything dst
 * has, with the source's permissions, as far as `lend` allows them, and PTE_S.
 * => takes src->lock, then dst->lock, never both; may sleep. The caller holds (mm_hold) both.
 * => the address in dst that has src_va's offset in its page; 0 on failure, and then
 *    nothing has changed: size 0, a range that wraps or leaves user space, a hole or
 *    guard page in it, no memory, no room in dst.
 */
uint64_t map_shared_pages(struct mm *src, struct mm *dst, uint64_t src_va, uint64_t size,
                          struct lend lend);

/*
 * Unmaps the pages that [addr, addr + size) touches, all of which must be shared
 * mappings of `mm`. The size goes back to what it was before they came, when nothing
 * above them is left.
 * => takes mm->lock; may sleep. No hart sees the mapping after the return.
 * => 0; (uint64_t)-1 when a part of the range is no shared mapping, or no memory is left
 *    to split one: then nothing has changed.
 */
uint64_t unmap_shared_pages(struct mm *mm, uint64_t addr, uint64_t size);

#endif
