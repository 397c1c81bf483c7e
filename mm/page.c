/*
 * Page frames: from a reservation to a frame, and back when its last holder goes.
 *
 * Owns: refs and kind of every struct page, and the stocks: a few single frames at hand for each hart.
 * Invariant: I1, a frame whose last holder goes is on exactly one list. Locks: each stock's own.
 * Called by everybody. Read next: mm/buddy.c, where frames come from.
 *
 *     page_reserve --> avail     page_alloc_reserved --> stock of this hart
 *      (mm/reserve.c)                                      | empty: a batch from
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
#include "lib/printk.h"
#include "lib/spinlock.h"

#define STOCK_MAX   64
#define STOCK_BATCH 32
#define POISON      0x5a5a5a5a5a5a5a5aUL

struct stock {
    struct spinlock lock;
    size_t count;               /* [lock] */
    uint32_t frames[STOCK_MAX]; /* [lock] */
};

static struct stock stocks[NCPU_MAX];
static size_t outside_frames; /* [I] */

/* Nobody holds the frame any more; the caller puts it somewhere. In the checking build it is poisoned. */
static void mark_free(struct page *page)
{
    CHECK_ASSERT(page->kind != PAGE_FREE);
    page->kind = PAGE_FREE;
#ifdef LAMINA_CHECK
    for (uint64_t *word = page_addr(page), *end = word + PAGE_SIZE / 8; word < end; word++)
        *word = POISON;
    page->poisoned = 1;
#endif
}

/* A free frame gets its first holder. */
static void mark_taken(struct page *page)
{
#ifdef LAMINA_CHECK
    uint64_t *word = page_addr(page);

    for (size_t i = 0; page->poisoned && i < PAGE_SIZE / 8; i++)
        if (word[i] != POISON)
            panic("frame %lx was written after it was freed, offset %lx: %lx", page_phys(page),
                  i * 8, word[i]);
    page->poisoned = 0;
#endif
    ASSERT(page->refs == 0 && page->kind == PAGE_FREE);
    page->refs = PAGE_REF;
    page->kind = PAGE_KERNEL;
}

/* This hart's stock comes first, filled from the buddy if it is empty; then those of other harts. */
struct page *page_try_reserved(void)
{
    struct stock *own = &stocks[this_cpu->id], *stock = own;
    struct page *page = NULL;

    do {
        spin_lock(&stock->lock);
        if (!stock->count && stock == own)
            stock->count = buddy_take_singles(stock->frames, STOCK_BATCH);
        if (stock->count) {
            page = &page_array[stock->frames[--stock->count]];
            mark_taken(page);
        }
        spin_unlock(&stock->lock);
        if (++stock == stocks + NCPU_MAX)
            stock = stocks;
    } while (unlikely(!page) && stock != own);
    return page;
}

struct page *page_alloc_reserved(void)
{
    struct page *page;

    /* One is there; it can only be on its way between two lists just now. */
    while (!(page = page_try_reserved()))
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

/* Many at once go straight to the buddy: they mostly lie side by side and merge there. */
size_t page_free_some(const uint32_t *frames, size_t n, size_t *runs)
{
    struct stock *stock = &stocks[this_cpu->id];
    size_t drained = 0;

    if (n >= PAGE_FREE_FEW)
        return buddy_free_singles(frames, n, runs);
    spin_lock(&stock->lock);
    if (stock->count + n > STOCK_MAX) {
        stock->count -= PAGE_FREE_FEW;
        drained = PAGE_FREE_FEW;
        buddy_free_singles(stock->frames + stock->count, PAGE_FREE_FEW, &drained);
    }
    for (size_t i = 0; i < n; i++)
        stock->frames[stock->count++] = frames[i];
    spin_unlock(&stock->lock);
    if (runs)
        *runs = 1 + drained;
    return n;
}

struct page_dropped page_put_many(uint32_t *frames, size_t n, uint64_t refs)
{
    uint32_t *freed = frames;
    size_t pinned = 0;

    for (const uint32_t *f = frames, *end = f + n; f < end; f++) {
        uint64_t frame = *f;
        struct page *page = &page_array[frame];
        uint64_t left = __atomic_sub_fetch(&page->refs, refs, __ATOMIC_ACQ_REL);

        CHECK_ASSERT((uint32_t)left < 1U << 31);
        if (left == 0) {
            mark_free(page);
            *freed++ = (uint32_t)frame;
        } else if (left >> 32) {
            pinned++;
        }
    }
    return (struct page_dropped){(size_t)(freed - frames), pinned};
}

bool page_put_keep(struct page *page)
{
    uint64_t irq = irq_disable_save();
    bool freed = __atomic_sub_fetch(&page->refs, PAGE_REF, __ATOMIC_ACQ_REL) == 0;

    if (freed) {
        mark_free(page);
        page_free_some(&(uint32_t){frame_number(page)}, 1, NULL);
    }
    irq_restore(irq);
    return freed;
}

bool page_put(struct page *page)
{
    uint64_t irq = irq_disable_save();
    bool freed = page_put_keep(page);

    if (freed)
        page_unreserve(1);
    irq_restore(irq);
    return freed;
}

/* ---- blocks ---- */

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
    for (size_t i = 0; page && i < 1UL << order; i++)
        mark_taken(&page[i]);
    irq_restore(irq);
    return page;
}

/* Moves all stocks to the buddy, so that neighbours can merge. */
static void drain_stocks(void)
{
    for (struct stock *stock = stocks; stock < stocks + NCPU_MAX; stock++) {
        spin_lock(&stock->lock);
        buddy_free_singles(stock->frames, stock->count, NULL);
        stock->count = 0;
        spin_unlock(&stock->lock);
    }
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
        if (!missing) {
            drain_stocks();
            drained = true;
        }
    }
    return page;
}

void page_free_order(struct page *page, unsigned order)
{
    uint64_t irq = irq_disable_save();

    ASSERT(order < PAGE_ORDERS);
    for (size_t i = 0; i < 1UL << order; i++) {
        ASSERT(page[i].refs == PAGE_REF);
        page[i].refs = 0;
        mark_free(&page[i]);
    }
    buddy_free(page, order);
    page_unreserve(1UL << order);
    irq_restore(irq);
}

/* ---- boot and figures ---- */

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

void page_get_stats(struct page_stats *stats)
{
    size_t available = (size_t)frame_available();

    stats->total = page_total();
    stats->free = frame_free_count();
    stats->outside = outside_frames;
    stats->promised = stats->free > available ? stats->free - available : 0;
}

void page_init(size_t ram)
{
    size_t total = buddy_free_frames();

    ASSERT(total > 0 && total <= ram);
    for (size_t i = 0; i < NCPU_MAX; i++)
        spin_init(&stocks[i].lock, "page stock", RANK_STOCK);
    outside_frames = ram - total;
    frame_open_gate(total);
}
