/*
 * System calls of memory: decoding only. Meanings: mm/mm.h, ipc/share.h, mm/shared.h.
 *
 * Called by syscall/dispatch.c. Read next: ipc/share.c.
 */
#include "ipc/share.h"
#include "mm/mm.h"
#include "mm/shared.h"
#include "sched/task.h"
#include "syscall.h"

/* Lazy only for exactly 2: programs of 2022 leave anything in a1 (docs/xv6-abi.md 4). */
#define SBRK_LAZY_FLAG 2

/* char *sbrk(int n); char *sys_sbrk(int n, int how) */
long sys_sbrk(const uint64_t a[6])
{
    enum brk_mode mode = a[1] == SBRK_LAZY_FLAG ? BRK_LAZY : BRK_EAGER;
    vaddr_t old;
    int err = mm_sbrk(current()->mm, (int)a[0], mode, &old);

    return err ? err : (long)old;
}

/* uint64 map_shared_pages(int src_pid, int dst_pid, uint64 va, uint64 size) */
long sys_map_shared_pages(const uint64_t a[6])
{
    return share_pages((int)a[0], (int)a[1], a[2], a[3]);
}

/* uint64 unmap_shared_pages(uint64 addr, uint64 size) */
long sys_unmap_shared_pages(const uint64_t a[6])
{
    return (long)unmap_shared_pages(current()->mm, a[0], a[1]);
}
