/*
 * crypto_srv.c: a server as the course's students wrote them: it insists on being process 2, tests
 * nothing but the type, and forgets to remove a request that it refuses.
 */
#include "kernel/types.h"
#include "user/user.h"
#include "kernel/spinlock.h"
#include "kernel/sleeplock.h"
#include "kernel/fs.h"
#include "kernel/file.h"
#include "kernel/fcntl.h"
#include "kernel/crypto.h"

int main(void)
{
    struct crypto_op *op;
    uint64 size;

    if (open("console", O_RDWR) < 0) {
        mknod("console", CONSOLE, 0);
        open("console", O_RDWR);
    }
    dup(0);
    dup(0);
    printf("crypto_srv: starting\n");
    if (getpid() != 2) {
        printf("crypto_srv: I am %d\n", getpid());
        exit(1);
    }
    for (;;) {
        if (take_shared_memory_request((void **)&op, &size) < 0)
            continue;
        if (op->type > CRYPTO_OP_TYPE_DECRYPT) {
            op->state = CRYPTO_OP_STATE_ERROR;
            continue;
        }
        for (int i = 0; i < op->data_size; i++)
            op->payload[op->key_size + i] ^= op->payload[i % op->key_size];
        asm volatile("fence rw,rw" : : : "memory");
        op->state = CRYPTO_OP_STATE_DONE;
        remove_shared_memory_request(op, size);
    }
}
