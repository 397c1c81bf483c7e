/*
 * Address spaces, and how the five nouns of memory hang together:
 *
 *     struct proc --mm--> struct mm ----vmas, sorted----> struct vma [start, end)
 *                           | root                           | region (none = private)
 *                           v                                v
 *                       Sv39 tables --PTE (PTE_S?)--> struct page <--frames-- struct region
 *
 * page    one physical frame with a count of its holders           include/mm/page.h
 * vma     a page-aligned range of one address space                mm/vma.h
 * region  a counted set of frames that several vmas map            mm/region.h
 * mm      one address space: vmas, tables, size                    here
 * pte     a cache of all these, never the truth                    include/asm/pte.h
 *
 * Lock order, outermost first: proc tree > proc > mm->lock > region > slab > page stock
 * > page buddy. Ranks in include/lib/lockrank.h. Two mm->locks are never held at once.
 *
 * mm->lock is a spin lock. A call whose work grows with what a program asks for lets go of it
 * after each batch of work and rests: interrupts come in, other tasks run, faults and sweeps use
 * the lock. The mm stays closed meanwhile: another call that would change vmas waits.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/pte.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

#define MM_MAGIC 0x6d6d6d6d

struct region;
struct vma;

struct mm {
    struct spinlock lock;
    uint32_t magic;      /* [I] MM_MAGIC while alive */
    uint32_t holders;    /* [a] the process, and each call that maps into it at the moment */
    uint32_t work;       /* [lock] done by the call in progress since it rested last */
    bool closed;         /* [lock] a call rests that may change vmas: no other may */
    struct waitqueue reopened; /* calls that wait for !closed */
    size_t set_aside;    /* [lock] frames that a call in progress has reserved, for no vma yet */
    size_t limbo;        /* [lock] frames that a call in progress has let go of: free, on no list yet */
    pte_t *root;         /* [I] the Sv39 root; its entries are [lock]'s */
    struct list vmas;    /* [lock] sorted by start, disjoint (I3) */
    struct vma *top;     /* [lock] the root of the same vmas as a search tree (mm/vma.c) */
    struct vma *hint;    /* [lock] the vma found last, or NULL */
    vaddr_t size;        /* [lock] xv6's sz: the break, in bytes */
    uint32_t npaged;     /* [lock] vmas whose pages a pager brings */
    uint64_t cpus;       /* [a] harts that have it loaded now, bit = dense id */
    uint64_t family;     /* [I] once running: one number from exec, inherited by fork */
    bool takes_spare;    /* [I] once running: may take the frames of page_keep_spare() */
    struct list link;    /* [mm list] for the audit */
};

enum access {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_EXEC,
};

enum brk_mode {
    BRK_EAGER, /* promised: touching it cannot fail for want of memory */
    BRK_LAZY,  /* promised nothing */
};

/*
 * Brings memory up: frames, the kernel map, W^X verified. Boot only, boot hart.
 * `banks` is all RAM that the device tree lists; what of it is none is left out (mm/ram.h).
 * `reserved`, at most RAM_RESERVED_MAX, must not be handed out (firmware, device tree, initrd).
 * The kernel's own image is reserved by itself.
 * => NULL, or why the machine cannot be used.
 */
const char *mm_init(const struct phys_range *banks, size_t nbanks,
                    const struct phys_range *reserved, size_t nreserved);

/* => an empty address space with one holder, the kernel half in it; NULL without memory. */
struct mm *mm_create(void);

/*
 * One more, one fewer holder. The last one's release takes it all down: by then no hart
 * has it loaded.
 */
void mm_hold(struct mm *mm);
void mm_release(struct mm *mm);

/*
 * A copy of src for a child: private pages copy-on-write (those that a region pins,
 * copied now), shared ones shared, every promise made again.
 * => takes src->lock; may sleep. 0 and *out; -ENOMEM, -EINTR: src is what it was.
 */
int mm_fork(struct mm *src, struct mm **out);

/* A new family number, for exec. Never 0, never twice the same. */
uint64_t mm_new_family(void);

/* The size in bytes, xv6's sz. => takes no lock: a snapshot. */
static inline vaddr_t mm_size(const struct mm *mm)
{
    return __atomic_load_n(&mm->size, __ATOMIC_RELAXED);
}

/* ---- making an image, for exec: an mm that nobody runs yet ---- */

