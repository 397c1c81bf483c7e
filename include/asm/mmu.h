/*
 * Which page table a hart walks.
 */
#ifndef ASM_MMU_H
#define ASM_MMU_H

#include "asm/page.h"

/* This hart walks the Sv39 table at root from now on, with no user translation left over.
 * => the kernel half of root equals that of the table in use. */
void mmu_load(paddr_t root);

/* Says which table starting harts shall load; the boot table until mm has said so. */
void mmu_set_kernel_root(paddr_t root);

/* The table without user space. */
paddr_t mmu_kernel_root(void);

#endif
