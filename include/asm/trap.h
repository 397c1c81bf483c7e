/*
 * The way into the kernel and back: frames, and the four upcalls.
 *
 * arch/riscv knows the CSRs; what a trap means is decided above it, in the upcalls.
 */
#ifndef ASM_TRAP_H
#define ASM_TRAP_H

#include "asm/page.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The registers at the moment of a trap. The frame of a trap from user mode lies at the top of the
 * task's kernel stack; the frame of a trap from the kernel lies wherever that stack had got to.
 * Fields x1..x31 stand in the order of the register numbers: entry.S and gdb rely on it.
 */
struct trapframe {
    uint64_t epc;
    uint64_t ra, sp, gp, tp, t0, t1, t2, s0, s1;
    uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
    uint64_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
    uint64_t t3, t4, t5, t6;
    uint64_t status;                    /* sstatus; kept for traps from the kernel only */
    struct cpu *cpu;                    /* traps from user: the hart, for the kernel's tp */
};

enum trap_from {
    TRAP_FROM_USER,
    TRAP_FROM_KERNEL,
    TRAP_FROM_UACCESS,                  /* the kernel, copying to or from user memory */
};

/*
 * Upcalls: declared here, defined above arch.
 */

/* A system call with its arguments; interrupts on, off on return; tf->epc is past the ecall.
 * => the result goes to tf->a0. Changes to tf->s0..s11 are not seen by the user program (entry.S
 *    says why). */
void trap_syscall(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, struct trapframe *tf);

/* Any other exception; interrupts on when from user, off when from uaccess, off on return.
 * => from user: dealt with (resolved, or the process is on its way out): returns true.
 *    from uaccess (page faults on user addresses): true = try again, false = the copy fails. */
bool trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va, enum trap_from from);

/*
 * An interrupt: IRQ_SOFTWARE (cleared already), IRQ_TIMER (pending until the timer is set again) or
 * IRQ_EXTERNAL.
 * => interrupts off, from user or kernel
 */
void trap_interrupt(uint64_t irq, enum trap_from from);

/* The first C function of a new task; interrupts off. */
void task_first_run(void);

/* What a new task's context starts with, in ra; its sp must be the address of its frame.
 * => calls task_first_run(), then goes to user mode with the frame at the top of the stack. */
void trap_return_first(void);

/* Prepares this hart for traps: vector, interrupt enables, and no FP, vector or counters for users.
 * => interrupts stay off. SEIE is left to the interrupt controller's driver. Once per hart. */
void trap_init_hart(void);

#endif
