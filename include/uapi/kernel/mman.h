/*
 * uapi/kernel/mman.h: numbers of mmap, mprotect and msync. They are Linux's.
 *
 * PROT_ is for programs only: the kernel has the same names and numbers in mm/mm.h.
 */
#ifndef LAMINA_UAPI_MMAN_H
#define LAMINA_UAPI_MMAN_H

#if __has_include("kernel/mman.h")
#define PROT_NONE  0x0
#define PROT_READ  0x1
#define PROT_WRITE 0x2
#define PROT_EXEC  0x4
#define PROT_RWX   0x7 /* memory is both writable and executable only where a program asks for it */
#endif

#define MAP_SHARED          0x01     /* stores are seen by all who map it, and reach the file */
#define MAP_PRIVATE         0x02     /* stores are this process' own */
#define MAP_FIXED           0x10     /* exactly at addr, in place of what mmap mapped there */
#define MAP_ANONYMOUS       0x20     /* zeroed memory, no file */
#define MAP_FIXED_NOREPLACE 0x100000 /* exactly at addr, or fail */

#ifndef MAP_ANON
#define MAP_ANON MAP_ANONYMOUS
#endif

/* msync: it always writes back before it returns, so the three mean the same. */
#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4

#endif
