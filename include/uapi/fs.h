/*
 * uapi/fs.h: for programs that say "fs.h", as xv6's x86 edition does (see types.h).
 */
#include "kernel/fs.h"
