/*
 * usr/crypto_srv.c: the crypto service: takes requests out of other processes' memory, and XORs
 * their data with their key.
 *
 * init starts it as process 2, before the shell, and starts it anew when it is killed: as process 2
 * again. Nobody else can run it: the kernel hands requests to the process that init started
 * (ipc/ext/service.c), and this program leaves with status 1 when it is not that one.
 *
 * A request lies in memory that its client can change at any moment, so that each field is read
 * once, and only what was read is checked and used. Read next: include/uapi/kernel/crypto.h.
 */
#include "kernel/types.h"
#include "kernel/crypto.h"
#include "kernel/fcntl.h"
#include "kernel/file.h"
#include "user/user.h"

#define SERVER_PID 2
#define TRIES      10 /* takes that may fail one after the other: no memory just now */

static void open_console(void)
{
    int fd = open("console", O_RDWR);

    if (fd < 0) {
        mknod("console", CONSOLE, 0);
        fd = open("console", O_RDWR);
    }
    while (fd >= 0 && fd < 2)
        fd = dup(fd);
    if (fd > 2)
        close(fd);
}

static void encrypt(volatile uchar *data, uint64 data_size, const volatile uchar *key,
                    uint64 key_size)
{
    uint64 k = 0;

    for (uint64 i = 0; i < data_size; i++) {
        data[i] ^= key[k];
        if (++k == key_size)
            k = 0;
    }
}

/* Does what [op, op + size) asks. => the state that the request ends in. */
static enum crypto_op_state answer(volatile struct crypto_op *op, uint64 size)
{
    uint64 room = size - sizeof(*op);
    enum crypto_op_type type;
    uint64 key_size;
    uint64 data_size;

    if (size < sizeof(*op))
        return CRYPTO_OP_STATE_ERROR;
    type = op->type;
    key_size = op->key_size;
    data_size = op->data_size;
    if (type != CRYPTO_OP_TYPE_ENCRYPT && type != CRYPTO_OP_TYPE_DECRYPT)
        return CRYPTO_OP_STATE_ERROR;
    if (op->state != CRYPTO_OP_STATE_INIT)
        return CRYPTO_OP_STATE_ERROR;
    if (key_size == 0 || key_size > room || data_size > room - key_size)
        return CRYPTO_OP_STATE_ERROR;
    encrypt(op->payload + key_size, data_size, op->payload, key_size);
    return CRYPTO_OP_STATE_DONE;
}

static void serve(void)
{
    int failed = 0;
    void *addr;
    uint64 size;

    while (failed < TRIES) {
        volatile struct crypto_op *op;
        enum crypto_op_state state;

        if (take_shared_memory_request(&addr, &size) < 0) {
            failed++;
            pause(failed > 1);
            continue;
        }
        failed = 0;
        op = addr;
        state = answer(op, size);
        /* The client polls the state: it must not see it before the data. */
        __asm__ volatile("fence rw, w" ::: "memory");
        if (size >= sizeof(*op))
            op->state = state;
        remove_shared_memory_request(addr, size);
    }
}

int main(void)
{
    open_console();
    if (getpid() != SERVER_PID) {
        printf("crypto_srv: only init starts this program, as process %d\n", SERVER_PID);
        exit(1);
    }
    printf("crypto_srv: starting\n");
    serve();
    printf("crypto_srv: not the server\n");
    exit(1);
}
