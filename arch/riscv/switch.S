/*
 * From one kernel stack to another: context_switch(from, to).
 *
 * To its caller it is a function that returns late; so only ra, sp and the registers that a
 * function must preserve are exchanged. While they are loaded gdb is told of the new task's, all of
 * which lie in `to`: no instruction shows a mixture of two stacks.
 */
#include "offsets.h"

    .cfi_sections .debug_frame
    .text
    .globl context_switch
    .type context_switch, @function
context_switch:
    .cfi_startproc
    sd ra, CTX_RA(a0)
    sd sp, CTX_SP(a0)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, CTX_S(\n)(a0)
    .endr
    .cfi_def_cfa 11, 0                  /* a1, and the registers by their numbers */
    .cfi_offset 1, CTX_RA
    .cfi_offset 2, CTX_SP
    .cfi_offset 8, CTX_S(0)
    .cfi_offset 9, CTX_S(1)
    .irp n, 2,3,4,5,6,7,8,9,10,11
    .cfi_offset 16 + \n, CTX_S(\n)
    .endr
    ld ra, CTX_RA(a1)
    ld sp, CTX_SP(a1)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, CTX_S(\n)(a1)
    .endr
    .cfi_def_cfa 2, 0
    .irp n, 1,2,8,9,18,19,20,21,22,23,24,25,26,27
    .cfi_same_value \n
    .endr
    ret
    .cfi_endproc
    .size context_switch, . - context_switch
