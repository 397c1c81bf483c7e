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
 * The order of locks is in include/lib/lockrank.h. Two mm->locks are never held at once.
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
    uint32_t magic;            /* [I] MM_MAGIC while alive */
    uint32_t holders;          /* [a] the process, and each call that maps into it at the moment */
    uint32_t work;             /* [lock] done by the call in progress since it rested last */
    bool closed;               /* [lock] a call rests that may change vmas: no other may */
    struct waitqueue reopened; /* calls that wait for !closed */
    size_t set_aside; /* [lock] frames that a call in progress has reserved, for no vma yet */
    size_t limbo; /* [lock] frames that a call in progress has let go of: free, on no list yet */
    pte_t *root;  /* [I] the Sv39 root; its entries are [lock]'s */
    struct list vmas; /* [lock] sorted by start, disjoint (I3) */
    struct list gone; /* [lock] vmas that the call in progress has removed */
    struct vma *top;  /* [lock] the root of the same vmas as a search tree (mm/vma.c) */
    uint32_t nvmas;   /* [lock] how many */
    struct vma *hint; /* [lock] the vma found last, or NULL */
    bool keeps_gaps;  /* [lock] the tree knows the largest gaps: from the first search for one on */
    vaddr_t size;     /* [lock] xv6's sz: the break, in bytes */
    uint32_t npaged;  /* [lock] vmas whose pages must be brought */
    uint64_t cpus;    /* [a] harts that have it loaded now, bit = dense id */
    uint64_t family;  /* [I] once running: one number from exec, inherited by fork */
    bool takes_spare; /* [I] once running: may take the frames of page_keep_spare() */
    struct list link; /* [mm list] for the audit */
};

/* What a mapping allows: PTE_R, W and X, one bit further down. */
enum prot {
    PROT_NONE = 0,
    PROT_READ = 1,
    PROT_WRITE = 2,
    PROT_EXEC = 4,
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
 * `banks` is all RAM that the device tree lists; what is not there is left out (mm/ram.h).
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
 * has it loaded. => mm_hold(): from any context. mm_release(): may sleep.
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
 * All of these take mm->lock and may sleep; no spin lock is held by the caller, but for mm_fault().
 * Each of the others may also return -EINTR when the caller was killed: then, too, nothing has changed.
 */

/*
 * Moves the break by n bytes; *old is where it was. Growing reserves (eager) or only
 * notes (lazy). Shrinking frees whole pages; below 0 it does nothing, as in xv6.
 * => 0; -ENOMEM; -EINVAL past USER_BREAK_MAX, into something mapped, or when a shared
 *    mapping would have to go. On error nothing has changed.
 */
int mm_sbrk(struct mm *mm, long n, enum brk_mode mode, vaddr_t *old);

/*
 * Makes the page at va accessible as `access` asks, if its vma allows it: a zero page,
 * a copy of a copy-on-write page, a region's page.
 * => takes mm->lock; no lock of rank RANK_MM or deeper is held. Sleeps only where a page must be
 *    brought from a disk, and only if the caller may: with interrupts on and no mutex held.
 * => 0; -EFAULT when it is not allowed, or must be brought and the caller may not sleep; -ENOMEM
 *    only in lazy memory; what bringing it returns.
 */
int mm_fault(struct mm *mm, vaddr_t va, enum access access);

/*
 * Says in words what is at va and why `access` to it failed, as "in text, read and execute only".
 * => takes mm->lock. buf holds a string; a snapshot. true: va is in the guard page below the stack.
 */
bool mm_describe(struct mm *mm, vaddr_t va, enum access access, char *buf, size_t size);

#endif
