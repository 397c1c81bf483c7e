/*
 * The crypto service: what the queue in service.c needs to know of a struct crypto_op, which is
 * where its state is. Keys and data are the server's business (usr/crypto_srv.c).
 *
 * Owns the service. Called by syscall/sysipc.c, ipc.c. Read next: service.c.
 */
#include "ipc/crypto.h"

#include "lib/errno.h"
#include "mm/uaccess.h"
#include "uapi/kernel/crypto.h"

static vaddr_t state_of(vaddr_t op)
{
    return op + offsetof(struct crypto_op, state);
}

static void set_error(vaddr_t op)
{
    const enum crypto_op_state state = CRYPTO_OP_STATE_ERROR;

    copy_to_user(state_of(op), &state, sizeof(state));
}

/* One that is answered already is left alone: its client may have put the memory to other use. */
static void fail(vaddr_t op)
{
    enum crypto_op_state state;

    if (!copy_from_user(&state, state_of(op), sizeof(state)) && state == CRYPTO_OP_STATE_INIT)
        set_error(op);
}

static bool answered(vaddr_t op)
{
    enum crypto_op_state state;

    if (copy_from_user(&state, state_of(op), sizeof(state)))
        return false;
    return state == CRYPTO_OP_STATE_DONE || state == CRYPTO_OP_STATE_ERROR;
}

struct service crypto_service = SERVICE_INIT(crypto_service, fail, answered);

int crypto_submit(vaddr_t op, uint64_t size)
{
    int err;

    if (size < sizeof(struct crypto_op))
        return -EINVAL;
    err = service_submit(&crypto_service, op, size);
    if (err == -ESRCH)
        set_error(op); /* for clients that look at nothing else, or they would poll for ever */
    return err;
}

int crypto_wait(vaddr_t op)
{
    return service_wait(&crypto_service, op);
}
