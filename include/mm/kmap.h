/*
 * The kernel's own address space: the linear map, the image's permissions, devices.
 */
#ifndef MM_KMAP_H
#define MM_KMAP_H

#include <stddef.h>

#include "asm/pte.h"

/*
 * Builds the kernel's page table and switches to it: RAM read-write, text R-X, rodata
 * R--, the pages under kernel stacks not at all; and the struct pages of all frames that none of the
 * n `reserved` ranges touches. Boot only, on the boot hart, before there is an allocator.
 */
void kmap_init(const struct phys_range *reserved, size_t n);

/*
 * Maps `len` bytes of device registers at `pa` into the linear map.
 * => their address; NULL when they lie in RAM, in the kernel or beyond the linear map, which a
 *    line on the console says, or when no memory is left for tables. Whether a device answers
 *    there, only the driver can tell (asm/mmio.h). Boot only: every address space copies the
 *    kernel half when it is made, so it must be complete by then.
 */
void *ioremap(paddr_t pa, size_t len);

/*
 * Looks at every leaf of the kernel's table: none both writable and executable, none
 * for user mode, all global with A and D set.
 * => the number of leaves that are not so.
 */
size_t kmap_check(void);

/* The kernel's root table, whose upper half every address space shares. */
extern pte_t *kmap_root;

#endif
