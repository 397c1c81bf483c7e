/*
 * uapi/stat.h: for programs that say "stat.h", as xv6's x86 edition does (see types.h).
 */
#include "kernel/stat.h"
