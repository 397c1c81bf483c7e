/*
 * uapi/types.h: for programs of xv6's x86 edition, which the courses of 003 and 004 use.
 *
 * They say "types.h", "stat.h" and "user.h", and call printf(fd, ...), exit() and wait(). All of
 * xv6's calls have another form here, so this header brings the library along and, after it, the
 * macros that give those calls the x86 edition's argument lists. What RISC-V programs pass works
 * as well.
 */
#ifndef LAMINA_UAPI_X86_TYPES_H
#define LAMINA_UAPI_X86_TYPES_H

#include "kernel/types.h"
#include "user/user.h"

/* exit() leaves with status 0; wait() wants no status. */
#define exit(...) (exit)(__VA_ARGS__ + 0)
#define wait(...) (wait)((int *)(__VA_ARGS__ + 0))

/* printf(1, "x") writes to a descriptor; printf("x") is ours. */
#define printf(first, ...) \
    _Generic((first), int : fprintf, default : (printf))(first, ##__VA_ARGS__)

#endif
