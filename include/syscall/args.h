/*
 * Arguments that lie in user memory.
 */
#ifndef SYSCALL_ARGS_H
#define SYSCALL_ARGS_H

#include "mm/uaccess.h"
#include "uapi/kernel/param.h"

/*
 * Fetch a path name, once, into the kernel.
 * => 0; -EFAULT; -ENAMETOOLONG for more than 127 bytes. Source: docs/xv6-abi.md 2.
 */
static inline int fetch_path(char path[MAXPATH], vaddr_t from)
{
    long n = strncpy_from_user(path, from, MAXPATH);

    return n < 0 ? (int)n : 0;
}

#endif
