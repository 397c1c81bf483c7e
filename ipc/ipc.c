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

static void left(uint64_t family)
{
    ids_left();
    service_left(&crypto_service);
    grants_left(family);
}

void ipc_start(void)
{
    static const struct proc_hooks hooks = { .forked = ids_forked, .left = left };

    __atomic_store_n(&proc_hooks, &hooks, __ATOMIC_RELEASE);
}
