/*
 * mmap and what belongs to it: memory apart from the break, files in memory; and a look at a range
 * before a call uses it.
 *
 * All of these take mm->lock and may sleep; no spin lock is held by the caller. Each that has a
 * result may also return -EINTR when the caller was killed: then, too, nothing has changed.
 */
#ifndef MM_MMAP_H
#define MM_MMAP_H

#include "mm/mm.h"

struct map_request {
    vaddr_t addr; /* where, page aligned; 0 with MAP_ANYWHERE: the kernel chooses */
    uint64_t len; /* bytes, rounded up to pages */
    unsigned prot;
    unsigned max_prot; /* what mprotect may ask for */
    enum map_place {
        MAP_ANYWHERE, /* addr is a wish */
        MAP_HERE,     /* at addr, if nothing is there */
        MAP_OVER,     /* at addr, in place of what was mapped there */
    } place;
    struct region *region; /* a hold is taken; NULL: private anonymous memory */
    size_t first;          /* the region's page that comes first */
    bool private_copy;     /* stores stay private */
};

/*
 * Maps memory apart from the break. Private writable pages are promised.
 * => takes mm->lock. 0 and *va; -EINVAL bad address or length, MAP_OVER what mmap did not
 *    map; -EEXIST MAP_HERE and taken; -ENOMEM no memory or no room. On error nothing has changed.
 */
int mm_map(struct mm *mm, const struct map_request *q, vaddr_t *va);

/*
 * Unmaps what mmap mapped in [va, va + len); holes are no error. What was stored to shared
 * file pages is written back first.
 * => 0; -EINVAL bad range, or something that mmap did not map is in it; -ENOMEM.
 */
int mm_munmap(struct mm *mm, vaddr_t va, uint64_t len);

/*
 * Changes what may be done with [va, va + len), all of it mapped by mmap.
 * => 0; -EINVAL; -ENOMEM a hole in it, or no memory for what becomes writable; -EACCES more
 *    than the mapping may have. On error nothing has changed.
 */
int mm_protect(struct mm *mm, vaddr_t va, uint64_t len, unsigned prot);

/*
 * Writes back what was stored to shared file pages of [va, va + len), for good.
 * => 0; -EINVAL unaligned; -ENOMEM a hole, and the rest was written; -EIO.
 */
int mm_sync(struct mm *mm, vaddr_t va, uint64_t len);

/*
 * Looks at [va, va + n) without touching it: do its vmas allow `access`?
 * => 0; -EINVAL nothing, or not user space; -ENOMEM more pages than the machine has, which nobody
 *    could ever map; -EFAULT somewhere they do not.
 */
int mm_check(struct mm *mm, vaddr_t va, uint64_t n, enum access access);

/*
 * Brings those pages of [va, va + n) that must be brought from a disk, before they are copied to or
 * from with a lock held. A page that cannot be had is left for the copy to fail on. Costs nothing
 * where no file is mapped.
 * => no lock held; mm is the running program's.
 */
void mm_prefault(struct mm *mm, vaddr_t va, uint64_t n, enum access access);

#endif
