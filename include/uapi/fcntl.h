/*
 * uapi/fcntl.h: for programs that say "fcntl.h", as xv6's x86 edition does (see types.h).
 */
#include "kernel/fcntl.h"
