/*
 * The gate: how many frames may still be handed out.
 *
 * `avail` counts free frames that nobody was promised. Whoever needs frames takes them from here first;
 * then page_alloc_reserved() cannot fail, and a promise (I5) is kept. Reclaimers are asked before the
 * gate says no. Owns avail, the spare frames, the reclaimers; avail is atomic, there is no lock.
 * Called by everybody. Read next: mm/page.c, where a reservation becomes a frame.
 */
#include "mm/page.h"

#include "asm/cpu.h"
#include "frames.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "mm/mm.h"

#define RECLAIM_BATCH 12

static long avail;                                     /* [a] free frames - promised frames */
static size_t spare_frames;                            /* [I] after boot */
static size_t total_frames;                            /* [I] */
static struct list reclaimers = LIST_INIT(reclaimers); /* [I] after boot */

/* Looks before it takes: a request that is too large must not make another one fail meanwhile. */
size_t page_try_reserve(size_t n)
{
    const struct mm *mm = this_cpu->mm;
    size_t least = n + (mm && mm->takes_spare ? 0 : spare_frames);
    long now = __atomic_load_n(&avail, __ATOMIC_RELAXED);

    CHECK_ASSERT(now >= 0);
    while ((size_t)now >= least)
        if (compare_and_swap(&avail, &now, now - (long)n))
            return 0;
    return least - (size_t)now;
}

size_t page_reclaim(size_t n)
{
    size_t got = 0;
    struct list *pos;

    if (n > RECLAIM_BATCH)
        n = RECLAIM_BATCH;
    list_for_each(pos, &reclaimers) {
        if (got < n)
            got += list_entry(pos, struct reclaimer, link)->reclaim(n - got);
    }
    return got;
}

int page_reserve(size_t n)
{
    size_t missing;

    while ((missing = page_try_reserve(n)) > 0)
        if (n > total_frames || !page_reclaim(missing))
            return -ENOMEM;
    return 0;
}

void page_unreserve(size_t n)
{
    long now = __atomic_add_fetch(&avail, (long)n, __ATOMIC_RELEASE);

    ASSERT(now <= (long)total_frames);
}

size_t page_total(void)
{
    return total_frames;
}

void page_keep_spare(size_t n)
{
    spare_frames = n;
}

void page_add_reclaimer(struct reclaimer *r)
{
    list_push_back(&reclaimers, &r->link);
}

long frame_available(void)
{
    return __atomic_load_n(&avail, __ATOMIC_RELAXED);
}

void frame_open_gate(size_t total)
{
    total_frames = total;
    avail = (long)total;
}
