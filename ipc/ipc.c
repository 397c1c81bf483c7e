/*
 * What fork, exec and exit of any process mean to the faces of sharing.
 *
 * Owns the hooks, which go in with the first use of any face: a machine without shared memory does
 * not pay for it. No lock. Called by proc/ through struct proc_hooks. Read next: ids.c, service.c.
 */
#include "ipc/ipc.h"

#include "ipc/crypto.h"
#include "ipc/grant.h"
#include "ipc/ids.h"
#include "lib/errno.h"
#include "proc/proc.h"

static void left(void)
{
    ids_left();
    service_left(&crypto_service);
    grants_left();
}

void ipc_start(void)
{
    static const struct proc_hooks hooks = { .forked = ids_forked, .left = left };

    __atomic_store_n(&proc_hooks, &hooks, __ATOMIC_RELEASE);
}

int ipc_touch(vaddr_t va, uint64_t size, enum access access)
{
    int err = 0;

    if (!size || !range_fits(va, size, USER_TOP))
        return -EINVAL;
    for (vaddr_t page = page_down(va); page < va + size && !err; page += PAGE_SIZE)
        err = mm_fault(current()->mm, page, access);
    return err;
}
