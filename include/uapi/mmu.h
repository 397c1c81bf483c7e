/*
 * uapi/mmu.h: for programs of xv6's x86 edition: PGSIZE and its rounding (see types.h).
 */
#include "kernel/riscv.h"
