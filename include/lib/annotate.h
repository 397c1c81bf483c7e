/*
 * Words that say to a tool what a comment says to a reader: clang checks those of locks
 * (-Wthread-safety), and for gcc they vanish.
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
#define __lockable         __attribute__((capability("spinlock")))
#define __must_hold(...)   __attribute__((requires_capability(__VA_ARGS__)))
#define __acquires(...)    __attribute__((acquire_capability(__VA_ARGS__)))
#define __releases(...)    __attribute__((release_capability(__VA_ARGS__)))
#define __acquires_if(...) __attribute__((try_acquire_capability(__VA_ARGS__))) /* (result, lock) */
#define __no_lock_analysis __attribute__((no_thread_safety_analysis))
#else
#define __lockable
#define __must_hold(...)
#define __acquires(...)
#define __releases(...)
#define __acquires_if(...)
#define __no_lock_analysis
#endif

#define __noreturn __attribute__((noreturn))
/* Kept whole: a cold part, or a step of a documented flow (docs/flows), for breakpoints. */
#define __noinline          __attribute__((noinline))
#define __aligned(n)        __attribute__((aligned(n)))
#define __printf_like(f, a) __attribute__((format(printf, f, a)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
