/*
 * uapi/kernel/fcntl.h: flags of open(). Other bits are ignored.
 */
#ifndef LAMINA_UAPI_FCNTL_H
#define LAMINA_UAPI_FCNTL_H

#define O_RDONLY 0x000
#define O_WRONLY 0x001
#define O_RDWR   0x002
#define O_CREATE 0x200
#define O_TRUNC  0x400

/* MIT's mmap lab has PROT_ and MAP_ here. Programs get them; the kernel includes mman.h itself. */
#if __has_include("kernel/mman.h")
#include "kernel/mman.h"
#endif

#endif
