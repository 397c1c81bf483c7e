/*
 * usr/tests/t_crypto.c: the crypto service from the client's side, and from that of a client who
 * means no good. Clients and server are killed at every stage; requests change after they were
 * submitted. Rules: shared-memory.md B. Invariants attacked: I1, I6, I7, I8.
 */
#include "kernel/types.h"
#include "kernel/crypto.h"
#include "kernel/lamina.h"
#include "kernel/param.h"
#include "kernel/riscv.h"
#include "t.h"

#define HEADER sizeof(struct crypto_op)
#define KEY_BYTES 7
#define QUEUE 16
#define RESTART_TICKS 100

static char memory[8 * PAGE] __attribute__((aligned(4096)));

/* ---- the server, seen from outside ---- */

static int
find_server(struct procinfo *info)
{
    for (int slot = 0; procinfo(slot, info) == 0; slot++)
        if (info->pid != 0 && info->state != PROCINFO_ZOMBIE && info->ppid == 1 &&
            strcmp(info->name, "crypto_srv") == 0)
            return info->pid;
    return 0;
}

static int
server_pid(void)
{
    struct procinfo info;

    return find_server(&info);
}

static uint64
server_size(void)
{
    struct procinfo info;

    CHECK(find_server(&info) != 0);
    return info.size;
}

/* ---- requests ---- */

/* A request in `room` bytes at p, with a key of KEY_BYTES and data to the end. => its size. */
static uint64
make(char *p, uint64 room)
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
static int
is_encrypted(const char *p)
{
    const struct crypto_op *op = (const struct crypto_op *)p;
    const uchar *data = op->payload + KEY_BYTES;

    for (uint64 i = 0; i < op->data_size; i++)
        if (data[i] != (uchar)((uchar)(3 + i) ^ (uchar)('k' + i % KEY_BYTES)))
            return 0;
    return 1;
}

static enum crypto_op_state
state_of(const char *p)
{
    enum crypto_op_state state = ((const volatile struct crypto_op *)p)->state;

    __sync_synchronize();
    return state;
}

static enum crypto_op_state
poll(const char *p)
{
    while (state_of(p) == CRYPTO_OP_STATE_INIT)
        t_spin(100);
    return state_of(p);
}

/* Submits, and sleeps until it is answered. => the state. */
static enum crypto_op_state
ask(char *p, uint64 size)
{
    CHECK_EQ(crypto_op((struct crypto_op *)p, size), 0);
    CHECK_EQ(crypto_wait((struct crypto_op *)p), 0);
    return state_of(p);
}

static void
ask_well(char *p, uint64 size)
{
    make(p, size);
    CHECK_EQ(ask(p, size), CRYPTO_OP_STATE_DONE);
    CHECK(is_encrypted(p));
}

/* Waits until init has started a server that is not `old`, and it answers. => its pid. */
static int
wait_for_server(int old)
{
    for (int i = 0; i < RESTART_TICKS; i++) {
        int pid = server_pid();

        make(memory, 64);
        if (pid != 0 && pid != old && crypto_op((struct crypto_op *)memory, 64) == 0 &&
            poll(memory) == CRYPTO_OP_STATE_DONE && server_pid() == pid)
            return pid;
        pause(1);
    }
    CHECK(!"init starts a new server");
    return 0;
}

/*
 * A new server at a quiet moment: what the kernel keeps for it lies with its other records again,
 * where the last one's were made among those of many processes.
 */
static void
start_anew(void)
{
    int server = wait_for_server(0);

    CHECK_EQ(kill(server), 0);
    wait_for_server(server);
}

/* ---- what works ---- */

static void
every_size(void)
{
    static const uint64 sizes[] = {
        HEADER + KEY_BYTES, HEADER + KEY_BYTES + 1, 100, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 5,
    };

    for (int i = 0; i < COUNT(sizes); i++) {
        ask_well(memory, sizes[i]);
        ask_well(memory + 1000, sizes[i]); /* many pages, and not from the start of one */
        ask_well(memory + PAGE - 8, sizes[i]); /* the header lies in two */
    }
}

/* On one hart who polls has the machine for a whole slice: these are bounded by time as well. */
static int
within(int start, int ticks)
{
    return uptime() - start < ticks;
}

static void
polled(void)
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
static void
both_ways(void)
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
static void
any_memory(void)
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
static void
forked_meanwhile(void)
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

static void
refuse(void *op, uint64 size)
{
    CHECK_EQ(crypto_op(op, size), -1);
}

static void
bad_submissions(void)
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
    {0, 1, 7, 10},           {3, 1, 7, 10},         {~0U, 1, 7, 10},      {1, 0, 7, 10},
    {1, 2, 7, 10},           {1, 3, 7, 10},         {1, ~0U, 7, 10},      {1, 1, 0, 10},
    {1, 1, 477, 0},          {1, 1, 7, 470},        {1, 1, 476, 1},       {1, 1, ~0UL, 10},
    {1, 1, 7, ~0UL},         {1, 1, ~0UL, ~0UL},    {1, 1, 1UL << 63, 1UL << 63},
    {1, 1, 10, 0UL - 10},    {1, 1, 0UL - 10, 10},  {2, 1, 1UL << 32, 1},
};

