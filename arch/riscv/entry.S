/*
 * entry.S - into the kernel and out again.
 *
 * sscratch says where a trap comes from. While a user program runs it holds the address of the
 * trap frame at the top of the task's kernel stack; while the kernel runs it holds 0.
 * The kernel is part of every address space, so no page table is switched here.
 *
 * Read next: trap.c. Frame: struct trapframe in asm/trap.h. Register xn lies at TF_X(n).
 */
#include "asm/csr.h"
#include "asm/kstack.h"
#include "asm/offsets.h"

    .cfi_sections .debug_frame

/* Does `op` on each register of the list and its slot in the frame. */
.macro each op, regs:vararg
    .irp n, \regs
    \op x\n, TF_X(\n)(sp)
    .endr
.endm

#define CALLER_SAVED 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31
#define CALLEE_SAVED 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27

/* Tells gdb where the interrupted code's registers are: a backtrace goes on through the trap. */
.macro cfi_frame
    .cfi_signal_frame
    .cfi_return_column 64               /* the pc, which no numbered register holds */
    .cfi_def_cfa 2, 0
    .cfi_offset 64, TF_EPC
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .cfi_offset \n, TF_X(\n)
    .endr
.endm

    .text
    .balign 4                           /* stvec keeps its mode in the two lowest bits */
    .globl trap_entry
    .type trap_entry, @function
trap_entry:
    .cfi_startproc
    cfi_frame
    csrrw sp, sscratch, sp
    beqz sp, from_kernel

from_user:
    each sd, 1, 3, 4, CALLER_SAVED, CALLEE_SAVED
    csrrw t0, sscratch, zero            /* the user's sp; from now on a trap is the kernel's own */
    sd t0, TF_SP(sp)
    csrr t0, sepc
    csrr t1, scause
    ld tp, TF_CPU(sp)
    li t2, CAUSE_ECALL_USER
    bne t1, t2, other_trap

    addi t0, t0, 4                      /* go on after the ecall */
    sd t0, TF_EPC(sp)
    mv a4, sp                           /* a0..a3 are still the arguments */
    csrsi sstatus, SSTATUS_SIE
    call trap_syscall                   /* returns with interrupts off */

/*
 * C functions give s0..s11 back as they got them, so after a system call these hold the user's
 * values already. All else is loaded again, which also leaves nothing of the kernel in it.
 */
return_keep_s:
    sd tp, TF_CPU(sp)                   /* the task may have moved to another hart */
    ld t0, TF_EPC(sp)
    sc.d zero, t0, (sp)                 /* ends a reservation that another task's lr left */
    csrw sepc, t0
    li t0, SSTATUS_SPP | SSTATUS_FS | SSTATUS_VS | SSTATUS_SUM
    csrc sstatus, t0                    /* to U-mode, without floating point and vectors */
    csrw sscratch, sp
    each ld, 1, 3, 4, CALLER_SAVED
    ld sp, TF_SP(sp)
    sret

other_trap:
    sd t0, TF_EPC(sp)
    mv a0, sp
    call trap_from_user

return_to_user:
    each ld, CALLEE_SAVED
    j return_keep_s

/* A new task starts here: context_switch() returned to it with sp at its frame. */
    .globl trap_return_first
trap_return_first:
    call task_first_run
    j return_to_user
    .cfi_endproc
    .size trap_entry, . - trap_entry

/* The kernel itself trapped: an interrupt, a fault on user memory, or a bug. */
    .type from_kernel, @function
from_kernel:
    .cfi_startproc
    cfi_frame
    csrrw sp, sscratch, zero            /* its sp back, and 0 for a trap within this trap */
    addi sp, sp, -TF_SIZE

    /* Is the frame in the guard page? Storing there would trap for ever. sscratch lends a place. */
    csrw sscratch, t0
    srli t0, sp, 12
    andi t0, t0, (KSTACK_SLOT >> 12) - 1
    beqz t0, stack_overflow
    csrrw t0, sscratch, zero

    each sd, 1, 3, 4, CALLER_SAVED, CALLEE_SAVED
    addi t0, sp, TF_SIZE
    sd t0, TF_SP(sp)
    csrr t0, sepc
    sd t0, TF_EPC(sp)
    li t0, SSTATUS_SUM                  /* a handler must not inherit the right to user memory */
    csrrc t0, sstatus, t0
    sd t0, TF_STATUS(sp)
    mv a0, sp
    call trap_from_kernel

    /* Another trap, or another task, may have changed these since. */
    ld t0, TF_EPC(sp)
    sc.d zero, t0, (sp)                 /* ends a reservation, as above */
    csrw sepc, t0
    ld t0, TF_STATUS(sp)
    csrw sstatus, t0
    /* Not tp: an interrupted task may go on on another hart. */
    each ld, 1, 3, CALLER_SAVED, CALLEE_SAVED
    ld sp, TF_SP(sp)
    sret

/* No stack to save anything on: keep what names the culprit, and report on another stack. */
stack_overflow:
    csrw sscratch, zero
    addi a0, sp, TF_SIZE
    csrr a1, sepc
    mv a2, s0
    ld sp, CPU_EMERGENCY_SP(tp)
    call trap_stack_overflow
    .cfi_endproc
    .size from_kernel, . - from_kernel
