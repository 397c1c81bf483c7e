/*
 * switch.S - context_switch(from, to): from one kernel stack to another.
 *
 * To its caller it is a function that returns late; so only ra, sp and the registers that a
 * function must preserve are exchanged.
 */
#include "asm/offsets.h"

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
    ld ra, CTX_RA(a1)
    ld sp, CTX_SP(a1)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, CTX_S(\n)(a1)
    .endr
    ret
    .cfi_endproc
    .size context_switch, . - context_switch
