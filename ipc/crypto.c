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

/* One that is answered already is left alone: its client may have put the memory to other use. */
static void fail(vaddr_t op)
{
    enum crypto_op_state state;

    if (copy_from_user(&state, state_of(op), sizeof(state)) || state != CRYPTO_OP_STATE_INIT)
        return;
    state = CRYPTO_OP_STATE_ERROR;
    copy_to_user(state_of(op), &state, sizeof(state));
}

struct service crypto_service = SERVICE_INIT(crypto_service, fail);

int crypto_submit(vaddr_t op, uint64_t size)
{
    return size < sizeof(struct crypto_op) ? -EINVAL : service_submit(&crypto_service, op, size);
}

int crypto_wait(vaddr_t op)
{
    enum crypto_op_state state;
    int err = service_wait(&crypto_service, op);

    if (!err)
        err = copy_from_user(&state, state_of(op), sizeof(state));
    if (!err && state != CRYPTO_OP_STATE_DONE && state != CRYPTO_OP_STATE_ERROR)
        err = -EINVAL;
    return err;
}
