/*
 * The crypto service: what the queue in service.c needs to know of a struct crypto_op, which is
 * where its state is. Keys and data are the server's business (usr/crypto_srv.c).
 *
 * Owns the service. Called by syscall/ext/sysipc.c. Read next: service.c.
 */
#include "ipc/crypto.h"

#include "lib/errno.h"
#include "mm/uaccess.h"
#include "uapi/kernel/crypto.h"

/* => enum crypto_op_state; 0 where it cannot be read. */
static uint32_t read_state(vaddr_t op)
{
    uint32_t state;

    if (copy_from_user(&state, op + offsetof(struct crypto_op, state), sizeof(state)))
        return 0;
    return state;
}

static void set_error(vaddr_t op)
{
    const uint32_t state = CRYPTO_OP_STATE_ERROR;

    copy_to_user(op + offsetof(struct crypto_op, state), &state, sizeof(state));
}

/* An operation that is answered is left alone: its client may have put the memory to other use. */
static void crypto_fail(vaddr_t op)
{
    if (read_state(op) == CRYPTO_OP_STATE_INIT)
        set_error(op);
}

static bool crypto_answered(vaddr_t op)
{
    uint32_t state = read_state(op);

    return state == CRYPTO_OP_STATE_DONE || state == CRYPTO_OP_STATE_ERROR;
}

struct service crypto_service = SERVICE_INIT(crypto_service, crypto_fail, crypto_answered);

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
