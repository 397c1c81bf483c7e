/*
 * System calls of ids, the crypto service and grants: decoding only. Meanings: ipc/ids.h,
 * ipc/crypto.h, ipc/grant.h.
 *
 * Owns nothing. Called by syscall/dispatch.c. Read next: ipc/service.c.
 */
#include "asm/pte.h"
#include "ipc/crypto.h"
#include "ipc/grant.h"
#include "ipc/ids.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "proc/proc.h"
#include "syscall/syscall.h"

long sys_crypto_op(uint64_t op, uint64_t size, uint64_t a2, uint64_t a3)
{
    return crypto_submit(op, size);
}

long sys_crypto_wait(uint64_t op, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return crypto_wait(op);
}

long sys_take_shared_memory_request(uint64_t to_addr, uint64_t to_size, uint64_t a2, uint64_t a3)
{
    return service_take(&crypto_service, to_addr, to_size);
}

long sys_remove_shared_memory_request(uint64_t addr, uint64_t size, uint64_t a2, uint64_t a3)
{
    return service_remove(&crypto_service, addr, size);
}

long sys_service_start(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return proc_fork_server();
}

long sys_service_wait(uint64_t nticks, uint64_t a1, uint64_t a2, uint64_t a3)
{
    int n = (int)nticks;

    return service_await_server(&crypto_service, n > 0 ? (uint32_t)n : 0);
}

/* Whether the program can load and store a pointer at `where`, which is 0 for nowhere. */
static bool can_store(vaddr_t where)
{
    vaddr_t word;

    return !where || (!copy_from_user(&word, where, sizeof(word)) &&
                      !copy_to_user(where, &word, sizeof(word)));
}

long sys_shm_attach(uint64_t id, uint64_t where, uint64_t a2, uint64_t a3)
{
    vaddr_t va;
    int err = can_store(where) ? ids_open((int)id, &va) : -EFAULT;

    if (!err && where && copy_to_user(where, &va, sizeof(va))) {
        ids_close((int)id); /* a file was cut short under `where` just now */
        err = -EFAULT;
    }
    return err ? err : (long)va;
}

long sys_shm_detach(uint64_t id, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return ids_close((int)id);
}

long sys_share_grant(uint64_t pid, uint64_t va, uint64_t size, uint64_t writable)
{
    return grant_add((int)pid, va, size, (int)writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

long sys_share_revoke(uint64_t pid, uint64_t va, uint64_t size, uint64_t a3)
{
    return grant_revoke((int)pid, va, size);
}
