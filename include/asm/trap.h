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
    uint64_t status; /* sstatus; kept for traps from the kernel only */
    struct cpu *cpu; /* traps from user: the hart, for the kernel's tp */
};

enum trap_from {
    TRAP_FROM_USER,
    TRAP_FROM_KERNEL,
    TRAP_FROM_UACCESS, /* the kernel, copying to or from user memory */
};

/*
 * Upcalls of a trap: declared here, defined above arch.
 */

/*
 * A system call, its arguments in tf->a0..a5; tf->epc is past the ecall. The result goes to tf->a0. The
 * program does not see changes to tf->s0..s11 (entry.S says why).
 * => interrupts on, off on return
 */
void trap_syscall(struct trapframe *tf);

/*
 * Any other exception from user mode, or a page fault of uaccess on a user address.
 * => interrupts on when from user, off when from uaccess, off on return
 * => from user: true, it is dealt with; from uaccess: true = try again, false = the copy fails
 */
bool trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va, enum trap_from from);

/*
 * An interrupt: IRQ_SOFTWARE (cleared already), IRQ_TIMER (pending until the timer is set again) or
 * IRQ_EXTERNAL.
 * => interrupts off, from user or kernel
 */
void trap_interrupt(uint64_t irq, enum trap_from from);

/* The first C function of a new task; interrupts off. */
void task_first_run(void);

/*
 * Upcalls of boot, from head.S, defined in init/main.c. Paging is on, by the boot table or by mm's;
 * interrupts are off; the stack is the hart's own slot. They do not return.
 */

/* The boot hart; tp is &cpus[0], which is all zero; dtb is the device tree's address. */
void kernel_main(uint64_t hartid, paddr_t dtb);

/* A hart started by hart_start(). */
void secondary_main(struct cpu *c);

/*
 * What a new task's context starts with, in ra; its sp must be the address of its frame. Calls
 * task_first_run(), then goes to user mode with the frame at the top of the stack.
 */
void trap_return_first(void);

/*
 * Prepares this hart for traps: vector, interrupt enables, and no FP or vectors for users.
 * => interrupts stay off. SEIE is left to the interrupt controller's driver. Once per hart.
 */
void trap_init_hart(void);

/*
 * Prints the return addresses from the caller's frame on, or from where backtrace_from() said.
 * => reads nothing outside the stack it starts in; panic()'s hook
 */
void backtrace_print(void);

/* Makes the panic to come show the code at pc with frame pointer fp, not the code that reports. */
void backtrace_from(uint64_t pc, uint64_t fp);

/* As backtrace_from(), with all registers printed, too; tf must stay until the panic. */
void backtrace_from_frame(const struct trapframe *tf);

#endif
