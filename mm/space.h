/*
 * What the files of mm/ that work on one address space share. Nobody else includes it.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include "frames.h"
#include "lib/annotate.h"
#include "mm/mm.h"
#include "mm/shared.h"
#include "vma.h"

/* All address spaces, for the audit. Lock: mm_list_lock. */
extern struct list mm_list;
extern struct list region_list;

/* ---- the lock of a call that changes vmas, and its rests ---- */

/*
 * The work that a call does between two rests, at most, in units of about 40 instructions; and
 * what some steps cost. So interrupts are out for some 17,000 instructions at most.
 */
enum work {
    WORK_BATCH = 340,
    WORK_PIECE = 256, /* pages, whose entries one step looks at */
    WORK_VMA = 30,    /* a vma made or removed */
    WORK_TABLE = 20,  /* a table made */
    WORK_ZERO = 20,   /* a page zeroed */
    WORK_COPY = 32,   /* a page copied */
    WORK_RUN = 16,    /* a run of frames freed, in which each follows the one before */
};

/*
 * Takes mm->lock for a call that may change vmas.
 * => may sleep, until no other such call rests in mm. mm_lock_killable(): 0; or -EINTR, not locked.
 */
void mm_lock(struct mm *mm) __acquires(&mm->lock);
int mm_lock_killable(struct mm *mm) __acquires_if(0, &mm->lock);

/*
 * Ends such a call: what it has reserved and not used goes back, and the vmas that it has removed end.
 * => may sleep if some have a region.
 */
void mm_unlock(struct mm *mm) __releases(&mm->lock);

/* Rests, before a step of `units`. => as mm_work(). */
int mm_rest(struct mm *mm, unsigned units) __must_hold(&mm->lock);

/*
 * Says that a step of `units` comes next. If it does not fit in the batch, the call rests first: it
 * lets go of mm->lock for a moment, so that interrupts and other tasks get their turn.
 * => mm locked; what the audit checks holds. vmas are the same afterwards; entries may have come
 *    and gone by faults and sweeps.
 * => 0; -EINTR when the caller was killed, for it to give up; below a commit that is ignored.
 */
static inline int mm_work(struct mm *mm, unsigned units) __must_hold(&mm->lock)
{
    mm->work += units;
    return likely(mm->work <= WORK_BATCH) ? 0 : mm_rest(mm, units);
}

/*
 * page_reserve() by a call that has mm locked; the frames count as mm->set_aside until the call
 * takes them out of there, or ends. => rests. 0, -ENOMEM, -EINTR.
 */
int mm_reserve(struct mm *mm, size_t n) __must_hold(&mm->lock);

/*
 * Makes every table that [start, end) needs, so that mapping in it cannot fail.
 * => mm locked; rests. 0, -ENOMEM, -EINTR: what was made stays until mm_trim().
 */
int mm_prepare(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock);

/*
 * Frees the tables that serve nothing but [start, end), which lies in one vma or between two, and
 * where nothing is mapped. => mm locked; rests.
 */
void mm_trim(struct mm *mm, vaddr_t start, vaddr_t end) __must_hold(&mm->lock);

/* ---- taking away ---- */

/* Entries that were replaced or unhooked: harts are told of all at once, then the frames go (I2). */
struct gather {
    struct mm *mm;
    bool promised;      /* the vma's pages are: it has the reservations of frames that are freed */
    vaddr_t start, end; /* what the entries spanned; empty: there were none */
    size_t n;           /* frames that the entries held */
    uint32_t frames[PAGE_BATCH];
};

/* => an empty one, for entries of v. frames[] is left uninitialised on purpose: it is 1 KiB. */
static inline void gather_begin(struct gather *g, const struct vma *v)
{
    g->mm = v->mm;
    g->promised = v->promised;
    g->start = g->end = 0;
    g->n = 0;
}

/* Adds the page at va to the span. */
static inline void gather_span(struct gather *g, vaddr_t va)
{
    if (g->start == g->end)
        g->start = va;
    if (va < g->start)
        g->start = va;
    if (va + PAGE_SIZE > g->end)
        g->end = va + PAGE_SIZE;
}

/*
 * Tells the harts, then lets go of the frames; the gather is empty again.
 * => mm->lock held since the entries changed. What became of the frames.
 */
struct page_dropped gather_flush(struct gather *g);

/*
 * The piece of [from, to), a part of v, that one step takes: => where it begins, going down from
 * `to` until enough pages have a table. What has none costs little, and much of it goes at once.
 * *work is what the step will cost. Borrowed pages cost the least.
 */
