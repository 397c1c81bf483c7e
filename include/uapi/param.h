/*
 * uapi/param.h: for programs that say "param.h", as xv6's x86 edition does (see types.h).
 */
#include "kernel/param.h"
