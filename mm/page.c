/*
 * Page frames: the reservation gate, a small stock of single frames per hart, and the
 * counting of holders. Blocks lie behind, in mm/buddy.c.
 *
 * Owns: refs and kind of every struct page, the stocks, `avail`. Invariants: I1 (a frame
 * whose last holder goes is on exactly one list), I5 (avail never lies). Locks: each
 * stock's own; `avail` is atomic. Called by everybody.
 * Read next: mm/buddy.c, where frames come from.
 *
 *     page_reserve --> avail     page_alloc_reserved --> stock of this hart
 *                                                          | empty: a batch from
 *                                                        buddy lists, blocks 2^0..2^10
 *                                                          | empty: the next block of
 *                                                        an extent, never touched so far
 *
 * Interrupts are off wherever a frame is between two places, so that a machine whose
 * harts are stopped by interrupts has all its frames in their places (mm/audit.c).
 */
#include "mm/page.h"

#include "asm/cpu.h"
#include "frames.h"
#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/mm.h"

#define STOCK_MAX     64
#define STOCK_BATCH   32
#define RECLAIM_BATCH 16
#define POISON        0x5a5a5a5a5a5a5a5aUL

struct stock {
    struct spinlock lock;
    size_t count;               /* [lock] */
    uint32_t frames[STOCK_MAX]; /* [lock] */
};

static struct stock stocks[NCPU_MAX];
static long avail;                                     /* [a] free frames - promised frames */
static size_t spare_frames;                            /* [I] after boot */
static size_t total_frames;                            /* [I] */
static size_t outside_frames;                          /* [I] */
static struct list reclaimers = LIST_INIT(reclaimers); /* [I] after boot */

/* ---- the stocks: single frames at hand for each hart ---- */

static void poison(struct page *page)
{
#ifdef LAMINA_CHECK
    uint64_t *word = page_addr(page);

    for (size_t i = 0; i < PAGE_SIZE / 8; i++)
        word[i] = POISON;
    page->poisoned = 1;
#endif
}

static void check_poison(struct page *page)
{
#ifdef LAMINA_CHECK
    uint64_t *word = page_addr(page);

    for (size_t i = 0; page->poisoned && i < PAGE_SIZE / 8; i++)
        if (word[i] != POISON)
            panic("frame %lx was written after it was freed, offset %lx: %lx", page_phys(page),
                  i * 8, word[i]);
    page->poisoned = 0;
#endif
}

/* => stock->lock held. Moves up to a batch of frames from the buddy. */
static void stock_fill(struct stock *stock)
{
    stock->count += buddy_take_singles(stock->frames + stock->count, STOCK_BATCH - stock->count);
}

/* => stock->lock held. Moves frames to the buddy until `keep` are left. */
static void stock_drain(struct stock *stock, size_t keep)
{
    buddy_free_singles(stock->frames + keep, stock->count - keep, &(size_t){STOCK_MAX});
    stock->count = keep;
}

enum stock_use {
    STOCK_ONLY,
    STOCK_OR_BUDDY
};

/* A frame of a stock, filled from the buddy first when it is empty and may be; or NULL. */
static struct page *stock_pop(struct stock *stock, enum stock_use use)
{
    struct page *page = NULL;

    spin_lock(&stock->lock);
    if (!stock->count && use == STOCK_OR_BUDDY)
        stock_fill(stock);
    if (stock->count)
        page = frame_page(stock->frames[--stock->count]);
    spin_unlock(&stock->lock);
    return page;
}

static __noinline struct page *stock_steal(void)
{
    struct page *page = NULL;

    for (size_t i = 0; !page && i < NCPU_MAX; i++)
        page = stock_pop(&stocks[i], STOCK_ONLY);
    return page;
}

/* A frame from this hart's stock or the buddy; when both are empty, from another hart's. */
static struct page *stock_take(void)
{
    struct page *page = stock_pop(&stocks[this_cpu->id], STOCK_OR_BUDDY);

    return likely(page) ? page : stock_steal();
}

