/*
 * From the firmware to C: the first instructions of every hart.
 *
 * The firmware enters in S-mode with paging off, a0 = the hart's number and a1 = the device tree
 * (boot hart) or a struct cpu (harts started by hart_start()). The code is linked for the high
 * half but runs at its physical address until enable_paging; `la` is relative to the pc, so it
 * gives physical addresses before that point and virtual ones after it.
 */
#include "asm/csr.h"
#include "asm/kstack.h"
#include "offsets.h"
#include "asm/page.h"

#define BOOT_LEAF       0xc7            /* V R W, and A D so that the hart need not set them */
#define LEAF_EXEC       0x08
#define GIB_IN_PTE      (1 << 28)       /* 1 GiB, as the PPN field counts */
#define HIGH_HALF       256             /* index of KERNEL_OFFSET in the root */
#define ROOT_ENTRIES    512
#define SBI_LEGACY_PUTCHAR  1
#define SBI_LEGACY_SHUTDOWN 8

    .cfi_sections .debug_frame

/* Nobody called what stands here: a backtrace ends. */
.macro cfi_start
    .cfi_startproc
    .cfi_undefined 1
.endm

    .section .text.head, "ax"
    .globl _start
    .type _start, @function
_start:
    cfi_start
    csrw sie, zero
    /* Firmware without hart control starts all harts here: one boots, the others sleep. */
    la t0, boot_taken
    li t1, 1
    amoadd.w t1, t1, (t0)
    bnez t1, park

    la t0, __bss_start
    la t1, __bss_end
1:  bgeu t0, t1, 2f
    sd zero, (t0)
    addi t0, t0, 8
    j 1b
2:
    /* The boot table: all of the linear map as 1 GiB leaves. mm replaces it by a strict one. */
    la t0, boot_root
    addi t1, t0, HIGH_HALF * 4          /* twice: an addi reaches 2047 only */
    addi t1, t1, HIGH_HALF * 4
    li t2, BOOT_LEAF
    li t3, GIB_IN_PTE
    li t4, ROOT_ENTRIES - HIGH_HALF
3:  sd t2, (t1)
    add t2, t2, t3
    addi t1, t1, 8
    addi t4, t4, -1
    bnez t4, 3b

    /* Only the GiB that the image lies in may be executed. */
    la t1, _start
    srli t1, t1, 30
    addi t1, t1, HIGH_HALF
    slli t1, t1, 3
    add t1, t1, t0
    ld t2, (t1)
    ori t2, t2, LEAF_EXEC
    sd t2, (t1)

    srli t0, t0, PAGE_SHIFT
    li t1, SATP_SV39
    or a2, t0, t1
    la t0, mmu_kernel_satp
    sd a2, (t0)
    call enable_paging
    csrr t0, satp
    beqz t0, no_paging

    la tp, cpus
    la sp, __stacks_start
    li t0, KSTACK_SLOT
    add sp, sp, t0
    li s0, 0                            /* ends every backtrace */
    call kernel_main                    /* (hart number, physical address of the device tree) */
park:
    wfi
    j park
    .cfi_endproc
    .size _start, . - _start

/* No C runs without paging. A line by the firmware's oldest console call, then power off. */
no_paging:
    la s0, no_paging_line
1:  lbu a0, (s0)
    beqz a0, 2f
    li a7, SBI_LEGACY_PUTCHAR
    ecall
    addi s0, s0, 1
    j 1b
2:  li a7, SBI_LEGACY_SHUTDOWN
    ecall
    j park

    .globl secondary_start
    .type secondary_start, @function
secondary_start:
    cfi_start
    csrw sie, zero
    la t0, mmu_kernel_satp
    ld a2, (t0)
    call enable_paging
    csrr t0, satp
    beqz t0, park                       /* the boot hart prints that this one does not come */

    mv tp, a1
    lwu t0, CPU_ID(tp)
    addi t0, t0, 1
    slli t0, t0, KSTACK_SLOT_SHIFT
    la sp, __stacks_start
    add sp, sp, t0
    li s0, 0
    mv a0, tp
    call secondary_main
    j park
    .cfi_endproc
    .size secondary_start, . - secondary_start

/*
 * Loads satp from a2 and returns to the caller's address in the high half.
 *
 * No table maps the low addresses that the hart fetches from, so the fetch after csrw faults. The
 * trap vector already says where in the high half to go on: the fault is the jump. On a hart that
 * cannot page, satp stays 0, nothing faults, and the return is to the caller's physical address.
 */
enable_paging:
    li t0, KERNEL_OFFSET
    add ra, ra, t0
    la t1, 1f
    add t1, t1, t0
    csrw stvec, t1
    sfence.vma
    csrw satp, a2
    .balign 4
1:  la t0, park_trap                    /* until trap_init_hart(), nothing may trap again */
    csrw stvec, t0
    sfence.vma
    csrr t0, satp
    bnez t0, 2f
    li t0, KERNEL_OFFSET
    sub ra, ra, t0
2:  ret

    .balign 4
park_trap:
    wfi
    j park_trap

    .section .rodata
no_paging_line:
    .asciz "\nLamina: this hart has no Sv39 paging; choose a CPU that has an MMU\n"

    .section .data
    .balign 4
boot_taken:
    .word 0

    .section .bss
    .balign (1 << PAGE_SHIFT)
boot_root:
    .space (1 << PAGE_SHIFT)

/* All kernel stacks; asm/kstack.h draws a slot. Not cleared, not in the file. */
    .section .stacks, "aw", @nobits
    .balign KSTACK_SLOT
    .space KSTACK_SLOTS * KSTACK_SLOT
