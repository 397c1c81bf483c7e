/*
 * The crypto service: requests are struct crypto_op (uapi/kernel/crypto.h).
 */
#ifndef IPC_CRYPTO_H
#define IPC_CRYPTO_H

#include "ipc/service.h"

extern struct service crypto_service;

/*
 * Submits an operation. => may sleep.
 * => as service_submit(); -EINVAL: too small for its header. With -ESRCH, no server, its state is
 *    ERROR: the one error that changes something (I6).
 */
int crypto_submit(vaddr_t op, uint64_t size);

#endif
