/*
 * Where kernel stacks are, and how an overflow is noticed.
 *
 *     slot, 16 KiB, aligned:   | guard 4 KiB | stack 12 KiB, grows down  <---| top
 *
 * The guard page is not mapped. A store into it traps; the trap entry sees that bits 12 and 13 of
 * its stack pointer are 0, that is, that there is no stack left to save registers on.
 */
#ifndef ASM_KSTACK_H
#define ASM_KSTACK_H

#define KSTACK_SLOT_SHIFT 14
#define KSTACK_SLOT       (1 << KSTACK_SLOT_SHIFT)

/* Slots 0 .. NCPU_MAX-1 are the harts' boot and idle stacks, then comes one per process. */
#define KSTACK_SLOT_TASKS 8
#define KSTACK_SLOTS      (KSTACK_SLOT_TASKS + 64)

#ifndef __ASSEMBLER__

#include "asm/page.h"

extern char __stacks_start[], __stacks_end[];

/* The address above the last byte of a stack. */
static inline vaddr_t kstack_top(unsigned slot)
{
    return (vaddr_t)__stacks_start + (slot + 1UL) * KSTACK_SLOT;
}

/* The guard page of a stack, which mm leaves unmapped. */
static inline vaddr_t kstack_guard(unsigned slot)
{
    return (vaddr_t)__stacks_start + slot * (vaddr_t)KSTACK_SLOT;
}

#endif
#endif
