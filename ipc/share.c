/*
 * Who may share memory with whom: share_pages() is the whole policy of map_shared_pages().
 *
 * The call holds both address spaces. So each process may exit or exec meanwhile, on any hart. If the
 * destination does, the new mapping goes when the call lets go of its address space; if the source
 * does, the mapping stays. Source: docs/sharing.md. Called by syscall/sysmm.c. Read next: mm/shared.c.
 */
#include "ipc/share.h"

#include "lib/annotate.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/shared.h"
#include "proc/proc.h"

uint64_t (*share_by_grant)(int owner, struct mm *src, vaddr_t va, uint64_t size);

__noinline long share_pages(int src_pid, int dst_pid, vaddr_t va, uint64_t size)
{
    struct mm *src, *dst, *mine;
    uint64_t address = 0;
    bool part;

    assert_can_sleep();
    if (proc_mm_hold(src_pid, &src))
        return -ESRCH;
    if (proc_mm_hold(dst_pid, &dst)) {
        mm_release(src);
        return -ESRCH;
    }
    mine = current()->mm;
    /* Only with memory of its own; and then, with any process that comes from the same exec by
     * forks alone. A stranger must have granted it, and gets nothing pushed into its own memory:
     * that would stay there as long as the stranger lives. */
    part = src == mine || dst == mine;
    if (part && src->family == dst->family)
        address = map_shared_pages(src, dst, va, size, LEND_FAMILY);
    else if (dst == mine && share_by_grant)
        address = share_by_grant(src_pid, src, va, size);
    mm_release(dst);
    mm_release(src);
    if (!part)
        return -EPERM;
    return address ? (long)address : -EINVAL;
}
