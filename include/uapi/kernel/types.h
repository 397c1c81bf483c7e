/*
 * uapi/kernel/types.h: the short integer names that xv6's programs use. Include it first.
 */
#ifndef LAMINA_UAPI_TYPES_H
#define LAMINA_UAPI_TYPES_H

#ifndef __ASSEMBLER__

typedef unsigned int uint;
typedef unsigned short ushort;
typedef unsigned char uchar;

typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef unsigned long uint64;

typedef uint64 pde_t;

typedef unsigned long size_t;
typedef long off_t;

#endif
#endif
