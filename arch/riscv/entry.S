/*
 * Into the kernel and out again.
 *
 * sscratch says where a trap comes from. While a user program runs it holds the address of the
 * trap frame at the top of the task's kernel stack; while the kernel runs it holds 0.
 * The kernel is part of every address space, so no page table is switched here.
 *
 * Read next: trap.c. Frame: struct trapframe in asm/trap.h. Register xn lies at TF_X(n).
 */
#include "asm/csr.h"
#include "asm/kstack.h"
#include "offsets.h"

    .cfi_sections .debug_frame

/* Does `op` on each register of the list and its slot in the frame. */
.macro each op, regs:vararg
    .irp n, \regs
    \op x\n, TF_X(\n)(sp)
    .endr
.endm

#define CALLER_SAVED 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31
#define CALLEE_SAVED 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27

/*
 * Tells gdb where the interrupted code's registers are, at every instruction: a backtrace goes on
 * through the trap. gdb knows a CSR by its number from 4096 on.
 */
#define GDB_PC          64              /* the pc, which no numbered register holds */
#define GDB_SSCRATCH    4416            /* 4096 + 0x140 */
#define GDB_SEPC        4417            /* 4096 + 0x141 */

/* All of them are where the interrupted code had them, and its pc is in sepc. */
.macro cfi_registers
    .cfi_def_cfa 2, 0
    .cfi_register GDB_PC, GDB_SEPC
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .cfi_same_value \n
    .endr
.endm

/* The same, but sp and sscratch have changed places. */
.macro cfi_registers_swapped
    cfi_registers
    .cfi_def_cfa GDB_SSCRATCH, 0
    .cfi_register 2, GDB_SSCRATCH
.endm

/*
 * All but the pc are in the frame that sp points to. Its end is what gdb knows this call by (the
 * CFA): its start is the same address that an interrupt here would find in sp.
 */
.macro cfi_frame
    .cfi_def_cfa 2, TF_SIZE
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .cfi_offset \n, TF_X(\n) - TF_SIZE
    .endr
.endm

/* Begins a piece of code that a trap has led to. */
.macro cfi_start
    .cfi_startproc
    .cfi_signal_frame
    .cfi_return_column GDB_PC
.endm

    .text
    .balign 4                           /* stvec keeps its mode in the two lowest bits */
    .globl trap_entry
    .type trap_entry, @function
trap_entry:
    cfi_start
    cfi_registers
    csrrw sp, sscratch, sp
    cfi_registers_swapped
    beqz sp, from_kernel

from_user:
    each sd, 1, 3, 4, CALLER_SAVED, CALLEE_SAVED
    csrrw t0, sscratch, zero            /* the user's sp; from now on a trap is the kernel's own */
    cfi_frame
    .cfi_register 2, 5
    sd t0, TF_SP(sp)
    .cfi_offset 2, TF_SP - TF_SIZE
    csrr t0, sepc
    csrr t1, scause
    ld tp, TF_CPU(sp)
    li t2, CAUSE_ECALL_USER
    bne t1, t2, other_trap

    addi t0, t0, 4                      /* go on after the ecall */
    .cfi_remember_state
    sd t0, TF_EPC(sp)
    .cfi_offset GDB_PC, TF_EPC - TF_SIZE
    mv a0, sp
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
    cfi_registers
    sret

other_trap:
    .cfi_restore_state
    sd t0, TF_EPC(sp)
    .cfi_offset GDB_PC, TF_EPC - TF_SIZE
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
    cfi_start
    cfi_registers_swapped
    csrrw sp, sscratch, zero            /* its sp back, and 0 for a trap within this trap */
    cfi_registers
    addi sp, sp, -TF_SIZE
    .cfi_def_cfa 2, TF_SIZE
    .cfi_escape 0x14, 2, 0              /* sp is the CFA; clang has no name for this rule */

    /* Is the frame in the guard page? Storing there would trap for ever. sscratch lends a place. */
    csrw sscratch, t0
    .cfi_register 5, GDB_SSCRATCH
    .cfi_remember_state
    srli t0, sp, 12
    andi t0, t0, (KSTACK_SLOT >> 12) - 1
    beqz t0, stack_overflow
    csrrw t0, sscratch, zero
    .cfi_same_value 5

    each sd, 1, 3, 4, CALLER_SAVED, CALLEE_SAVED
    .cfi_offset 5, TF_X(5) - TF_SIZE
    addi t0, sp, TF_SIZE
    sd t0, TF_SP(sp)
    cfi_frame
    csrr t0, sepc
    sd t0, TF_EPC(sp)
    .cfi_offset GDB_PC, TF_EPC - TF_SIZE
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
    .cfi_same_value 4
    ld sp, TF_SP(sp)
    cfi_registers
    sret

/* No stack to save anything on: keep what names the culprit, and report on another stack. */
stack_overflow:
    .cfi_restore_state
    csrw sscratch, zero
    .cfi_undefined 5
    /* s1, since the report preserves it: gdb finds the stack by it. */
    addi s1, sp, TF_SIZE
    .cfi_undefined 9
    .cfi_def_cfa 9, 0
    mv a0, s1
    .cfi_undefined 10
    csrr a1, sepc
    .cfi_undefined 11
    mv a2, s0
    .cfi_undefined 12
    ld sp, CPU_EMERGENCY_SP(tp)
    call trap_stack_overflow
    ebreak                              /* never: but gdb looks for the caller behind the call */
    .cfi_endproc
    .size from_kernel, . - from_kernel
