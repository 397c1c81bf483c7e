/*
 * usr/tests/t_cryptoend.c: the crypto service when clients or the server end, at
 * every stage, and who may be the server. Invariants attacked: I1, I7, I8.
 */
#include "t_crypto.h"

/* ---- clients that end ---- */

/* Submits and is gone, without waiting: by exit, by exec, by unmapping. */
static void leave(uint64 how)
{
    static char *argv[] = {"echo", 0};
    char *p = sbrk(4 * PAGE);

    for (int i = 0; i < 4; i++) {
        make(p, 4 * PAGE);
        CHECK_EQ(crypto_op((struct crypto_op *)p, 4 * PAGE), 0);
    }
    if (how == 1)
        exec("echo", argv);
    if (how == 2)
        CHECK(sbrk(-4 * (int)PAGE) != SBRK_ERROR);
    t_exit();
}

static void clients_leave(void)
{
    int server = server_pid();

    for (uint64 i = 0; i < 30; i++)
        CHECK_EQ(t_status(leave, i % 3), 0);
    ask_well(memory, 300);
    CHECK_EQ(server_pid(), server);
    CHECK_EQ(audit(), 0);
}

static void never_stop(char *p, uint64 size)
{
    for (;;) {
        make(p, size);
        if (crypto_op((struct crypto_op *)p, size) < 0)
            exit(1);
        crypto_wait((struct crypto_op *)p);
    }
}

static void clients_killed(void)
{
    int server = server_pid();

    for (uint i = 0; i < 60; i++) {
        int pid = t_fork();

        if (pid == 0)
            never_stop(memory + i, 2 * PAGE);
        t_spin(i * i * 50);
        CHECK_EQ(kill(pid), 0);
        CHECK_EQ(t_wait(pid), -1);
    }
    ask_well(memory, 300);
    CHECK_EQ(server_pid(), server);
    CHECK_EQ(audit(), 0);
}

/* Many clients keep the queue full: killed while they wait for a place in it, and in it. */
static void killed_in_full_queue(void)
{
    enum {
        CLIENTS = 2 * QUEUE
    };
    int pids[CLIENTS];

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            pids[i] = t_fork();
            if (pids[i] == 0)
                never_stop(memory, 8 * PAGE);
        }
        pause(round % 2);
        for (int i = 0; i < CLIENTS; i++)
            CHECK_EQ(kill(pids[i]), 0);
        for (int i = 0; i < CLIENTS; i++)
            wait(0);
        ask_well(memory, 300);
    }
    CHECK_EQ(audit(), 0);
}

/* ---- the server ends ---- */

static void server_killed_idle(void)
{
    for (int i = 0; i < 3; i++) {
        int server = wait_for_server();

        CHECK_EQ(kill(server), 0);
        CHECK_EQ(wait_for_server(), server); /* its successor has its pid */
    }
    ask_well(memory, 500);
    CHECK_EQ(audit(), 0);
}

/* Every request is answered or refused, whatever happens to the server: nobody waits for ever. */
static void ask_for_ever(int ticks)
{
    int start = uptime();

    for (uint64 i = 0; within(start, ticks); i++) {
        make(memory, 2 * PAGE);
        if (crypto_op((struct crypto_op *)memory, 2 * PAGE) < 0) {
            pause(1);
            continue;
        }
        if (i % 4)
            crypto_wait((struct crypto_op *)memory);
        else
            poll(memory);
        CHECK(state_of(memory) != CRYPTO_OP_STATE_INIT);
        CHECK(state_of(memory) != CRYPTO_OP_STATE_DONE || is_encrypted(memory));
    }
}

static void server_killed_at_work(void)
{
    enum {
        CLIENTS = 6
    };
    int pids[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        pids[i] = t_fork();
        if (pids[i] == 0) {
            ask_for_ever(40);
            t_exit();
        }
    }
    for (uint i = 0; i < 4; i++) { /* init starts one a second */
        int server = wait_for_server();

        t_spin(i * 3000);
        CHECK_EQ(kill(server), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        int status = 1;

        wait(&status);
        CHECK_EQ(status, 0);
    }
    start_anew();
    ask_well(memory, 500);
    CHECK_EQ(audit(), 0);
}

enum {
    WORK = 4 << 20
};

/* Kills the server with a large request and small ones behind it. => how many of those it answered. */
static int kill_with_requests(char *large)
{
    enum {
        EACH = 256
    };
    int server = wait_for_server();
    int answered = 0;

    make(large, WORK);
    CHECK_EQ(crypto_op((struct crypto_op *)large, WORK), 0);
    for (int i = 0; i < QUEUE - 2; i++) {
        make(memory + i * EACH, EACH);
        CHECK_EQ(crypto_op((struct crypto_op *)(memory + i * EACH), EACH), 0);
    }
    CHECK_EQ(kill(server), 0);
    for (int i = 0; i < QUEUE - 2; i++)
        answered += poll(memory + i * EACH) == CRYPTO_OP_STATE_DONE;
    CHECK(poll(large) != CRYPTO_OP_STATE_INIT);
    wait_for_server();
    ask_well(memory, 500);
    return answered;
}

/* Requests that wait when the server dies become ERROR, the one it works on too. */
static void waiting_become_error(void)
{
    char *large = sbrk(WORK);
    int tries = 0;

    /* Most often the first kill comes in time: they wait behind millions of bytes. */
    while (kill_with_requests(large) == QUEUE - 2)
        CHECK(++tries < 100);
}

/* ---- who is the server ---- */

static void only_the_server(void)
{
    static char *argv[] = {"crypto_srv", 0};
    int server = server_pid();
    void *addr = (void *)77;
    uint64 size = 77;
    int pid;

    for (int i = 0; i < 3; i++) {
        CHECK_EQ(take_shared_memory_request(&addr, &size), -1);
        CHECK_EQ(remove_shared_memory_request(memory, PAGE), -1);
        make(memory, 300);
        CHECK_EQ(crypto_op((struct crypto_op *)memory, 300), 0);
    }
    CHECK(addr == (void *)77 && size == 77);
    CHECK_EQ(take_shared_memory_request((void **)MAXVA, (uint64 *)MAXVA), -1);
    poll(memory);
    CHECK_EQ(service_start(), -1);
    pid = t_fork();
    if (pid == 0) {
        exec(argv[0], argv);
        exit(2);
    }
    CHECK_EQ(t_wait(pid), 1);
    CHECK_EQ(server_pid(), server);
    ask_well(memory, 300);
}

static const struct t_case cases[] = {
    {"clients_leave", clients_leave},
    {"clients_killed", clients_killed},
    {"killed_in_full_queue", killed_in_full_queue},
    {"server_killed_idle", server_killed_idle},
    {"server_killed_at_work", server_killed_at_work},
    {"waiting_become_error", waiting_become_error},
    {"only_the_server", only_the_server},
};

int main(int argc, char **argv)
{
    t_main("t_cryptoend", cases, COUNT(cases), argc, argv);
}
