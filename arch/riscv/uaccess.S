/*
 * The instructions that touch user memory. Contracts: asm/uaccess.h.
 *
 * Each function sets SUM at its start and clears it at its end. A fault in a block of words
 * goes to the loop of single words, a fault there to the loop of single bytes, and a fault there
 * ends the copy: so every byte before the one that cannot be reached has been copied.
 */
#include "asm/csr.h"
#include "extable.h"

    .cfi_sections .debug_frame
    .text

.macro copy_8_words at
    ld t0, \at+0(a1)
    ld t1, \at+8(a1)
    ld t2, \at+16(a1)
    ld t3, \at+24(a1)
    ld t4, \at+32(a1)
    ld t5, \at+40(a1)
    ld a3, \at+48(a1)
    ld a4, \at+56(a1)
    sd t0, \at+0(a0)
    sd t1, \at+8(a0)
    sd t2, \at+16(a0)
    sd t3, \at+24(a0)
    sd t4, \at+32(a0)
    sd t5, \at+40(a0)
    sd a3, \at+48(a0)
    sd a4, \at+56(a0)
.endm

/*
 * Body of both copies; which side is the user's makes no difference to the instructions.
 * a0 = to, a1 = from, a2 = bytes left; they are brought up to date after each unit only.
 */
.macro user_copy name
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
    li t6, SSTATUS_SUM
    csrs sstatus, t6
    xor t0, a0, a1
    andi t0, t0, 7
    bnez t0, 5f                         /* the sides never align together: bytes */
1:  andi t0, a0, 7                      /* bytes up to a word boundary */
    beqz t0, 2f
    beqz a2, 6f
    lbu t1, (a1)
    sb t1, (a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j 1b
2:  li t6, 512                          /* so long that the loop's own instructions hardly count */
    bltu a2, t6, 8f
3:  .irp at, 0, 64, 128, 192, 256, 320, 384, 448
    copy_8_words \at
    .endr
    addi a0, a0, 512
    addi a1, a1, 512
    addi a2, a2, -512
    bgeu a2, t6, 3b
8:  li t6, 64
    bltu a2, t6, 4f
9:  copy_8_words 0
    addi a0, a0, 64
    addi a1, a1, 64
    addi a2, a2, -64
    bgeu a2, t6, 9b
4:  li t6, 8
7:  bltu a2, t6, 5f
    ld t0, (a1)
    sd t0, (a0)
    addi a0, a0, 8
    addi a1, a1, 8
    addi a2, a2, -8
    j 7b
5:  beqz a2, 6f
    lbu t1, (a1)
    sb t1, (a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j 5b
6:  li t6, SSTATUS_SUM
    csrc sstatus, t6
    mv a0, a2
    ret
    extable 1b, 2b, 6b
    extable 3b, 8b, 4b
    extable 9b, 4b, 4b
    extable 7b, 5b, 5b
    extable 5b, 6b, 6b
    .cfi_endproc
    .size \name, . - \name
.endm

    user_copy arch_copy_to_user
    user_copy arch_copy_from_user

/* a0 = dst, a1 = user src, a2 = max */
    .globl arch_strncpy_from_user
    .type arch_strncpy_from_user, @function
arch_strncpy_from_user:
    .cfi_startproc
    li t6, SSTATUS_SUM
    csrs sstatus, t6
    li a3, 0
1:  beq a3, a2, 3f
    lbu t0, (a1)
2:  sb t0, (a0)
    beqz t0, 3f
    addi a0, a0, 1
    addi a1, a1, 1
    addi a3, a3, 1
    j 1b
3:  csrc sstatus, t6
    mv a0, a3
    ret
4:  li a3, -1
    j 3b
    extable 1b, 2b, 4b
    .cfi_endproc
    .size arch_strncpy_from_user, . - arch_strncpy_from_user
