/*
 * The system calls: their names, and what all of them share.
 *
 * Each is a function of the six argument registers that returns its result, or -errno. An argument
 * that is an int to programs is the low half of its register: (int)a[0]. An address is all of it,
 * and is never followed but through mm/uaccess.h. A comment says how programs declare the call.
 */
#ifndef SYSCALL_H
#define SYSCALL_H

#include <stdint.h>

#include "mm/uaccess.h"
#include "uapi/kernel/param.h"

/* By name: fork has the number SYS_fork (uapi/kernel/syscall.h) and the function sys_fork(). */
#define SYSCALLS(call)                                                                             \
    /* sysproc.c */                                                                                \
    call(fork) call(exit) call(wait) call(kill) call(exec) call(getpid) call(sleep)                \
        call(uptime) /* sysfile.c */                                                               \
        call(pipe) call(read) call(write) call(fsync) call(fstat) call(dup) call(close) call(open) \
            call(chdir) call(mknod) call(unlink) call(link) call(mkdir) /* sysmm.c */              \
        call(sbrk) call(map_shared_pages) call(unmap_shared_pages)      /* ext/sysmmap.c */        \
        call(mmap) call(munmap) call(msync) call(mprotect)              /* ext/sysipc.c */         \
        call(crypto_op) call(crypto_wait) call(take_shared_memory_request)                         \
            call(remove_shared_memory_request) call(service_start) call(service_wait)              \
                call(shm_attach) call(shm_detach) call(share_grant)                                \
                    call(share_revoke) /* ext/syslamina.c */                                       \
        call(poweroff) call(reboot) call(sync) call(meminfo) call(procinfo) call(audit)            \
            call(ktime) call(kernel_log) call(irq_latency) call(getppid) call(console_keys)

typedef long (*syscall_fn)(const uint64_t a[6]);

#define SYSCALL_DECLARE(name) long sys_##name(const uint64_t a[6]);
SYSCALLS(SYSCALL_DECLARE)

/*
 * Fetches a path name, once, into the kernel.
 * => 0; -EFAULT; -ENAMETOOLONG for more than 127 bytes. Source: docs/xv6-abi.md 2.
 */
static inline int fetch_path(char path[MAXPATH], vaddr_t from)
{
    long n = strncpy_from_user(path, from, MAXPATH);

    return n < 0 ? (int)n : 0;
}

#endif
