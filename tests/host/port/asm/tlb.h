/*
 * tlb.h - stands for include/asm/tlb.h in host tests: flushes are counted (port.h).
 */
#ifndef ASM_TLB_H
#define ASM_TLB_H

#include "asm/page.h"

#include <stddef.h>
#include <stdint.h>

void tlb_flush_local_page(vaddr_t va);
void tlb_flush_local(void);
void tlb_shootdown(uint64_t cpu_mask, vaddr_t va, size_t npages);
void icache_sync(uint64_t cpu_mask);

#endif