vaddr_t unmap_piece_start(const struct vma *v, vaddr_t from, vaddr_t to, unsigned *work);

/* Which entries to unhook: those that have one of these bits. An absent entry has none. */
#define UNHOOK_ALL    (~0UL)
#define UNHOOK_REGION PTE_S /* those to frames of the vma's region */

/*
 * Unhooks entries of [start, end), a piece of v, tells the harts, and lets go of the frames. With
 * UNHOOK_ALL it also settles the promises for the pages. => v->mm->lock held.
 */
void unmap_piece(const struct vma *v, vaddr_t start, vaddr_t end, uint64_t which);

/* What becomes of the tables of a range that goes. */
enum tables {
    TABLES_TRIM,
    TABLES_KEEP, /* for what is put there next; mm_trim() is then the caller's */
};

/*
 * Takes [start, end) out of mm, page aligned, whatever is mapped there: entries unhooked,
 * TLBs told, frames let go, vmas cut or removed, promises given back. The vmas that went wait on
 * mm->gone for mm_unlock().
 * => mm locked; rests. 0; -ENOMEM only when a vma reaches across `end` and must be split there:
 *    nothing has changed.
 */
int mm_unmap(struct mm *mm, vaddr_t start, vaddr_t end, enum tables tables) __must_hold(&mm->lock);

/*
 * Makes a boundary between vmas at `at`, if one reaches across it. Changes no mapping.
 * => mm locked. 0 or -ENOMEM.
 */
int vma_split(struct mm *mm, vaddr_t at) __must_hold(&mm->lock);

/* ---- lending and borrowing ---- */

/* Pages of one address space on their way into another. */
struct loan {
    struct lend terms;
    vaddr_t start; /* of the source's range, page aligned, in user space */
    size_t npages;
    size_t wanted;    /* frames that no vma of the source has promised for it */
    struct list vmas; /* the borrower's, in order, in no mm yet; their addresses count from 0 */
};

/*
 * Pins the pages of a loan, and makes the vmas that can map them: one for each vma of the source
 * that has a part in it.
 * Private pages come into a new region; a page that is not there yet appears, and one that
 * is shared by fork is made the source's own first, so that src and borrower see one frame.
 * Pages that src itself borrows stay in the region they are in (family), or get one that
 * goes when that one is revoked (a consent).
 * => takes src->lock; may sleep. 0; -EFAULT at a page that src itself may not read, or that a
 *    lasting loan must not have; -ENOMEM, at once when the frames are not to be had; -EINTR.
 *    vma_destroy_list() of loan->vmas undoes it, also after an error.
 */
int mm_lend(struct mm *src, struct loan *loan);

/* ---- regions ---- */

/* At boot: the cache of regions has a frame from then on, so that a lone region costs none. */
void region_init(void);

/*
 * A region that has no frame yet, and room for npages: r->npages is 0, and counts the frames in its
 * table. => NULL without memory, or too large.
 */
struct region *region_create(size_t npages, const struct region_ops *ops);

/* Undoes region_create(). => r has no frame and no vma, and is promised none. */
void region_free(struct region *r);

/* The operations of pinned regions, for those that no consent has made. */
extern const struct region_ops region_pinned_ops;
int region_give_pinned(struct region *r, size_t i, enum access access, struct page **page);

/* v, which has entered an mm, maps its region: a sweep over the region finds it. */
void region_add_vma(struct vma *v);

/*
 * The upper part of v is a vma of its own now: what a sweep has done of v, it has done of that. Or v
 * has grown: a sweep looks at all of it. => mm->lock held.
 */
void region_split_vma(struct vma *v, struct vma *upper);
void region_resweep(struct vma *v);

#define REGION_STEP 32 /* frames that are let go of at once */

/*
 * Takes the frames of pages [first, end), a batch at most, out of the table. => how many there were.
 * r->lock held, or r has no holder.
 */
size_t region_take_out(struct region *r, size_t first, size_t end, uint32_t *batch);

/* ---- faults ---- */

/*
 * The step of mm_fault() for one page of v. mm_fault() passes no gather. A call that has reserved what
 * it needs (mm_reserve()) passes one: frames come from mm->set_aside, and gather_flush() tells the harts.
 * => mm->lock held; va in v. 0 and *out, the page's entry, valid for `access`; -ENOMEM; -EAGAIN:
 *    the region has to bring the page; -EFAULT: it was taken away.
 */
int fault_page(struct vma *v, vaddr_t va, enum access access, struct gather *g, pte_t **out);

#endif
