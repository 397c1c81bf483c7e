/*
 * uapi/kernel/memlayout.h: xv6's address macros, for the tests that poke at them.
 *
 * In Lamina nothing lives at these user addresses. KERNBASE is an ordinary user address, mapped
 * only if a process grew that far; TRAPFRAME is the highest legal break, and the two pages from
 * there to MAXVA are never mapped. Needs MAXVA and PGSIZE from riscv.h by the time of use.
 */
#ifndef LAMINA_UAPI_MEMLAYOUT_H
#define LAMINA_UAPI_MEMLAYOUT_H

#define KERNBASE 0x80000000L
#define PHYSTOP  (KERNBASE + 128 * 1024 * 1024) /* the end of RAM in xv6; here the machine says */

#define TRAMPOLINE (MAXVA - PGSIZE)
#define TRAPFRAME  (TRAMPOLINE - PGSIZE)

#endif