/*
 * Adds the image range [start, end), page aligned, at or above the size, which becomes
 * end. Writable pages are promised; others are there at once, zeroed.
 * => 0; -ENOMEM at once when there is not enough for all of it; -EINTR; -EINVAL when it would
 *    leave user space. After an error the mm is good for mm_release() only.
 */
int mm_add_segment(struct mm *mm, vaddr_t start, vaddr_t end, unsigned prot);

/* Adds an inaccessible page at start, which is the size, and a stack page above it. */
int mm_add_stack(struct mm *mm, vaddr_t start);

/* Reads n bytes at offset `off` of a file into kernel memory. => 0 or -errno. */
typedef int (*mm_fill_fn)(void *ctx, void *dst, size_t off, size_t n);

/*
 * Fills [va, va + len) of image segments with what `read` gives, page by page, from
 * offset 0. It may sleep: the mm is not locked while it reads.
 * => 0, -EFAULT outside a segment, -ENOMEM, or what read returned.
 */
int mm_fill(struct mm *mm, vaddr_t va, size_t len, mm_fill_fn read, void *ctx);

/* Copies kernel memory into private pages of mm. => 0, -EFAULT, -ENOMEM. */
int mm_write(struct mm *mm, vaddr_t va, const void *from, size_t n);

/*
 * ---- what a running process asks ----
 *
 * All of these take mm->lock and may sleep; no spin lock is held by the caller. Each may also
 * return -EINTR when the caller was killed: then, too, nothing has changed.
 */

/*
 * Looks at [va, va + n) without touching it: do its vmas allow `access`?
 * => 0; -EINVAL nothing, or not user space; -ENOMEM more pages than the machine has, which nobody
 *    could ever map; -EFAULT somewhere they do not.
 */
int mm_check(struct mm *mm, vaddr_t va, uint64_t n, enum access access);

/*
 * Moves the break by n bytes; *old is where it was. Growing reserves (eager) or only
 * notes (lazy). Shrinking frees whole pages; below 0 it does nothing, as in xv6.
 * => 0; -ENOMEM; -EINVAL past USER_BREAK_MAX, into something mapped, or when a shared
 *    mapping would have to go. On error nothing has changed.
 */
int mm_sbrk(struct mm *mm, long n, enum brk_mode mode, vaddr_t *old);

/*
 * Makes the page at va accessible as `access` asks, if its vma allows it: a zero page,
 * a copy of a copy-on-write page.
 * => takes mm->lock; may sleep where a file is mapped.
 * => 0; -EFAULT when it is not allowed; -ENOMEM only in lazy memory; what a pager returns.
 */
int mm_fault(struct mm *mm, vaddr_t va, enum access access);

/*
 * The same for a kernel that copies with a lock held: never sleeps, so a page that a pager
 * would have to bring is -EFAULT. mm_prefault() has brought it before.
 */
int mm_fault_here(struct mm *mm, vaddr_t va, enum access access);

/*
 * Brings those pages of [va, va + n) that a pager must bring, before they are copied to or
 * from with a lock held that the pager needs, or a spin lock. A page that cannot be had is
 * left for the copy to fail on. Costs nothing where no file is mapped.
 * => no lock held; may sleep.
 */
void mm_prefault(struct mm *mm, vaddr_t va, uint64_t n, enum access access);

/*
 * Says in words what is at va and why `access` to it failed, as "in text, read and execute only".
 * => takes mm->lock. buf holds a string; a snapshot. true: va is in the guard page below the stack.
 */
bool mm_describe(struct mm *mm, vaddr_t va, enum access access, char *buf, size_t size);

/* ---- mmap ---- */

struct map_request {
    vaddr_t addr;          /* where, page aligned; 0 with MAP_ANYWHERE: the kernel chooses */
    uint64_t len;          /* bytes, rounded up to pages */
    unsigned prot;
    unsigned max_prot;     /* what mprotect may ask for */
    enum map_place {
        MAP_ANYWHERE,      /* addr is a wish */
        MAP_HERE,          /* at addr, if nothing is there */
        MAP_OVER,          /* at addr, in place of what was mapped there */
    } place;
    struct region *region; /* a hold is taken; NULL: private anonymous memory */
    size_t first;          /* the region's page that comes first */
    bool copies;           /* stores stay private */
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

#endif
