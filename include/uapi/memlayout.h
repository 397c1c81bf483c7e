/*
 * uapi/memlayout.h: for programs that say "memlayout.h", as xv6's x86 edition does (see types.h).
 */
#include "kernel/memlayout.h"