/*
 * Puts free frames into this hart's stock; many at once go straight to the buddy, since they
 * mostly lie side by side and merge there. => interrupts off.
 */
static inline void stock_put(const uint32_t *frames, size_t n)
{
    struct stock *stock = &stocks[this_cpu->id];

    if (n >= PAGE_FREE_FEW) {
        buddy_free_singles(frames, n, &(size_t){n});
        return;
    }
    spin_lock(&stock->lock);
    if (stock->count + n > STOCK_MAX)
        stock_drain(stock, stock->count - PAGE_FREE_FEW);
    for (size_t i = 0; i < n; i++)
        stock->frames[stock->count++] = frames[i];
    spin_unlock(&stock->lock);
}

size_t page_free_some(const uint32_t *frames, size_t n, size_t *runs)
{
    return buddy_free_singles(frames, n, runs);
}

/* ---- the gate ---- */

/* How many free frames the running address space must leave. */
static size_t must_leave(void)
{
    const struct mm *mm = this_cpu->mm;

    return mm && mm->takes_spare ? 0 : spare_frames;
}

/* Looks before it takes: a request that is too large must not make another one fail meanwhile. */
static inline size_t try_reserve(size_t n)
{
    long now = __atomic_load_n(&avail, __ATOMIC_RELAXED);
    size_t least;

    do {
        least = n + spare_frames;
        if (unlikely((size_t)now < least))
            least = n + must_leave();
        if ((size_t)now < least)
            return least - (size_t)now;
    } while (!compare_and_swap(&avail, &now, now - (long)n));
    return 0;
}

size_t page_try_reserve(size_t n)
{
    return try_reserve(n);
}

