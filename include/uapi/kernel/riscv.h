/*
 * uapi/kernel/riscv.h: pages and the few machine facts that user programs need.
 *
 * The kernel has its own asm/page.h and asm/pte.h; it does not include this file.
 */
#ifndef LAMINA_UAPI_RISCV_H
#define LAMINA_UAPI_RISCV_H

#define PGSIZE  4096 /* bytes in a page */
#define PGSHIFT 12   /* bits of offset in a page */

#define PGROUNDUP(n)   (((n) + PGSIZE - 1) & ~(PGSIZE - 1))
#define PGROUNDDOWN(a) ((a) & ~(PGSIZE - 1))

#define PTE_V (1L << 0) /* valid */
#define PTE_R (1L << 1)
#define PTE_W (1L << 2)
#define PTE_X (1L << 3)
#define PTE_U (1L << 4) /* user mode may use it */
#define PTE_S (1L << 8) /* shared: the frame belongs to another process as well */

/* One past the highest user address: the lower half of Sv39. */
#define MAXVA (1L << 38)

#ifndef __ASSEMBLER__

/* The caller's stack pointer. */
static inline unsigned long r_sp(void)
{
    unsigned long value;

    __asm__ volatile("mv %0, sp" : "=r"(value));
    return value;
}

#endif
#endif
