/*
 * Which of the RAM that the device tree lists is there, and within the kernel's reach.
 *
 * All of it is written once by mm_init(); after that every function may be called at any time.
 */
#ifndef MM_RAM_H
#define MM_RAM_H

#include <stdbool.h>
#include <stddef.h>

#include "asm/page.h"

#define RAM_RANGES_MAX   8
#define RAM_RESERVED_MAX 32 /* ranges that the caller of mm_init() may reserve */
#define RAM_END          (PAGE_ARRAY - KERNEL_OFFSET) /* the linear map goes no further */

extern struct phys_range ram_ranges[RAM_RANGES_MAX]; /* whole pages */
extern size_t ram_nranges;

/*
 * Finds the RAM in `banks`: what the linear map reaches and what keeps what is stored in it. What is
 * `in_use`, by the kernel or the firmware, is not touched. That array is kept.
 * => prints a line for each range that is left out. Boot only, before there is anything in RAM.
 */
void ram_find(const struct phys_range *banks, size_t nbanks, const struct phys_range *in_use,
              size_t n);

/*
 * The next part of [r->end, end), in whole pages, that no range of `holes` touches.
 * => true and *r; false when there is none.
 */
bool ram_next(struct phys_range *r, paddr_t end, const struct phys_range *holes, size_t n);

/* => whether any byte of [start, end) is RAM. */
bool ram_touches(paddr_t start, paddr_t end);

/* => whether all of [start, end) is RAM that the kernel maps. */
bool ram_holds(paddr_t start, paddr_t end);

#endif
