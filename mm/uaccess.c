/*
 * Copies to and from the running program's memory: the range check, then the machine.
 *
 * The instructions are in arch/riscv/uaccess.S; a fault there comes back through mm_fault(), so that
 * kernel and program meet the same pages, permissions and copies on write. Read next: mm/fault.c.
 */
#include "mm/uaccess.h"

#include "asm/uaccess.h"
#include "lib/errno.h"

size_t copy_to_user_partial(vaddr_t to, const void *from, size_t n)
{
    return range_fits(to, n, USER_TOP) ? n - arch_copy_to_user(to, from, n) : 0;
}

size_t copy_from_user_partial(void *to, vaddr_t from, size_t n)
{
    return range_fits(from, n, USER_TOP) ? n - arch_copy_from_user(to, from, n) : 0;
}

int copy_to_user(vaddr_t to, const void *from, size_t n)
{
    return copy_to_user_partial(to, from, n) == n ? 0 : -EFAULT;
}

int copy_from_user(void *to, vaddr_t from, size_t n)
{
    return copy_from_user_partial(to, from, n) == n ? 0 : -EFAULT;
}

long strncpy_from_user(char *dst, vaddr_t src, size_t size)
{
    size_t max = size;
    long len;

    if (src >= USER_TOP)
        return -EFAULT;
    if (max > USER_TOP - src)
        max = USER_TOP - src;
    len = arch_strncpy_from_user(dst, src, max);
    if (len < 0)
        return -EFAULT;
    if ((size_t)len == max)
        return max < size ? -EFAULT : -ENAMETOOLONG;
    return len;
}
