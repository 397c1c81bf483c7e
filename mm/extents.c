/*
 * Boot: from the machine's banks of RAM and its reserved ranges to the extents that the
 * frame allocator may hand out, and the arrays of struct page that describe them.
 *
 * Runs once, on one hart, before there is any allocator. Nothing here walks RAM: the
 * arrays are only given a place, of 32 bytes for each frame.
 */
#include "frames.h"

#include "lib/printk.h"
#include "lib/string.h"

struct frame_bank frame_banks[FRAME_BANKS_MAX];
size_t frame_nbanks;
struct frame_extent frame_extents[FRAME_EXTENTS_MAX];
size_t frame_nextents;

struct page *frame_page_search(uint64_t pfn)
{
    for (size_t i = 0; i < frame_nbanks; i++) {
        struct frame_bank *b = &frame_banks[i];

        if (pfn - b->first < b->count)
            return b->pages + (pfn - b->first);
    }
    panic("frame %lx is not RAM", pfn);
}

uint32_t frame_number_search(const struct page *page)
{
    for (size_t i = 0; i < frame_nbanks; i++) {
        struct frame_bank *b = &frame_banks[i];

        if (page >= b->pages && page < b->pages + b->count)
            return (uint32_t)(b->first + (uint64_t)(page - b->pages));
    }
    panic("%p is no struct page", (void *)page);
}

static void extent_add(paddr_t start, paddr_t end)
{
    uint32_t first = (uint32_t)(page_up(start) >> PAGE_SHIFT);
    uint32_t last = (uint32_t)(page_down(end) >> PAGE_SHIFT);

    if (first == 0)
        first = 1; /* frame number 0 ends the free lists */
    if (first >= last || page_up(start) < start)
        return;
    if (frame_nextents == FRAME_EXTENTS_MAX) {
        printk("memory: %lx-%lx is not used: too many pieces of RAM\n", start, end);
        return;
    }
    frame_extents[frame_nextents++] = (struct frame_extent){first, first, last};
}

/* The lowest reserved range that ends above `at`, or NULL. */
static const struct phys_range *next_reserved(const struct phys_range *reserved, size_t n,
                                              paddr_t at)
{
    const struct phys_range *found = NULL;

    for (size_t i = 0; i < n; i++)
        if (reserved[i].end > at && reserved[i].start < reserved[i].end &&
            (!found || reserved[i].start < found->start))
            found = &reserved[i];
    return found;
}

/* Adds what is left of a bank between its reserved ranges. */
static void bank_extents(const struct phys_range *bank, const struct phys_range *reserved, size_t n)
{
    paddr_t at = bank->start;

    while (at < bank->end) {
        const struct phys_range *r = next_reserved(reserved, n, at);
        paddr_t stop = r && r->start < bank->end ? r->start : bank->end;

        if (at < stop)
            extent_add(at, stop);
        at = r && r->end > stop ? r->end : bank->end;
    }
}

/* Takes n frames from the first of the extents from `from` on that is large enough. */
static void *take_frames(size_t from, uint32_t n)
{
    for (size_t i = from; i < frame_nextents; i++) {
        struct frame_extent *e = &frame_extents[i];

        if (e->end - e->first >= n) {
            e->first += n;
            e->next = e->first;
            return phys_to_virt((paddr_t)(e->first - n) << PAGE_SHIFT);
        }
    }
    return NULL;
}

/* Describes a bank whose extents begin at index `from`, or gives it up. */
static void bank_add(const struct phys_range *bank, size_t from)
{
    struct frame_bank *b = &frame_banks[frame_nbanks];
    uint64_t bytes;

    b->first = page_down(bank->start) >> PAGE_SHIFT;
    b->count = (page_up(bank->end) >> PAGE_SHIFT) - b->first;
    bytes = page_up(b->count * sizeof(struct page));
    b->pages = take_frames(from, (uint32_t)(bytes >> PAGE_SHIFT));
    if (b->pages) {
        frame_nbanks++;
    } else {
        printk("memory: bank %lx-%lx is not used: no room for its frame table\n",
               bank->start, bank->end);
        frame_nextents = from;
    }
}

void frame_find_extents(const struct phys_range *banks, size_t nbanks,
                        const struct phys_range *reserved, size_t nreserved)
{
    for (size_t i = 0; i < nbanks && frame_nbanks < FRAME_BANKS_MAX; i++) {
        size_t from = frame_nextents;

        bank_extents(&banks[i], reserved, nreserved);
        bank_add(&banks[i], from);
    }
}