static void
ask_badly(const struct bad_field *bad)
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

static void
bad_requests(void)
{
    for (int i = 0; i < COUNT(bad_fields); i++)
        ask_badly(&bad_fields[i]);
    ask_well(memory, 500);
}

/* The server always removes what it took: its size stays. */
static void
thousand_bad_requests(void)
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
static void
change_sizes(volatile struct crypto_op *op)
{
    static const uint64 sizes[] = {7, 0, ~0UL, 1UL << 63, 477, 0UL - 7, 100, PAGE};

    for (uint i = 0;; i++) {
        op->key_size = sizes[i % COUNT(sizes)];
        op->data_size = sizes[i / COUNT(sizes) % COUNT(sizes)];
        op->type = i % 4;
    }
}

/* Another process has the request mapped, and changes it after it was submitted. */
static void
sizes_change(void)
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

static void
client(int i)
{
    for (int k = 0; k < 5; k++)
        ask_well(memory + i * 8, 100 + (uint64)i * 50);
    t_exit();
}

static void
as_many_as_processes(void)
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
static void
many_at_once(void)
{
    enum { EACH = 512 };

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

/* ---- clients that end ---- */

/* Submits and is gone, without waiting: by exit, by exec, by unmapping. */
static void
leave(uint64 how)
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

static void
clients_leave(void)
{
    int server = server_pid();

    for (uint64 i = 0; i < 30; i++)
        CHECK_EQ(t_status(leave, i % 3), 0);
    ask_well(memory, 300);
    CHECK_EQ(server_pid(), server);
    CHECK_EQ(audit(), 0);
}

static void
never_stop(char *p, uint64 size)
{
    for (;;) {
        make(p, size);
        if (crypto_op((struct crypto_op *)p, size) < 0)
            exit(1);
        crypto_wait((struct crypto_op *)p);
    }
}

static void
clients_killed(void)
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
static void
killed_in_full_queue(void)
{
    enum { CLIENTS = 2 * QUEUE };
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

static void
server_killed_idle(void)
{
    for (int i = 0; i < 3; i++) {
        int server = wait_for_server(0);

        CHECK_EQ(kill(server), 0);
        CHECK(wait_for_server(server) != server);
    }
    ask_well(memory, 500);
    CHECK_EQ(audit(), 0);
}

/* Every request is answered or refused, whatever happens to the server: nobody waits for ever. */
static void
ask_for_ever(int ticks)
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

static void
server_killed_at_work(void)
{
    enum { CLIENTS = 6 };
    int pids[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        pids[i] = t_fork();
        if (pids[i] == 0) {
            ask_for_ever(30);
            t_exit();
        }
    }
    for (uint i = 0; i < 6; i++) {
        int server = 0;

        while ((server = server_pid()) == 0)
            pause(1);
        t_spin(i * 3000);
        kill(server);
        while (server_pid() == server)
            pause(1);
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

/* Requests that wait when the server dies become ERROR, the one it works on too. */
static void
waiting_become_error(void)
{
    enum { WORK = 4 << 20, EACH = 256 };
    char *large = sbrk(WORK);
    int server = wait_for_server(0);
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
    /* On the whole it was killed before: these wait behind millions of bytes. */
    CHECK(answered < QUEUE - 2);
    wait_for_server(server);
    ask_well(memory, 500);
}

/* ---- who is the server ---- */

static void
only_the_server(void)
{
    static char *plain[] = {"crypto_srv", 0};
    static char *again[] = {"crypto_srv", "again", 0};
    char **both[] = {plain, again};
    int server = server_pid();
    void *addr = (void *)77;
    uint64 size = 77;

    for (int i = 0; i < 3; i++) {
        CHECK_EQ(take_shared_memory_request(&addr, &size), -1);
        CHECK_EQ(remove_shared_memory_request(memory, PAGE), -1);
        make(memory, 300);
        CHECK_EQ(crypto_op((struct crypto_op *)memory, 300), 0);
    }
    CHECK(addr == (void *)77 && size == 77);
    CHECK_EQ(take_shared_memory_request((void **)MAXVA, (uint64 *)MAXVA), -1);
    poll(memory);
    for (int i = 0; i < 2; i++) {
        int pid = t_fork();

        if (pid == 0) {
            exec(both[i][0], both[i]);
            exit(2);
        }
        CHECK_EQ(t_wait(pid), 1);
    }
    CHECK_EQ(server_pid(), server);
    ask_well(memory, 300);
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
    {"clients_leave", clients_leave},
    {"clients_killed", clients_killed},
    {"killed_in_full_queue", killed_in_full_queue},
    {"server_killed_idle", server_killed_idle},
    {"server_killed_at_work", server_killed_at_work},
    {"waiting_become_error", waiting_become_error},
    {"only_the_server", only_the_server},
};

int
main(int argc, char **argv)
{
    t_main("t_crypto", cases, COUNT(cases), argc, argv);
}
