/*
 * uapi/kernel/param.h: limits that programs see, with the values baked into xv6's binaries.
 */
#ifndef LAMINA_UAPI_PARAM_H
#define LAMINA_UAPI_PARAM_H

#define NPROC       64   /* processes, all states */
#define NCPU        8    /* harts used */
#define NOFILE      16   /* descriptors per process */
#define NFILE       100  /* open files in the whole system */
#define NINODE      50   /* xv6's in-memory inodes: a test bakes it in, Lamina has no such limit */
#define NDEV        10   /* device major numbers: 0 .. NDEV-1 */
#define ROOTDEV     1    /* st_dev of every file */
#define MAXARG      32   /* argv entries, the closing 0 included */
#define MAXPATH     128  /* path bytes, NUL included */
#define MAXOPBLOCKS 10   /* blocks one file-system operation may log */
#define LOGSIZE     30   /* blocks in a log header (name of the 2022 tree) */
#define LOGBLOCKS   30   /* the same (name of the 2025 tree) */
#define NBUF        30   /* xv6's block cache; Lamina's grows with memory */
#define FSSIZE      2000 /* blocks in a default image */
#define USERSTACK   1    /* stack pages of a program */

#endif
