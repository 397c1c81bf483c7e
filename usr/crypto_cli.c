/*
 * usr/crypto_cli.c: a client of the crypto service: has a message decrypted, and then shows that
 * encrypting twice gives a text back.
 *
 * The last line is `crypto_cli: OK` and the status 0, or the line before says what differed and
 * the status is 1.
 */
#include "kernel/types.h"
#include "kernel/crypto.h"
#include "user/user.h"

#define KEY  "shared memory"
#define TEXT "One mechanism, five faces."

#define KEY_BYTES  (sizeof(KEY) - 1)
#define TEXT_BYTES sizeof(TEXT)
#define OP_BYTES   (sizeof(struct crypto_op) + KEY_BYTES + TEXT_BYTES)

/* TEXT, encrypted with KEY. */
static const uchar message[TEXT_BYTES] = {
    0x3c, 0x06, 0x04, 0x52, 0x08, 0x01, 0x43, 0x05, 0x04, 0x03, 0x06, 0x01, 0x14, 0x5f,
    0x48, 0x07, 0x1b, 0x13, 0x01, 0x00, 0x0b, 0x04, 0x0e, 0x0a, 0x01, 0x57, 0x73,
};

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("crypto_cli: %s\n", what);
    exit(1);
}

static void submit(struct crypto_op *op, enum crypto_op_type type)
{
    op->type = type;
    op->state = CRYPTO_OP_STATE_INIT;
    expect(crypto_op(op, OP_BYTES) == 0, "the service takes no requests");
}

/* As the course's client waits: it looks until the state changes. */
static void poll(struct crypto_op *op)
{
    volatile enum crypto_op_state *state = &op->state;

    while (*state == CRYPTO_OP_STATE_INIT)
        ;
    __asm__ volatile("fence r, rw" ::: "memory");
    expect(*state == CRYPTO_OP_STATE_DONE, "the service refused the request");
}

int main(void)
{
    struct crypto_op *op = malloc(OP_BYTES);
    char *text;

    expect(op != 0, "no memory");
    op->key_size = KEY_BYTES;
    op->data_size = TEXT_BYTES;
    memcpy(op->payload, KEY, KEY_BYTES);
    text = (char *)op->payload + KEY_BYTES;
    memcpy(text, message, TEXT_BYTES);

    printf("crypto_cli: attempting to decrypt message\n");
    submit(op, CRYPTO_OP_TYPE_DECRYPT);
    poll(op);
    text[TEXT_BYTES - 1] = 0;
    printf("crypto_cli: decrypted message: %s\n", text);
    expect(strcmp(text, TEXT) == 0, "the message is not what was encrypted");

    submit(op, CRYPTO_OP_TYPE_ENCRYPT);
    expect(crypto_wait(op) == 0, "crypto_wait failed");
    expect(memcmp(text, message, TEXT_BYTES) == 0, "encrypting gave something else");
    submit(op, CRYPTO_OP_TYPE_ENCRYPT);
    expect(crypto_wait(op) == 0, "crypto_wait failed");
    expect(strcmp(text, TEXT) == 0, "encrypting twice did not give the text back");
    printf("crypto_cli: OK\n");
    exit(0);
}
