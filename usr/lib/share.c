/*
 * usr/lib/share.c: the three-argument forms of sharing, and the size of the caller.
 * Contracts: include/uapi/user/user.h, include/uapi/user/share_forms.h.
 */
#include "kernel/types.h"
#include "user/user.h"

int
memsize(void)
{
    return (int)(uint64)sbrk(0);
}

int
getprocsize(void)
{
    return memsize();
}

uint64
map_from(int pid, user_address va, uint64 size)
{
    return map_shared_pages(pid, getpid(), va, size);
}

uint64
map_to(int pid, user_address va, uint64 size)
{
    return map_shared_pages(getpid(), pid, va, size);
}

uint64
map_pointer_from(user_address va, int src_pid, uint64 size)
{
    return map_from(src_pid, va, size);
}

uint64
map_number_to(user_address va, uint64 size, int dst_pid)
{
    return map_to(dst_pid, va, size);
}

int
unmap_of(int pid, user_address addr, uint64 size)
{
    return pid == getpid() ? unmap_shared_pages(addr, size) : -1;
}
