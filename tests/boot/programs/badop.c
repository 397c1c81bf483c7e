/*
 * badop.c: a request of a type that there is not. Accepted or refused, its state says ERROR, and crypto_wait()
 * returns, though the server may have answered without removing the request.
 */
#include "kernel/types.h"
#include "kernel/crypto.h"
#include "user/user.h"

int main(void)
{
    static struct crypto_op op = {.type = 99, .state = CRYPTO_OP_STATE_INIT};
    int accepted = crypto_op(&op, sizeof(op)) == 0;

    printf("badop: %s\n", accepted ? "accepted" : "refused");
    if (accepted && crypto_wait(&op) < 0)
        printf("badop: crypto_wait failed\n");
    printf("badop: %s\n", op.state == CRYPTO_OP_STATE_ERROR ? "OK" : "FAILED");
    exit(0);
}
