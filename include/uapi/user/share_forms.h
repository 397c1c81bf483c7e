/*
 * uapi/user/share_forms.h: the argument lists with which published programs share memory.
 *
 * A pid may be an int, a long or a uint64; a va may be a pointer of any type or a uint64.
 *
 *   map_shared_pages             told by              the mapping goes
 *   (src, dst, va, size)         the system call      from src to dst
 *   (dst, va, &out, size)        a pointer third      from the caller to dst; see map_to_variable()
 *   (va, size, src, dst)         a pointer first      from src to dst
 *   (va, size, src, &newsize)    a pointer last       from src; newsize: the caller's new break
 *   (src, va, size)              the pid's place: 0   from src ...
 *   (dst, va, size)                                   ... but to dst, if it is a child of the caller
 *   (va, src, size)              the pid's place: 1   from src
 *   (va, size, dst)              the pid's place: 2   to dst ...
 *   (va, size, src)                                   ... but from src, if it is the caller's parent
 *                                                     and va is a pointer
 *   (va, size)                   their number         from the caller's parent
 *
 *   unmap_shared_pages
 *   (va, size)                   the system call
 *   (pid, va, size)              their number         pid can only be the caller
 *
 * A process that is not named is the caller. Each returns the address in the destination, or (uint64)-1.
 *
 * The pid's place in a list of three. An int first, or a pointer second: 0. Otherwise any number
 * may be the pid. It is the one that names a process of the family; of two such, the one at the
 * usual place, which is 1 after a pointer and 2 after a uint64; and if neither is there, the one
 * that names the caller, its parent, its child, another, in this order. With no such number the
 * usual place counts.
 *
 * What stays ambiguous:
 *   - a size that is by chance the pid of a relative, and stands at the usual place:
 *     (pointer, size, pid) with such a size is taken as (pointer, pid, size);
 *   - (pointer, size, parent) in a child that means to lend its own memory to the parent, and
 *     (pid, va, size) in a parent that means to borrow from its child: parents lend. Say so with
 *     all four arguments, or with map_to() and map_from();
 *   - (pid, va, &out, size) with pid and va as uint64 is the system call if va is by chance a pid.
 *
 * Programs that declare the calls themselves, as published ones do:
 *   int map_shared_pages(void *addr, int size, int pid);
 *   void *map_shared_pages(int src_pid, int dst_pid, void *src_va, int size);
 *   void *map_shared_pages(void *src_va, int src_pid, int length);
 *   uint64 map_shared_pages(int src_pid, int dst_pid, uint64 src_va, uint64 size);
 *   int unmap_shared_pages(void *addr, int size);
 *   int unmap_shared_pages(int pid, void *addr, int size);
 * EXTRA leaves such lines out (tools/extra_cc.sh), since no C header can tell a declaration from a
 * call; a file under usr/ has to do so itself.
 *
 * Included by user/user.h. The functions: usr/lib/share.c. Tested by usr/tests/t_forms.c.
 */
#ifndef LAMINA_UAPI_SHARE_FORMS_H
#define LAMINA_UAPI_SHARE_FORMS_H

enum share_kind {
    SHARE_INT,
    SHARE_WIDE,
    SHARE_POINTER
};

#define SHARE_KIND(x)                         \
    _Generic((x), _Bool                       \
             : SHARE_INT, char                \
             : SHARE_INT, signed char         \
             : SHARE_INT, unsigned char       \
             : SHARE_INT, short               \
             : SHARE_INT, unsigned short      \
             : SHARE_INT, int                 \
             : SHARE_INT, unsigned int        \
             : SHARE_INT, long                \
             : SHARE_WIDE, unsigned long      \
             : SHARE_WIDE, long long          \
             : SHARE_WIDE, unsigned long long \
             : SHARE_WIDE, default            \
             : SHARE_POINTER)

/* Bytes to store where x points. */
#define SHARE_WIDTH(x) _Generic((x), int * : 4, unsigned int * : 4, default : 8)

/* Each number as the system call sees it; the kinds of the first two decide between the lists. */
uint64 map_two(uint64 va, uint64 size);
uint64 map_three(uint64 a, uint64 b, uint64 c, enum share_kind first, enum share_kind second);

/*
 * (dst, va, &out, size): the address goes to *out, and to the same variable of the destination,
 * too, if its value there is still 0: a child that was forked before waits for that.
 */
uint64 map_to_variable(uint64 dst, uint64 va, uint64 out, uint64 size);

/* (src, dst, va, size) if `second` is the pid of a process, else (dst, va, &out, size). */
uint64 map_to_either(uint64 first, uint64 second, uint64 third, uint64 size);

/* (va, size, src, &newsize), newsize having `width` bytes. */
uint64 map_and_tell_size(uint64 va, uint64 size, uint64 src, uint64 newsize, int width);

int unmap_of(int pid, user_address addr, uint64 size);

#define SHARE_FOURTH(a, b, c, d, ...)   d
#define SHARE_FIFTH(a, b, c, d, e, ...) e

#define SHARE_MAP_TWO(a, b) map_two((uint64)(a), (uint64)(b))

#define SHARE_MAP_THREE(a, b, c) \
    map_three((uint64)(a), (uint64)(b), (uint64)(c), SHARE_KIND(a), SHARE_KIND(b))

#define SHARE_IF(condition, yes, no) __builtin_choose_expr(condition, yes, no)

#define SHARE_MAP_FOUR(a, b, c, d)                                                                \
    SHARE_IF(                                                                                     \
        SHARE_KIND(d) == SHARE_POINTER,                                                           \
        map_and_tell_size((uint64)(a), (uint64)(b), (uint64)(c), (uint64)(d), SHARE_WIDTH(d)),    \
        SHARE_IF(                                                                                 \
            SHARE_KIND(a) == SHARE_POINTER,                                                       \
            (map_shared_pages)((int)(uint64)(c), (int)(uint64)(d), (uint64)(a), (uint64)(b)),     \
            SHARE_IF(SHARE_KIND(b) == SHARE_POINTER,                                              \
                     map_to_variable((uint64)(a), (uint64)(b), (uint64)(c), (uint64)(d)),         \
                     SHARE_IF(SHARE_KIND(b) == SHARE_WIDE && SHARE_KIND(c) == SHARE_POINTER,      \
                              map_to_either((uint64)(a), (uint64)(b), (uint64)(c), (uint64)(d)),  \
                              (map_shared_pages)((int)(uint64)(a), (int)(uint64)(b), (uint64)(c), \
                                                 (uint64)(d))))))

#define map_shared_pages(...) \
    SHARE_FIFTH(__VA_ARGS__, SHARE_MAP_FOUR, SHARE_MAP_THREE, SHARE_MAP_TWO, )(__VA_ARGS__)

#define unmap_shared_pages(...) \
    SHARE_FOURTH(__VA_ARGS__, unmap_of, (unmap_shared_pages), , )(__VA_ARGS__)

#endif
