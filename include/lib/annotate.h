/*
 * annotate.h - words that say to a tool what a comment says to a reader.
 *
 * clang checks the lock words (-Wthread-safety), sparse checks __user; for gcc they all vanish.
 */
/*
 * Marks on fields: what guards a field stands first in its comment.
 *
 *   [I]          nothing: it is set while the object is made, and never changed afterwards
 *   [a]          itself: it is read and changed by atomic operations only
 *   [lock]       the object's own lock, its field `lock` or `guard`
 *   [self]       only the hart, task or process that it belongs to touches it
 *   [holder]     whoever holds the object alone at the moment
 *   [mm->lock]   that lock of another object; [run queue], [tree] and their like are locks that a
 *                comment of the header names
 *
 * A struct none of whose fields has a mark is a value: it is handed around or lies on a stack, and
 * nobody shares it.
 */
#ifndef LIB_ANNOTATE_H
#define LIB_ANNOTATE_H

#if defined(__clang__) && defined(LAMINA_LINT)
#define __lockable          __attribute__((capability("spinlock")))
#define __must_hold(...)    __attribute__((requires_capability(__VA_ARGS__)))
#define __must_not_hold(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define __acquires(...)     __attribute__((acquire_capability(__VA_ARGS__)))
#define __releases(...)     __attribute__((release_capability(__VA_ARGS__)))
#define __acquires_if(...)  __attribute__((try_acquire_capability(__VA_ARGS__))) /* (result, lock) */
#define __no_lock_analysis  __attribute__((no_thread_safety_analysis))
#else
#define __lockable
#define __must_hold(...)
#define __must_not_hold(...)
#define __acquires(...)
#define __releases(...)
#define __acquires_if(...)
#define __no_lock_analysis
#endif

#ifdef __CHECKER__
#define __user              __attribute__((noderef, address_space(1)))
#else
#define __user
#endif

#define __noreturn          __attribute__((noreturn))
#define __noinline          __attribute__((noinline))
/* A step of a documented flow (docs/flows): kept whole, so that a breakpoint on it fires. */
#define __flow              __attribute__((noinline))
#define __unused            __attribute__((unused))
#define __packed            __attribute__((packed))
#define __aligned(n)        __attribute__((aligned(n)))
#define __section(name)     __attribute__((section(name)))
#define __printf_like(f, a) __attribute__((format(printf, f, a)))
#define __must_check        __attribute__((warn_unused_result))

#define likely(x)           __builtin_expect(!!(x), 1)
#define unlikely(x)         __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a)        (sizeof(a) / sizeof((a)[0]))

#endif
