/*
 * Boot: memory comes up, in this order.
 *
 * Called by init/main.c. Read next: mm/ram.c, mm/extents.c, mm/kmap.c, mm/page.c: the steps.
 */
#include "mm/mm.h"

#include "frames.h"
#include "lib/assert.h"
#include "lib/printk.h"
#include "mm/kmap.h"
#include "mm/ram.h"
#include "space.h"

#define FRAMES_LEAST \
    512 /* more than the tables of any kernel map and the struct pages for as many */

extern char __kernel_start[], __kernel_end[];

const char *mm_init(const struct phys_range *banks, size_t nbanks,
                    const struct phys_range *reserved, size_t nreserved)
{
    static struct phys_range taken[RAM_RESERVED_MAX + 1];
    size_t n = 0, ram = 0;

    ASSERT(nreserved <= RAM_RESERVED_MAX);
    taken[n++] = (struct phys_range){virt_to_phys(__kernel_start), virt_to_phys(__kernel_end), 0};
    for (size_t i = 0; i < nreserved; i++)
        taken[n++] = reserved[i];
    ram_find(banks, nbanks, taken, n);
    for (size_t i = 0; i < ram_nranges; i++)
        ram += (ram_ranges[i].end - ram_ranges[i].start) >> PAGE_SHIFT;
    frame_find_extents(taken, n);
    if (buddy_free_frames() < FRAMES_LEAST)
        return "the RAM that the device tree lists is too small";
    kmap_init(reserved, nreserved);
    if (kmap_check())
        panic("memory: the kernel's map breaks W^X");
    page_init(ram);
    region_init();
    return NULL;
}
