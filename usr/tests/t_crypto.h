/*
 * usr/tests/t_crypto.h: requests to the crypto service, and a look at its server.
 */
#ifndef LAMINA_T_CRYPTO_H
#define LAMINA_T_CRYPTO_H

#include "kernel/types.h"
#include "kernel/crypto.h"
#include "kernel/lamina.h"
#include "kernel/param.h"
#include "kernel/riscv.h"
#include "t.h"

#define HEADER        sizeof(struct crypto_op)
#define KEY_BYTES     7
#define QUEUE         16
#define RESTART_TICKS 600

static __attribute__((unused)) char memory[8 * PAGE] __attribute__((aligned(4096)));

/* ---- the server, seen from outside ---- */

static __attribute__((unused)) int find_server(struct procinfo *info)
{
    for (int slot = 0; procinfo(slot, info) == 0; slot++)
        if (info->pid != 0 && info->state != PROCINFO_ZOMBIE && info->ppid == 1 &&
            strcmp(info->name, "crypto_srv") == 0)
            return info->pid;
    return 0;
}

static __attribute__((unused)) int server_pid(void)
{
    struct procinfo info;

    return find_server(&info);
}

static __attribute__((unused)) uint64 server_size(void)
{
    struct procinfo info;

    CHECK(find_server(&info) != 0);
    return info.size;
}

/* ---- requests ---- */

/* A request in `room` bytes at p, with a key of KEY_BYTES and data to the end. => its size. */
static __attribute__((unused)) uint64 make(char *p, uint64 room)
{
    struct crypto_op *op = (struct crypto_op *)p;

    op->type = CRYPTO_OP_TYPE_ENCRYPT;
    op->state = CRYPTO_OP_STATE_INIT;
    op->key_size = KEY_BYTES;
    op->data_size = room - HEADER - KEY_BYTES;
    t_fill(op->payload, KEY_BYTES, 'k');
    t_fill(op->payload + KEY_BYTES, op->data_size, 3);
    return room;
}

/* Whether the data are what make() left, encrypted. */
static __attribute__((unused)) int is_encrypted(const char *p)
{
    const struct crypto_op *op = (const struct crypto_op *)p;
    const uchar *data = op->payload + KEY_BYTES;

    for (uint64 i = 0; i < op->data_size; i++)
        if (data[i] != (uchar)((uchar)(3 + i) ^ (uchar)('k' + i % KEY_BYTES)))
            return 0;
    return 1;
}

static enum crypto_op_state state_of(const char *p)
{
    enum crypto_op_state state = ((const volatile struct crypto_op *)p)->state;

    __sync_synchronize();
    return state;
}

static enum crypto_op_state poll(const char *p)
{
    while (state_of(p) == CRYPTO_OP_STATE_INIT)
        t_spin(100);
    return state_of(p);
}

/* Submits, and sleeps until it is answered. => the state. */
static enum crypto_op_state ask(char *p, uint64 size)
{
    CHECK_EQ(crypto_op((struct crypto_op *)p, size), 0);
    CHECK_EQ(crypto_wait((struct crypto_op *)p), 0);
    return state_of(p);
}

static __attribute__((unused)) void ask_well(char *p, uint64 size)
{
    make(p, size);
    CHECK_EQ(ask(p, size), CRYPTO_OP_STATE_DONE);
    CHECK(is_encrypted(p));
}

/*
 * Waits until a server answers. => its pid. After a kill it is another one with the same pid: who
 * was killed answers nothing that was submitted afterwards.
 */
static __attribute__((unused)) int wait_for_server(void)
{
    for (int i = 0; i < RESTART_TICKS; i++) {
        make(memory, 64);
        if (crypto_op((struct crypto_op *)memory, 64) == 0 && poll(memory) == CRYPTO_OP_STATE_DONE)
            return server_pid();
        CHECK_EQ(state_of(memory), CRYPTO_OP_STATE_ERROR);
        pause(1);
    }
    CHECK(!"init starts a new server");
    return 0;
}

/*
 * A new server at a quiet moment: what the kernel keeps for it lies with its other records again,
 * where the last one's were made among those of many processes.
 */
static __attribute__((unused)) void start_anew(void)
{
    CHECK_EQ(kill(wait_for_server()), 0);
    wait_for_server();
}

/* On one hart who polls has the machine for a whole slice: these are bounded by time as well. */
static __attribute__((unused)) int within(int start, int ticks)
{
    return uptime() - start < ticks;
}

#endif
