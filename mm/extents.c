/*
 * Boot: the extents of RAM whose frames are ours, and what is taken out of them before there is an
 * allocator: the kernel's page tables and the array of struct page (mm/kmap.c).
 *
 * Runs once, on one hart; mm/buddy.c has what is left. Nothing here walks RAM.
 */
#include "frames.h"

#include "lib/assert.h"
#include "lib/printk.h"
#include "mm/ram.h"

struct frame_extent frame_extents[FRAME_EXTENTS_MAX];
size_t frame_nextents;

static void extent_add(uint64_t first, uint64_t end)
{
    if (first == 0)
        first = 1; /* frame number 0 ends the free lists */
    if (first >= end)
        return;
    if (frame_nextents == FRAME_EXTENTS_MAX)
        printk("memory: %lx-%lx is not used: too many pieces of RAM\n", first << PAGE_SHIFT,
               end << PAGE_SHIFT);
    else
        frame_extents[frame_nextents++] = (struct frame_extent){first, first, end};
}

void frame_find_extents(const struct phys_range *reserved, size_t n)
{
    for (size_t i = 0; i < ram_nranges; i++) {
        struct phys_range r = {.end = ram_ranges[i].start};

        while (ram_next(&r, ram_ranges[i].end, reserved, n))
            extent_add(r.start >> PAGE_SHIFT, r.end >> PAGE_SHIFT);
    }
}

/* From an extent's end, so that taking one frame after the other leaves no small pieces. */
paddr_t frame_take_early(uint32_t n)
{
    ASSERT(n > 0 && !(n & (n - 1)));
    for (size_t i = 0; i < frame_nextents; i++) {
        struct frame_extent *e = &frame_extents[i];
        uint32_t end = e->end, at = (end - n) & ~(n - 1);

        if (end - e->first < n || at < e->first)
            continue;
        e->end = at;
        extent_add(at + n, end);
        return (paddr_t)at << PAGE_SHIFT;
    }
    return 0;
}
