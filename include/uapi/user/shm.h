/*
 * uapi/user/shm.h: sharing by id, the crypto service, and consent to other families.
 * Included by user/user.h. How they hang together: docs/sharing.md.
 */
#ifndef LAMINA_UAPI_SHM_H
#define LAMINA_UAPI_SHM_H

#include "user/user.h"

/* ---- one page for each id > 0 ---- */
/*
 * The page of `id`, zeroed when it is made, mapped into the caller. Opening it once more gives the
 * same address, and wants one more close. A child inherits what is open; exec and exit close it.
 * The page goes with the last close.
 * => The address; (char *)-1 and nothing changed: bad id, table full, no memory.
 */
char *openshmem(int id);
char *open_sharedmem(int id);

/* The same, with the address in *pointer. => 0; -1 and nothing changed, for a bad pointer too. */
int shm_open(int id, char **pointer);

/* open_sharedmem(id, &pointer) is shm_open(id, &pointer): told apart by the number of arguments. */
#define SHM_THIRD(a, b, c, ...) c
#define open_sharedmem(...)     SHM_THIRD(__VA_ARGS__, shm_open, (open_sharedmem), )(__VA_ARGS__)

/*
 * The last close of the caller unmaps.
 * => 0; -1 when the caller does not have `id` open, of which closeshmem() prints a line on 2.
 */
int closeshmem(int id);
int close_sharedmem(int id);
int shm_close(int id);

/* The system calls beneath. The address goes to *where, too, unless that is 0. */
char *shm_attach(int id, char **where);
int shm_detach(int id);

/* ---- the crypto service: kernel/crypto.h ---- */
struct crypto_op;

/*
 * Hands [op, op + size) to the service, and returns; op->state tells when it is answered. Waits
 * while the queue is full.
 * => 0; -1: too small, not mapped, not writable; or there is no server, then op->state is ERROR.
 */
int crypto_op(struct crypto_op *op, uint64 size);

/* Sleeps until the caller's request at op is answered. => 0; -1 when there is none. */
int crypto_wait(struct crypto_op *op);

/* Server: waits for a request and maps it. => 0; -1: the caller is not the server, no room. */
int take_shared_memory_request(void **addr, uint64 *size);

/* Server: unmaps a request that was taken. => 0 or -1. */
int remove_shared_memory_request(void *addr, uint64 size);

/*
 * Process 1 only: fork(), and the child is the server. All servers have the pid of the first.
 * => As fork(); -1, too, while the last server has not ended and been waited for.
 */
int service_start(void);

/*
 * Sleeps until a server takes requests, but not longer than so many ticks.
 * => 0; -1: none does, or it has ended.
 */
int service_wait(int ticks);

/* ---- consent ---- */
/*
 * Allows process pid, and the family it has now, to map [va, va + size) of the caller; to store
 * there only if writable is not 0.
 * => 0; -1: no such process, no such memory, too many grants.
 */
int share_grant(int pid, user_address va, uint64 size, int writable);

/*
 * Takes back every grant to pid that touches [va, va + size), and the mappings that came by it:
 * the borrower's next touch is its own fault, on every hart, when this returns.
 * => 0; -1: there is no such grant.
 */
int share_revoke(int pid, user_address va, uint64 size);

#endif
