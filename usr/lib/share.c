/*
 * usr/lib/share.c: the three-argument forms of sharing, and the size of the caller.
 * Contracts: include/uapi/user/user.h.
 */
#include "kernel/types.h"
#include "user/user.h"

int
memsize(void)
{
    return (int)(uint64)sbrk(0);
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
