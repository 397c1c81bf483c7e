/*
 * Making harts forget translations, and instructions.
 */
#ifndef ASM_TLB_H
#define ASM_TLB_H

#include "asm/page.h"

#include <stddef.h>
#include <stdint.h>

/* This hart forgets the translation of one page. */
static inline void tlb_flush_local_page(vaddr_t va)
{
    __asm__ volatile("sfence.vma %0, zero" : : "r"(va) : "memory");
}

/* This hart forgets all translations. */
static inline void tlb_flush_local(void)
{
    __asm__ volatile("sfence.vma zero, zero" : : : "memory");
}

/* Every hart in cpu_mask (this one or not) has forgotten npages from va on return.
 * => the PTEs were changed before; callable with spin locks held and interrupts off. */
void tlb_shootdown(uint64_t cpu_mask, vaddr_t va, size_t npages);

/*
 * What has been stored in memory before is what the harts in cpu_mask (this one or not) fetch and
 * execute from now on. A hart that loads another address space is told by mmu_load().
 * => callable with spin locks held and interrupts off
 */
void icache_sync(uint64_t cpu_mask);

#endif
