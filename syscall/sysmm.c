/*
 * System calls of memory: decoding, and who may share with whom. Meanings: mm/mm.h, mm/shared.h.
 *
 * Owns nothing. The address spaces of two processes are held while they are worked on, so each
 * process may exit or exec meanwhile, on any hart: a mapping into memory that its owner has left
 * behind goes away with it. Called by syscall/dispatch.c. Read next: mm/shared.c.
 */
#include "ipc/grant.h"
#include "lib/annotate.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/shared.h"
#include "proc/proc.h"
#include "syscall/syscall.h"

/* Lazy only for exactly 2: programs of 2022 leave anything in a1 (docs/xv6-abi.md 4). */
#define SBRK_LAZY_FLAG 2

long sys_sbrk(uint64_t n, uint64_t flag, uint64_t a2, uint64_t a3)
{
    enum brk_mode mode = flag == SBRK_LAZY_FLAG ? BRK_LAZY : BRK_EAGER;
    vaddr_t old;
    int err = mm_sbrk(current()->mm, (int)n, mode, &old);

    return err ? err : (long)old;
}

/*
 * Share between two held address spaces, if the caller may: it is one of the two, and they come
 * from one exec by forks alone, or src has granted it (docs/sharing.md). => the address in dst, or
 * -errno.
 */
static long share(int src_pid, struct mm *src, struct mm *dst, vaddr_t va, uint64_t size)
{
    const struct mm *mine = current()->mm;
    uint64_t address;

    if (src != mine && dst != mine)
        return -EPERM;
    if (src->family == dst->family)
        address = map_shared_pages(src, dst, va, size, LEND_FAMILY);
    else
        address = dst == mine ? grant_map(src_pid, src, va, size) : 0;
    return address ? (long)address : -EINVAL;
}

__noinline long sys_map_shared_pages(uint64_t src_pid, uint64_t dst_pid, uint64_t va, uint64_t size)
{
    struct mm *src, *dst;
    long result = proc_mm_hold((int)src_pid, &src);

    if (result)
        return result;
    result = proc_mm_hold((int)dst_pid, &dst);
    if (!result) {
        result = share((int)src_pid, src, dst, va, size);
        mm_release(dst);
    }
    mm_release(src);
    return result;
}

__noinline long sys_unmap_shared_pages(uint64_t addr, uint64_t size, uint64_t a2, uint64_t a3)
{
    return (long)unmap_shared_pages(current()->mm, addr, size);
}
