/*
 * The crypto service: requests are struct crypto_op (uapi/kernel/crypto.h).
 */
#ifndef IPC_CRYPTO_H
#define IPC_CRYPTO_H

#include "ipc/service.h"

extern struct service crypto_service;

/* Submit an operation. => as service_submit(); -EINVAL: too small for its header. */
int crypto_submit(vaddr_t op, uint64_t size);

/* Sleep until it is answered. => 0; -EINVAL it was not submitted; -EFAULT; -EINTR killed. */
int crypto_wait(vaddr_t op);

#endif
