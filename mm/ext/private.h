/*
 * What the files of mm/ext/ share. Nobody else includes it.
 */
#ifndef MM_EXT_PRIVATE_H
#define MM_EXT_PRIVATE_H

#include "lib/annotate.h"
#include "lib/errno.h"
#include "mm/mmap.h"

struct region;

/*
 * Unhooks every entry that points to a frame of r, in every mm. => no lock held; may sleep. One at
 * a time for each r.
 */
void region_unhook(struct region *r);

/* Makes one vma of each pair of equal neighbours that meet in [start, end]. => mm locked; rests. */
void map_merge(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock);

/* Writes back the stores to shared files in [start, end). => may sleep. 0, or the last -errno. */
int map_write_back(struct mm *mm, vaddr_t start, vaddr_t end);

/* Where the pages of [va, va + len) end. => 0; -EINVAL unaligned; -ENOMEM not user space. */
static inline int map_range(vaddr_t va, uint64_t len, vaddr_t *end)
{
    if (va & (PAGE_SIZE - 1))
        return -EINVAL;
    if (!range_fits(va, len, USER_TOP))
        return -ENOMEM;
    *end = page_up(va + len);
    return 0;
}

#endif
