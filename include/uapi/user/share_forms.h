/*
 * uapi/user/share_forms.h: the other argument lists that published programs call sharing with.
 *
 *   map_shared_pages(src_pid, dst_pid, va, size)    ours: the system call
 *   map_shared_pages(src_pid, va, size)             the caller is the destination
 *   map_shared_pages(va, src_pid, size)             the same, va being a pointer
 *   map_shared_pages(va, size, dst_pid)             the caller is the source, va being a uint64
 *   unmap_shared_pages(addr, size)                  ours: the system call
 *   unmap_shared_pages(pid, addr, size)             pid can only be the caller
 *
 * Chosen by the number of arguments and the type of the first. Included by user/user.h. Tested by
 * usr/tests/t_shared.c.
 */
#ifndef LAMINA_UAPI_SHARE_FORMS_H
#define LAMINA_UAPI_SHARE_FORMS_H

uint64 map_pointer_from(user_address va, int src_pid, uint64 size);
uint64 map_number_to(user_address va, uint64 size, int dst_pid);
int unmap_of(int pid, user_address addr, uint64 size);

#define SHARE_FOURTH(a, b, c, d, ...) d
#define SHARE_FIFTH(a, b, c, d, e, ...) e

#define SHARE_MAP_OF_THREE(a, b, c)      \
    _Generic((a),                        \
        int: map_from,                   \
        long: map_number_to,             \
        uint64: map_number_to,           \
        default: map_pointer_from)(a, b, c)

#define map_shared_pages(...) \
    SHARE_FIFTH(__VA_ARGS__, (map_shared_pages), SHARE_MAP_OF_THREE, , )(__VA_ARGS__)

#define unmap_shared_pages(...) \
    SHARE_FOURTH(__VA_ARGS__, unmap_of, (unmap_shared_pages), , )(__VA_ARGS__)

#endif
