/*
 * System calls of ids, the crypto service and grants: decoding only. Meanings: ipc/ids.h,
 * ipc/crypto.h, ipc/grant.h.
 *
 * Called by syscall/dispatch.c. Read next: ipc/ext/service.c.
 */
#include "../syscall.h"

#include "ipc/crypto.h"
#include "ipc/grant.h"
#include "ipc/ids.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/proc.h"

/* int crypto_op(struct crypto_op *op, uint64 size) */
long sys_crypto_op(const uint64_t a[6])
{
    return crypto_submit(a[0], a[1]);
}

/* int crypto_wait(struct crypto_op *op) */
long sys_crypto_wait(const uint64_t a[6])
{
    return service_wait(&crypto_service, a[0]);
}

/* int take_shared_memory_request(void **addr, uint64 *size) */
long sys_take_shared_memory_request(const uint64_t a[6])
{
    return service_take(&crypto_service, a[0], a[1]);
}

/* int remove_shared_memory_request(void *addr, uint64 size) */
long sys_remove_shared_memory_request(const uint64_t a[6])
{
    return service_remove(&crypto_service, a[0], a[1]);
}

/* int service_start(void) */
long sys_service_start(const uint64_t a[6])
{
    return proc_fork_server();
}

/* int service_wait(int ticks) */
long sys_service_wait(const uint64_t a[6])
{
    return service_await_server(&crypto_service, (int)a[0] > 0 ? (uint32_t)a[0] : 0);
}

/* Whether the program can load and store a pointer at `where`, which is 0 for nowhere. */
static bool can_store(vaddr_t where)
{
    vaddr_t word;

    return !where || (!copy_from_user(&word, where, sizeof(word)) &&
                      !copy_to_user(where, &word, sizeof(word)));
}

/* char *shm_attach(int id, char **where) */
long sys_shm_attach(const uint64_t a[6])
{
    vaddr_t va, where = a[1];
    int err = can_store(where) ? ids_open((int)a[0], &va) : -EFAULT;

    if (!err && where && copy_to_user(where, &va, sizeof(va))) {
        ids_close((int)a[0]); /* a file was cut short under `where` just now */
        err = -EFAULT;
    }
    return err ? err : (long)va;
}

/* int shm_detach(int id) */
long sys_shm_detach(const uint64_t a[6])
{
    return ids_close((int)a[0]);
}

/* int share_grant(int pid, uint64 va, uint64 size, int writable) */
long sys_share_grant(const uint64_t a[6])
{
    return grant_add((int)a[0], a[1], a[2], (int)a[3] ? PROT_READ | PROT_WRITE : PROT_READ);
}

/* int share_revoke(int pid, uint64 va, uint64 size) */
long sys_share_revoke(const uint64_t a[6])
{
    return grant_revoke((int)a[0], a[1], a[2]);
}
