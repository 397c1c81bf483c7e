/*
 * usr/tests/t_crypto.c: the crypto service from the client's side, and from that of a client who
 * means no good: requests change after they were submitted. How clients and server end:
 * t_cryptoend.c. Rules: docs/sharing.md. Invariants attacked: I1, I6, I8.
 */
#include "t_crypto.h"

/* ---- what works ---- */

static void every_size(void)
{
    static const uint64 sizes[] = {
        HEADER + KEY_BYTES, HEADER + KEY_BYTES + 1, 100, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 5,
    };

    for (int i = 0; i < COUNT(sizes); i++) {
        ask_well(memory, sizes[i]);
        ask_well(memory + 1000, sizes[i]);     /* many pages, and not from the start of one */
        ask_well(memory + PAGE - 8, sizes[i]); /* the header lies in two */
    }
}

static void polled(void)
{
    int start = uptime();

    for (int i = 0; i < 50 && within(start, 10); i++) {
        make(memory, 200);
        CHECK_EQ(crypto_op((struct crypto_op *)memory, 200), 0);
        CHECK_EQ(poll(memory), CRYPTO_OP_STATE_DONE);
        CHECK(is_encrypted(memory));
    }
}

/* A key longer than the data, both operations, and twice is as before. */
static void both_ways(void)
{
    struct crypto_op *op = (struct crypto_op *)memory;
    uint64 size = HEADER + 60 + 10;

    make(memory, size);
    op->key_size = 60;
    op->data_size = 10;
    t_fill(op->payload, 70, 11);
    CHECK_EQ(ask(memory, size), CRYPTO_OP_STATE_DONE);
    CHECK(!t_is_pattern(op->payload + 60, 10, 11 + 60));
    CHECK(t_is_pattern(op->payload, 60, 11));
    op->type = CRYPTO_OP_TYPE_DECRYPT;
    op->state = CRYPTO_OP_STATE_INIT;
    CHECK_EQ(ask(memory, size), CRYPTO_OP_STATE_DONE);
    CHECK(t_is_pattern(op->payload, 70, 11));
}

/* Memory of every kind: heap, heap not touched yet, shared by id, mapped, borrowed, the stack. */
static void any_memory(void)
{
    char on_stack[200];
    char *lazy = sbrklazy(4 * PAGE);
    char *id = openshmem(900);
    char *mapped = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *alias = (char *)map_to(getpid(), memory, 2 * PAGE);

    ask_well(on_stack, sizeof(on_stack));
    ask_well(lazy + 100, 3 * PAGE);
    ask_well(id, PAGE);
    ask_well(mapped + 5, PAGE);
    ask_well(alias, PAGE + 5);
    CHECK(is_encrypted(memory));
    CHECK_EQ(closeshmem(900), 0);
    CHECK_EQ(munmap(mapped, 2 * PAGE), 0);
}

/* A child forked while the request is on its way has a copy, and the answer comes to the parent. */
static void forked_meanwhile(void)
{
    for (int i = 0; i < 20; i++) {
        int pid;

        make(memory, 3 * PAGE);
        CHECK_EQ(crypto_op((struct crypto_op *)memory, 3 * PAGE), 0);
        pid = t_fork();
        if (pid == 0) {
            memset(memory, 0, sizeof(memory));
            t_exit();
        }
        CHECK_EQ(crypto_wait((struct crypto_op *)memory), 0);
        CHECK_EQ(state_of(memory), CRYPTO_OP_STATE_DONE);
        CHECK(is_encrypted(memory));
        CHECK_EQ(t_wait(pid), 0);
    }
}

/* ---- what is refused at once ---- */

static void refuse(void *op, uint64 size)
{
    CHECK_EQ(crypto_op(op, size), -1);
}

static void bad_submissions(void)
{
    char *top = t_align_break();
    char *read_only = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int server = server_pid();

    for (uint64 size = 0; size < HEADER; size++)
        refuse(memory, size);
    refuse(0, 100); /* the program's text */
    refuse(read_only, 100);
    refuse(top, 100);
    refuse(top - 50, 100);
    refuse(memory, (uint64)top - (uint64)memory + 1);
    refuse((char *)MAXVA - 50, 100);
    refuse((char *)MAXVA, 100);
    refuse((char *)0xffffffc080200000UL, 100);
    refuse((char *)~0UL, 100);
    refuse(memory, ~0UL);
    refuse(memory, 0UL - (uint64)memory);
    refuse(memory, 1UL << 40);
    refuse(memory, 1UL << 32);
    CHECK_EQ(crypto_wait((struct crypto_op *)top), -1);
    ask_well(memory, 300);
    CHECK_EQ(server_pid(), server);
}

/* ---- what the server refuses ---- */

struct bad_field {
    uint type;
    uint state;
    uint64 key_size;
    uint64 data_size;
};

