/*
 * The buddy: free blocks of 2^order frames, aligned to their size, that split and merge.
 *
 * Owns: the free lists, order/head/next/prev of the frames on them, the extents' `next`.
 * One lock, the innermost of mm/. Frames come here from extents: a block's
 * struct pages are written when it first leaves its extent, so that boot does not walk RAM.
 * Called by mm/page.c only. Read next: mm/extents.c.
 */
#include "frames.h"

#include "lib/assert.h"
#include "lib/spinlock.h"
#include "lib/string.h"

static struct spinlock buddy_lock = SPINLOCK_INIT("page buddy", RANK_BUDDY);
static uint32_t free_heads[PAGE_ORDERS]; /* [buddy_lock] frame number, 0 = empty */
static size_t listed_frames;             /* [buddy_lock] on the lists */

static void list_block(struct page *page, unsigned order)
{
    uint32_t pfn = frame_number(page);
    uint32_t old = free_heads[order];

    CHECK_ASSERT(!page->head && !(pfn & ((1U << order) - 1)));
    page->order = order;
    page->head = 1;
    page->next = old;
    page->prev = 0;
    if (old)
        page_array[old].prev = pfn;
    free_heads[order] = pfn;
}

static void unlist_block(struct page *page)
{
    if (page->next)
        page_array[page->next].prev = page->prev;
    if (page->prev)
        page_array[page->prev].next = page->next;
    else
        free_heads[page->order] = page->next;
    page->head = 0;
}

/* The extent that a frame of ours belongs to. */
static const struct frame_extent *extent_of(uint32_t pfn)
{
    const struct frame_extent *e = frame_extents;

    while (pfn - e->first >= e->end - e->first)
        e++;
    return e;
}

/*
 * The block beside `pfn` of the same order, when it is free and whole. Blocks never merge
 * beyond the largest order, so a neighbour is looked at only inside one largest block,
 * all of which left its extent at the same time; at an extent's ragged end the
 * neighbour may lie outside, and has no struct page to look at.
 */
static struct page *buddy_of(const struct frame_extent *e, uint32_t pfn, unsigned order)
{
    uint32_t other = pfn ^ (1U << order);
    struct page *page;

    if (other - e->first >= e->next - e->first)
        return NULL;
    page = &page_array[other];
    return page->head && page->order == order ? page : NULL;
}

static void free_block(struct page *page, unsigned order)
{
    uint32_t pfn = frame_number(page);
    const struct frame_extent *e = extent_of(pfn);

    CHECK_ASSERT(page->kind == PAGE_FREE && !page->refs);
    listed_frames += 1UL << order;
    for (; order < PAGE_ORDERS - 1; order++) {
        struct page *other = buddy_of(e, pfn, order);

        if (!other)
            break;
        unlist_block(other);
        pfn &= ~(1U << order);
    }
    list_block(&page_array[pfn], order);
}

/* Moves the next block of an untouched extent to the lists. => false when all are used up. */
static bool carve(void)
{
    for (size_t i = 0; i < frame_nextents; i++) {
        struct frame_extent *e = &frame_extents[i];
        uint32_t start = e->next, n;
        unsigned order = PAGE_ORDERS - 1;

        if (start == e->end)
            continue;
        while (start & ((1U << order) - 1) || (1U << order) > e->end - start)
            order--;
        n = 1U << order;
        memset(&page_array[start], 0, n * sizeof(struct page));
        e->next += n;
        free_block(&page_array[start], order);
        return true;
    }
    return false;
}

/* => a block of 2^order frames, or NULL. Larger blocks are split, the upper halves kept. */
static struct page *take_block(unsigned order)
{
    unsigned have;
    struct page *page;

    do {
        for (have = order; have < PAGE_ORDERS && !free_heads[have]; have++)
            ;
    } while (have == PAGE_ORDERS && carve());
    if (have == PAGE_ORDERS)
        return NULL;
    page = &page_array[free_heads[have]];
    unlist_block(page);
    while (have-- > order)
        list_block(page + (1UL << have), have);
    ASSERT(listed_frames >= 1UL << order);
    listed_frames -= 1UL << order;
    return page;
}

struct page *buddy_take(unsigned order)
{
    struct page *page;

    spin_lock(&buddy_lock);
    page = take_block(order);
    spin_unlock(&buddy_lock);
    return page;
}

void buddy_free(struct page *page, unsigned order)
{
    spin_lock(&buddy_lock);
    free_block(page, order);
    spin_unlock(&buddy_lock);
}

/* From one block when there is one of the size: no splitting, and frames that lie together. */
size_t buddy_take_singles(uint32_t *frames, size_t n)
{
    unsigned order = 0;
    struct page *block;
    size_t got = 0;

    while (2UL << order <= n)
        order++;
    spin_lock(&buddy_lock);
    block = take_block(order);
    if (block)
        for (uint32_t last = frame_number(block) + (1U << order) - 1; got < 1UL << order; got++)
            frames[got] = last - (uint32_t)got; /* the lowest is taken first */
    else
        while (got < n && (block = take_block(0)))
            frames[got++] = frame_number(block);
    spin_unlock(&buddy_lock);
    return got;
}

/* Frees n frames that lie side by side, in the largest blocks that they make up. */
static void free_run(uint32_t pfn, size_t n)
{
    while (n > 0) {
        unsigned order = 0;

        while (!(pfn & (1U << order)) && 2UL << order <= n && order < PAGE_ORDERS - 1)
            order++;
        free_block(&page_array[pfn], order);
        pfn += 1U << order;
        n -= 1UL << order;
    }
}

/* What was taken together often comes back together, in order: then there is little to merge. */
size_t buddy_free_singles(const uint32_t *frames, size_t n, size_t *runs)
{
    size_t left = runs ? *runs : n, i = 0, run;

    spin_lock(&buddy_lock);
    for (; i < n && left > 0; i += run, left--) {
        for (run = 1; i + run < n && frames[i + run] == frames[i] + run; run++)
            ;
        free_run(frames[i], run);
    }
    spin_unlock(&buddy_lock);
    if (runs)
        *runs -= left;
    return i;
}

size_t buddy_free_frames(void)
{
    size_t n;

    spin_lock(&buddy_lock);
    n = listed_frames;
    for (size_t i = 0; i < frame_nextents; i++)
        n += frame_extents[i].end - frame_extents[i].next;
    spin_unlock(&buddy_lock);
    return n;
}

size_t buddy_listed_frames(void)
{
    size_t n = 0;

    for (unsigned order = 0; order < PAGE_ORDERS; order++)
        for (uint32_t pfn = free_heads[order]; pfn; pfn = page_array[pfn].next)
            n += 1UL << order;
    return n;
}