size_t page_total(void)
{
    return total_frames;
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

static __noinline int reserve_after_reclaim(size_t n, size_t missing)
{
    do {
        if (n > total_frames || !page_reclaim(missing))
            return -ENOMEM;
        missing = page_try_reserve(n);
    } while (missing);
    return 0;
}

int page_reserve(size_t n)
{
    size_t missing = try_reserve(n);

    return likely(!missing) ? 0 : reserve_after_reclaim(n, missing);
}

void page_keep_spare(size_t n)
{
    spare_frames = n;
}

void page_unreserve(size_t n)
{
    __atomic_add_fetch(&avail, (long)n, __ATOMIC_RELEASE);
}

static inline struct page *try_reserved(void)
{
    uint64_t irq = irq_disable_save();
    struct page *page = stock_take();

    if (page) {
        ASSERT(page->refs == 0 && page->kind == PAGE_FREE);
        check_poison(page);
        page->refs = PAGE_REF;
        page->kind = PAGE_KERNEL;
    }
    irq_restore(irq);
    return page;
}

struct page *page_try_reserved(void)
{
    return try_reserved();
}

struct page *page_alloc_reserved(void)
{
    struct page *page;

    /* One is there; it can only be on its way between two lists just now. */
    while (!(page = try_reserved()))
        cpu_relax();
    return page;
}

struct page *page_alloc(void)
{
    uint64_t irq = irq_disable_save();
    struct page *page = page_reserve(1) ? NULL : page_alloc_reserved();

    irq_restore(irq);
    return page;
}

/* => what is left of the count. At 0 the frame is free, and the caller has to put it somewhere. */
static inline uint64_t drop(struct page *page, uint64_t refs)
{
    uint64_t left = __atomic_sub_fetch(&page->refs, refs, __ATOMIC_ACQ_REL);

    CHECK_ASSERT((uint32_t)left < 1U << 31);
    if (left == 0) {
        page->kind = PAGE_FREE;
        poison(page);
    }
    return left;
}

bool page_drop(struct page *page, uint64_t refs)
{
    uint64_t irq = irq_disable_save();
    uint64_t left = drop(page, refs);

    if (left == 0)
        stock_put(&(uint32_t){frame_number(page)}, 1);
    irq_restore(irq);
    return left == 0;
}

bool page_put(struct page *page)
{
    uint64_t irq = irq_disable_save();
    bool freed = page_drop(page, PAGE_REF);

    if (freed)
        page_unreserve(1);
    irq_restore(irq);
    return freed;
}

struct page_dropped page_drop_counts(uint32_t *frames, size_t n, uint64_t refs)
{
    struct page_dropped d = {0, 0};
    uint32_t *freed = frames;

    for (const uint32_t *f = frames, *end = f + n; f < end; f++) {
        uint64_t frame = *f, left = drop(frame_page(frame), refs);

        if (left == 0)
            *freed++ = (uint32_t)frame;
        else if (left >> 32)
            d.pinned++;
    }
    d.freed = (size_t)(freed - frames);
    return d;
}

struct page_dropped page_drop_many(uint32_t *frames, size_t n, uint64_t refs)
{
    uint64_t irq = irq_disable_save();
    struct page_dropped d = page_drop_counts(frames, n, refs);

    if (d.freed)
        stock_put(frames, d.freed);
    irq_restore(irq);
    return d;
}

/* ---- blocks ---- */

/* Moves all stocks to the buddy, so that neighbours can merge. */
static void drain_all(void)
{
    for (size_t i = 0; i < NCPU_MAX; i++) {
        spin_lock(&stocks[i].lock);
        if (stocks[i].count)
            stock_drain(&stocks[i], 0);
        spin_unlock(&stocks[i].lock);
    }
}

/* A block, reserved and taken as one step. => else NULL, and how many frames are missing for it. */
static struct page *take_block(unsigned order, size_t *missing)
{
    uint64_t irq = irq_disable_save();
    struct page *page = NULL;

    *missing = page_try_reserve(1UL << order);
    if (!*missing) {
        page = buddy_take(order);
        if (!page)
            page_unreserve(1UL << order);
    }
    for (size_t i = 0; page && i < 1UL << order; i++) {
        check_poison(&page[i]);
        page[i].refs = PAGE_REF;
        page[i].kind = PAGE_KERNEL;
    }
    irq_restore(irq);
    return page;
}

struct page *page_alloc_order(unsigned order)
{
    bool drained = false;
    struct page *page;
    size_t missing;

    if (order >= PAGE_ORDERS)
        return NULL;
    while (!(page = take_block(order, &missing))) {
        if (missing ? !page_reclaim(missing) : drained)
            return NULL;
        if (!missing)
            drain_all();
        drained |= !missing;
    }
    return page;
}

void page_free_order(struct page *page, unsigned order)
{
    uint64_t irq = irq_disable_save();

    for (size_t i = 0; i < 1UL << order; i++) {
        ASSERT(page[i].refs == PAGE_REF);
        page[i].refs = 0;
        page[i].kind = PAGE_FREE;
        poison(&page[i]);
    }
    buddy_free(page, order);
    page_unreserve(1UL << order);
    irq_restore(irq);
}

/* ---- boot and figures ---- */

void page_add_reclaimer(struct reclaimer *r)
{
    list_push_back(&reclaimers, &r->link);
}

size_t frame_free_count(void)
{
    size_t n = buddy_free_frames();

    for (size_t i = 0; i < NCPU_MAX; i++)
        n += __atomic_load_n(&stocks[i].count, __ATOMIC_RELAXED);
    return n;
}

void frame_list_sizes(size_t *listed, size_t *stocked)
{
    *listed = buddy_listed_frames();
    *stocked = 0;
    for (size_t i = 0; i < NCPU_MAX; i++)
        *stocked += stocks[i].count;
}

long frame_available(void)
{
    return __atomic_load_n(&avail, __ATOMIC_RELAXED);
}

void page_get_stats(struct page_stats *stats)
{
    long a = frame_available();

    stats->total = total_frames;
    stats->free = frame_free_count();
    stats->outside = outside_frames;
    stats->promised = stats->free > (size_t)a ? stats->free - (size_t)a : 0;
}

void page_init(size_t ram)
{
    for (size_t i = 0; i < NCPU_MAX; i++)
        spin_init(&stocks[i].lock, "page stock", RANK_STOCK);
    total_frames = buddy_free_frames();
    outside_frames = ram - total_frames;
    avail = (long)total_frames;
}
