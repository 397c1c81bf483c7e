/*
 * A false ASSERT is a bug of the kernel, never something a user program can cause.
 *
 * ASSERT is in every build; CHECK_ASSERT, for costly conditions, only in the checking build.
 */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

#include "lib/annotate.h"

#define static_assert _Static_assert

/* Panics, naming the condition and its place. Out of line to keep the test itself two instructions. */
__noreturn void assert_failed(const char *cond, const char *file, int line);

#define ASSERT(cond)                                  \
    do {                                              \
        if (unlikely(!(cond)))                        \
            assert_failed(#cond, __FILE__, __LINE__); \
    } while (0)

#ifdef LAMINA_CHECK
#define CHECK_ASSERT(cond) ASSERT(cond)
#else
#define CHECK_ASSERT(cond) ((void)sizeof(!(cond)))
#endif

#endif
