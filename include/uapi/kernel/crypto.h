/*
 * uapi/kernel/crypto.h: a request to the crypto service, as client and server see it.
 *
 * The payload is the key, then the data; the result takes the data's place. Both are XORed, the
 * key being repeated, so that decrypting is encrypting. Client calls: crypto_op(), crypto_wait();
 * the server's: take_shared_memory_request(), remove_shared_memory_request() (user/shm.h).
 * Include kernel/types.h first.
 */
#ifndef LAMINA_UAPI_CRYPTO_H
#define LAMINA_UAPI_CRYPTO_H

enum crypto_op_type {
    CRYPTO_OP_TYPE_ENCRYPT = 1,
    CRYPTO_OP_TYPE_DECRYPT,
};

/* The client sets INIT before it submits; the service leaves DONE or ERROR. */
enum crypto_op_state {
    CRYPTO_OP_STATE_INIT = 1,
    CRYPTO_OP_STATE_DONE,
    CRYPTO_OP_STATE_ERROR,
};

struct crypto_op {
    enum crypto_op_type type;
    enum crypto_op_state state;
    unsigned long key_size;  /* bytes */
    unsigned long data_size; /* bytes */
    unsigned char payload[]; /* key_size + data_size bytes */
};

_Static_assert(sizeof(struct crypto_op) == 24 && sizeof(enum crypto_op_state) == 4,
               "as the course's programs know it");

#endif
