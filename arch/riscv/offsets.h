/*
 * Where assembly finds the fields of C structs; arch/riscv/cpu.c asserts every one.
 */
#ifndef ASM_OFFSETS_H
#define ASM_OFFSETS_H

/* struct trapframe */
#define TF_EPC    0
#define TF_X(n)   ((n)*8) /* register xn, n > 0 */
#define TF_SP     TF_X(2)
#define TF_STATUS 256
#define TF_CPU    264
#define TF_SIZE   272 /* a multiple of 16, as the stack pointer is */

/* struct cpu */
#define CPU_CURRENT      0
#define CPU_EMERGENCY_SP 8
#define CPU_ID           24

/* struct context */
#define CTX_RA   0
#define CTX_SP   8
#define CTX_S(n) (16 + (n)*8)

#endif