/* In a request of 500 bytes: room for 476. */
static const struct bad_field bad_fields[] = {
    {0, 1, 7, 10},        {3, 1, 7, 10},        {~0U, 1, 7, 10},
    {1, 0, 7, 10},        {1, 2, 7, 10},        {1, 3, 7, 10},
    {1, ~0U, 7, 10},      {1, 1, 0, 10},        {1, 1, 477, 0},
    {1, 1, 7, 470},       {1, 1, 476, 1},       {1, 1, ~0UL, 10},
    {1, 1, 7, ~0UL},      {1, 1, ~0UL, ~0UL},   {1, 1, 1UL << 63, 1UL << 63},
    {1, 1, 10, 0UL - 10}, {1, 1, 0UL - 10, 10}, {2, 1, 1UL << 32, 1},
};

static void ask_badly(const struct bad_field *bad)
{
    struct crypto_op *op = (struct crypto_op *)memory;

    t_fill(memory, sizeof(memory), 9);
    op->type = bad->type;
    op->state = bad->state;
    op->key_size = bad->key_size;
    op->data_size = bad->data_size;
    CHECK_EQ(crypto_op(op, 500), 0);
    crypto_wait(op);
    CHECK_EQ(state_of(memory), CRYPTO_OP_STATE_ERROR);
    CHECK(t_is_pattern(memory + HEADER, sizeof(memory) - HEADER, 9 + (int)HEADER));
}

static void bad_requests(void)
{
    for (int i = 0; i < COUNT(bad_fields); i++)
        ask_badly(&bad_fields[i]);
    ask_well(memory, 500);
}

/* The server always removes what it took: its size stays. */
static void thousand_bad_requests(void)
{
    uint64 size;
    int server = server_pid();

    ask_well(memory, 500);
    size = server_size();
    for (int i = 0; i < 1000; i++)
        ask_badly(&bad_fields[i % COUNT(bad_fields)]);
    CHECK_EQ(server_size(), size);
    CHECK_EQ(server_pid(), server);
}

/* Changes the sizes in the request as fast as it can, until it is killed. */
static void change_sizes(volatile struct crypto_op *op)
{
    static const uint64 sizes[] = {7, 0, ~0UL, 1UL << 63, 477, 0UL - 7, 100, PAGE};

    for (uint i = 0;; i++) {
        op->key_size = sizes[i % COUNT(sizes)];
        op->data_size = sizes[i / COUNT(sizes) % COUNT(sizes)];
        op->type = i % 4;
    }
}

/* Another process has the request mapped, and changes it after it was submitted. */
static void sizes_change(void)
{
    char *p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int server = server_pid();
    uint64 size = server_size();
    int start = uptime();
    int pid;

    pid = t_fork();
    if (pid == 0)
        change_sizes((volatile struct crypto_op *)p);
    for (int i = 0; i < 300 && within(start, 20); i++) {
        ((volatile struct crypto_op *)p)->state = CRYPTO_OP_STATE_INIT;
        CHECK_EQ(crypto_op((struct crypto_op *)p, 500), 0);
        CHECK_EQ(crypto_wait((struct crypto_op *)p), 0);
        CHECK(state_of(p) != CRYPTO_OP_STATE_INIT);
    }
    CHECK_EQ(kill(pid), 0);
    CHECK_EQ(t_wait(pid), -1);
    CHECK_EQ(server_pid(), server);
    CHECK_EQ(server_size(), size);
    CHECK_EQ(munmap(p, PAGE), 0);
}

/* ---- many clients ---- */

static void client(int i)
{
    for (int k = 0; k < 5; k++)
        ask_well(memory + i * 8, 100 + (uint64)i * 50);
    t_exit();
}

static void as_many_as_processes(void)
{
    int n = 0;
    int pid;

    while ((pid = fork()) >= 0) {
        if (pid == 0)
            client(n);
        n++;
    }
    CHECK(n > NPROC / 2);
    for (int i = 0; i < n; i++) {
        int status = 1;

        wait(&status);
        CHECK_EQ(status, 0);
    }
    ask_well(memory, 100);
}

/* One client has many requests on their way at once: more than the queue holds. */
static void many_at_once(void)
{
    enum {
        EACH = 512
    };

    for (int i = 0; i < 3 * QUEUE; i++) {
        make(memory + i * EACH, EACH);
        CHECK_EQ(crypto_op((struct crypto_op *)(memory + i * EACH), EACH), 0);
    }
    for (int i = 0; i < 3 * QUEUE; i++) {
        CHECK_EQ(crypto_wait((struct crypto_op *)(memory + i * EACH)), 0);
        CHECK_EQ(state_of(memory + i * EACH), CRYPTO_OP_STATE_DONE);
        CHECK(is_encrypted(memory + i * EACH));
    }
}

static const struct t_case cases[] = {
    {"every_size", every_size},
    {"polled", polled},
    {"both_ways", both_ways},
    {"any_memory", any_memory},
    {"forked_meanwhile", forked_meanwhile},
    {"bad_submissions", bad_submissions},
    {"bad_requests", bad_requests},
    {"thousand_bad_requests", thousand_bad_requests},
    {"sizes_change", sizes_change},
    {"as_many_as_processes", as_many_as_processes},
    {"many_at_once", many_at_once},
};

int main(int argc, char **argv)
{
    t_main("t_crypto", cases, COUNT(cases), argc, argv);
}
