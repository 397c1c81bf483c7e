/*
 * usr/lib/mman.c: the mmap family. The kernel returns -errno for these; here it becomes errno.
 * Contracts: include/uapi/user/mman.h. Read next: syscall/ext/sysmmap.c.
 */
#include "kernel/types.h"
#include "user/user.h"

#undef mmap

#define ERRNO_MAX 4095 /* results -1 .. -ERRNO_MAX are errors */

long sys_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
long sys_munmap(void *addr, size_t length);
long sys_msync(void *addr, size_t length, int flags);
long sys_mprotect(void *addr, size_t length, int prot);

static long result(long value)
{
    if (value >= 0 || value < -ERRNO_MAX)
        return value;
    errno = (int)-value;
    return -1;
}

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    return (void *)result(sys_mmap(addr, length, prot, flags, fd, offset));
}

void *map_memory(void *addr, size_t length)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (addr != 0 ? MAP_FIXED_NOREPLACE : 0);

    return mmap(addr, length, PROT_READ | PROT_WRITE, flags, -1, 0);
}

int munmap(void *addr, size_t length)
{
    return (int)result(sys_munmap(addr, length));
}

int msync(void *addr, size_t length, int flags)
{
    return (int)result(sys_msync(addr, length, flags));
}

int mprotect(void *addr, size_t length, int prot)
{
    return (int)result(sys_mprotect(addr, length, prot));
}
