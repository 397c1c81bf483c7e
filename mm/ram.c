/*
 * Boot: which of the banks that the device tree lists are RAM.
 *
 * The tree comes from outside and is not believed. A bank may lie beyond the linear map, or where
 * there is nothing, or where a device is: the first store there would be the kernel's end. So
 * pieces at its beginning and end are tried, and what fails is left out, with a line.
 *
 * Owns ram_ranges, constant after boot. No lock. Called by mm_init(); read next: mm/extents.c.
 */
#include "mm/ram.h"

#include "asm/mmio.h"
#include "lib/printk.h"

#define PIECE (2UL << 20) /* no memory controller gives less */

struct phys_range ram_ranges[RAM_RANGES_MAX];
size_t ram_nranges;

static const struct phys_range *taken;
static size_t ntaken;

static bool is_taken(paddr_t page)
{
    for (size_t i = 0; i < ntaken; i++)
        if (taken[i].start < page + PAGE_SIZE && page < taken[i].end)
            return true;
    return false;
}

/* Whether the first and the last page of a piece that can be tried are memory. */
static bool is_memory(paddr_t at, paddr_t end)
{
    paddr_t last = end - PAGE_SIZE;

    while (at < end && is_taken(at))
        at += PAGE_SIZE;
    while (last > at && is_taken(last))
        last -= PAGE_SIZE;
    return at == end || (mmio_is_memory(phys_to_virt(at)) && mmio_is_memory(phys_to_virt(last)));
}

static paddr_t piece_end(paddr_t at, paddr_t end)
{
    paddr_t next = (at & ~(PIECE - 1)) + PIECE;

    return next < end ? next : end;
}

/* The beginning of the piece that `in` is in, `first` at least. */
static paddr_t piece_start(paddr_t first, paddr_t in)
{
    paddr_t start = in & ~(PIECE - 1);

    return start > first ? start : first;
}

static void leave_out(paddr_t start, paddr_t end, const char *why)
{
    if (start < end)
        printk("memory: %lx-%lx is left out: %s\n", start, end, why);
}

static void add(paddr_t start, paddr_t end)
{
    if (ram_nranges == RAM_RANGES_MAX)
        leave_out(start, end, "too many pieces of RAM");
    else
        ram_ranges[ram_nranges++] = (struct phys_range){start, end, 0};
}

/*
 * Where the memory at the beginning of [at, end) ends. A bank whose last piece is memory is believed,
 * else the end is found by halving: to try each piece would make boot longer with more RAM.
 */
static paddr_t memory_end(paddr_t at, paddr_t end)
{
    paddr_t low = piece_end(at, end), high = piece_start(at, end - 1);

    if (is_memory(high, end))
        return end;
    while (low < high) {
        paddr_t middle = piece_start(low, low + (high - low) / 2);

        if (is_memory(middle, piece_end(middle, high)))
            low = piece_end(middle, high);
        else
            high = middle;
    }
    return low;
}

static void find_in_bank(paddr_t at, paddr_t end)
{
    paddr_t stop = at;

    if (at < end && is_memory(at, piece_end(at, end)))
        stop = memory_end(at, end);
    if (at < stop)
        add(at, stop);
    leave_out(stop, end, "there is no RAM");
}

void ram_find(const struct phys_range *banks, size_t nbanks, const struct phys_range *in_use,
              size_t n)
{
    taken = in_use;
    ntaken = n;
    ram_nranges = 0;
    for (size_t i = 0; i < nbanks; i++) {
        paddr_t start = banks[i].start, end = banks[i].end;

        leave_out(start > RAM_END ? start : RAM_END, end, "outside the kernel's linear map");
        if (start < RAM_END)
            find_in_bank(page_up(start), page_down(end < RAM_END ? end : RAM_END));
    }
}

bool ram_next(struct phys_range *r, paddr_t end, const struct phys_range *holes, size_t n)
{
    paddr_t at = r->end, before;

    do {
        before = at;
        for (size_t i = 0; i < n; i++)
            if (page_down(holes[i].start) <= at && at < page_up(holes[i].end))
                at = page_up(holes[i].end);
    } while (at != before);
    for (size_t i = 0; i < n; i++)
        if (at < holes[i].start && page_down(holes[i].start) < end)
            end = page_down(holes[i].start);
    *r = (struct phys_range){at, end, 0};
    return at < end;
}

bool ram_touches(paddr_t start, paddr_t end)
{
    for (size_t i = 0; i < ram_nranges; i++)
        if (ram_ranges[i].start < end && start < ram_ranges[i].end)
            return true;
    return false;
}

bool ram_holds(paddr_t start, paddr_t end)
{
    bool inside = false;

    for (size_t i = 0; i < ram_nranges; i++)
        inside |= ram_ranges[i].start <= start && end <= ram_ranges[i].end;
    for (size_t i = 0; i < ntaken; i++)
        if (taken[i].no_map && page_down(taken[i].start) < end && start < page_up(taken[i].end))
            return false;
    return inside;
}
