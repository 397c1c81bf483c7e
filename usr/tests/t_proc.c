/*
 * usr/tests/t_proc.c: fork, exit, wait, kill, getpid, sleep, uptime, and the races among them.
 */
#include "kernel/types.h"
#include "kernel/param.h"
#include "kernel/syscall.h"
#include "kernel/lamina.h"
#include "t.h"

static int value = 5;

static void exit_status(void)
{
    static const int statuses[] = {0, 1, -1, 747, -5, 0x7fffffff, (int)0x80000000};

    for (int i = 0; i < COUNT(statuses); i++) {
        int pid = t_fork();

        if (pid == 0)
            exit(statuses[i]);
        CHECK_EQ(t_wait(pid), statuses[i]);
    }
    CHECK_EQ(wait(0), -1);
    if (t_fork() == 0)
        exit(3);
    CHECK(wait(0) > 0); /* the status is not wanted */
}

static void bad_status_pointer(void)
{
    int status = 0;
    int pid = t_fork();

    if (pid == 0)
        exit(9);
    CHECK_EQ(wait((int *)0x80000000), -1);
    CHECK_EQ(wait((int *)~3UL), -1);
    CHECK_EQ(wait(&status), pid); /* the child is still to be had */
    CHECK_EQ(status, 9);
}

/* Memory is copied: writes on either side stay there. */
static void copied_memory(void)
{
    char *heap = sbrk(20 * PAGE);
    int pid;

    t_fill(heap, 20 * PAGE, 1);
    pid = t_fork();
    value += pid == 0 ? 100 : 10;
    if (pid == 0) {
        CHECK_EQ(value, 105);
        CHECK(t_is_pattern(heap, 20 * PAGE, 1));
        t_fill(heap, 10 * PAGE, 2);
        CHECK(t_is_pattern(heap, 10 * PAGE, 2));
        t_exit();
    }
    t_fill(heap + 10 * PAGE, 10 * PAGE, 3);
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(value, 15);
    CHECK(t_is_pattern(heap, 10 * PAGE, 1));
    CHECK(t_is_pattern(heap + 10 * PAGE, 10 * PAGE, 3));
}

static void process_ids(void)
{
    int me = getpid();
    int pid = t_fork();

    if (pid == 0) {
        CHECK(getpid() > me);
        t_exit();
    }
    CHECK(pid > me);
    CHECK_EQ(t_wait(pid), 0);
}

/* The parent, and init in its place once it has ended. */
static void parent_ids(void)
{
    int me = getpid();
    int parent = 0;
    int down[2];
    int up[2];
    int pid;

    CHECK_EQ(pipe(down), 0);
    CHECK_EQ(pipe(up), 0);
    pid = t_fork();
    if (pid == 0) {
        CHECK_EQ(getppid(), me);
        if (t_fork() > 0)
            t_exit();
        CHECK_EQ(read(down[0], &parent, 1), 1); /* from here on an orphan */
        parent = getppid();
        CHECK_EQ(write(up[1], &parent, sizeof(parent)), sizeof(parent));
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(write(down[1], "x", 1), 1);
    CHECK_EQ(read(up[0], &parent, sizeof(parent)), sizeof(parent));
    CHECK_EQ(parent, 1);
}

static void killing(void)
{
    int pid;

    CHECK_EQ(kill(-1), -1);
    CHECK_EQ(kill(0x7fffffff), -1);
    kill(0); /* whatever it returns, the next child is not to suffer */
    pid = t_fork();
    if (pid == 0) {
        getpid();
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    for (int i = 0; i < 3; i++) {
        pid = t_fork();
        if (pid == 0)
            for (;;) {
                if (i == 0)
                    getpid();
                if (i == 1)
                    pause(1000000);
            }
        t_spin(20000);
        CHECK_EQ(kill(pid), 0);
        CHECK_EQ(t_wait(pid), -1);
        CHECK_EQ(kill(pid), -1);
    }
}

/* Asleep in wait and in a read of the console: a kill wakes it up, and its status is -1. */
static void kill_sleeper(void)
{
    for (int i = 0; i < 2; i++) {
        int pid = t_fork();

        if (pid == 0) {
            char c;

            if (i == 0)
                read(open("console", 0), &c, 1);
            else if (fork() == 0)
                pause(10);
            else
                wait(0);
            exit(3);
        }
        pause(1);
        CHECK_EQ(kill(pid), 0);
        CHECK_EQ(t_wait(pid), -1);
    }
}

static void kill_zombie(void)
{
    int ends[2];
    char c;
    int pid;

    CHECK_EQ(pipe(ends), 0);
    pid = t_fork();
    if (pid == 0)
        exit(4);
    close(ends[1]);
    CHECK_EQ(read(ends[0], &c, 1), 0);
    pause(1);
    CHECK_EQ(kill(pid), 0);
    /* It had called exit: 4 it is, unless the kill came before that call was through. */
    wait(&value);
    CHECK(value == 4 || value == -1);
}

/* Processes that only compute do not keep others from running. */
static void preemption(void)
{
    int pids[NCPU + 1];

    for (int i = 0; i < COUNT(pids); i++) {
        pids[i] = t_fork();
        if (pids[i] == 0)
            for (;;)
                t_spin(1000000);
    }
    for (int i = 0; i < COUNT(pids); i++)
        CHECK_EQ(kill(pids[i]), 0);
    for (int i = 0; i < COUNT(pids); i++)
        CHECK(wait(0) > 0);
}

static void sleeping(void)
{
    uint before = (uint)uptime();

    CHECK_EQ(pause(0), 0);
    CHECK_EQ(sleep(2), 0);
    CHECK((uint)uptime() - before >= 2);
    CHECK_EQ(pause(-1), 0); /* at once */
}

static void exit_and_wait(void)
{
    for (int i = 0; i < 200; i++) {
        int pid = t_fork();

        if (pid == 0)
            exit(i);
        CHECK_EQ(t_wait(pid), i);
    }
}

/* Children whose parent goes first, or at the same moment, are init's, and are reaped. */
static void orphans(void)
{
    for (int i = 0; i < 60; i++) {
        int pid = t_fork();

        if (pid == 0) {
            for (int k = 0; k < 2; k++)
                if (fork() == 0)
                    exit(0);
            exit(i);
        }
        CHECK_EQ(t_wait(pid), i);
    }
    CHECK_EQ(wait(0), -1);
}

static void all_slots(void)
{
    int n = 0;
    int tries;

    for (tries = 0; tries < NPROC + 1; tries++) {
        int pid = fork();

        if (pid == 0)
            for (;;)
                pause(1000000);
        if (pid < 0)
            break;
        n++;
    }
    CHECK(n > 10 && tries < NPROC + 1);
    for (int slot = 0; slot < NPROC; slot++) {
        struct procinfo info;

        CHECK_EQ(procinfo(slot, &info), 0);
        if (info.ppid == getpid())
            CHECK_EQ(kill(info.pid), 0);
    }
    for (; n > 0; n--)
        CHECK(wait(0) > 0);
    CHECK_EQ(wait(0), -1);
}

static void listing(void)
{
    struct procinfo info;
    int seen = 0;
    int slot;

    for (slot = 0; procinfo(slot, &info) == 0; slot++) {
        if (info.pid == 1)
            CHECK_EQ(strcmp(info.name, "init"), 0);
        if (info.pid != getpid())
            continue;
        seen++;
        CHECK_EQ(info.state, PROCINFO_RUNNING);
        CHECK_EQ(info.ppid, getppid());
        CHECK(info.family != 0);
        CHECK_EQ(info.size, (uint64)sbrk(0));
        CHECK_EQ(strcmp(info.name, "t_proc"), 0);
    }
    CHECK_EQ(seen, 1);
    CHECK_EQ(slot, NPROC);
    CHECK_EQ(procinfo(-1, &info), -1);
    CHECK_EQ(procinfo(0, (struct procinfo *)0x80000000), -1);
}

static long raw_call(uint64 number)
{
    register uint64 a0 __asm__("a0") = 0;
    register uint64 a7 __asm__("a7") = number;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return (long)a0;
}

static void unknown_calls(void)
{
    CHECK_EQ(raw_call(0), -1);
    CHECK_EQ(raw_call(9999), -1);
    CHECK_EQ(raw_call(~0UL), -1);
    CHECK_EQ(raw_call((1UL << 32) + SYS_getpid), getpid());
}

/* ecall changes a0 and nothing else. */
static void registers_kept(void)
{
    uint64 bad;

    __asm__ volatile("li t0, 11\n li t1, 12\n li t2, 13\n li t3, 14\n li t4, 15\n li t5, 16\n"
                     "li t6, 17\n li a1, 21\n li a2, 22\n li a3, 23\n li a4, 24\n li a5, 25\n"
                     "li a6, 26\n li a7, %1\n ecall\n"
                     "addi t0, t0, -11\n addi t1, t1, -12\n addi t2, t2, -13\n addi t3, t3, -14\n"
                     "addi t4, t4, -15\n addi t5, t5, -16\n addi t6, t6, -17\n addi a1, a1, -21\n"
                     "addi a2, a2, -22\n addi a3, a3, -23\n addi a4, a4, -24\n addi a5, a5, -25\n"
                     "addi a6, a6, -26\n addi a7, a7, -%1\n"
                     "or t0, t0, t1\n or t0, t0, t2\n or t0, t0, t3\n or t0, t0, t4\n"
                     "or t0, t0, t5\n or t0, t0, t6\n or t0, t0, a1\n or t0, t0, a2\n"
                     "or t0, t0, a3\n or t0, t0, a4\n or t0, t0, a5\n or t0, t0, a6\n"
                     "or %0, t0, a7\n"
                     : "=r"(bad)
                     : "i"(SYS_getpid)
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5",
                       "a6", "a7", "memory");
    CHECK_EQ(bad, 0);
}

/* gp and tp are the program's own, whatever the kernel uses them for. */
static void pointers_kept(void)
{
    uint64 bad;

    __asm__ volatile("li gp, 77\n li tp, 78\n li a7, %1\n ecall\n"
                     "addi gp, gp, -77\n addi tp, tp, -78\n or %0, gp, tp"
                     : "=r"(bad)
                     : "i"(SYS_getpid)
                     : "a0", "a7", "memory");
    CHECK_EQ(bad, 0);
}

/* Nor does an interrupt change a register: each child computes for longer than its time slice. */
static void registers_kept_at_switch(void)
{
    enum {
        CHILDREN = 4
    };

    for (int i = 0; i < CHILDREN; i++) {
        uint64 bad;

        if (t_fork() != 0)
            continue;
        __asm__ volatile("li gp, 1\n li tp, 2\n li t0, 3\n li t1, 4\n li t2, 5\n li t3, 6\n"
                         "li t4, 7\n li t5, 8\n li a0, 9\n li a1, 10\n li a2, 11\n li a3, 12\n"
                         "li a4, 13\n li a5, 14\n li a6, 15\n li a7, 16\n li t6, 20000000\n"
                         "1: addi t6, t6, -1\n bnez t6, 1b\n"
                         "slli t0, t0, 1\n slli t2, t2, 2\n slli t4, t4, 3\n slli a0, a0, 4\n"
                         "add %0, gp, tp\n add %0, %0, t0\n add %0, %0, t1\n add %0, %0, t2\n"
                         "add %0, %0, t3\n add %0, %0, t4\n add %0, %0, t5\n add %0, %0, a0\n"
                         "add %0, %0, a1\n add %0, %0, a2\n add %0, %0, a3\n add %0, %0, a4\n"
                         "add %0, %0, a5\n add %0, %0, a6\n add %0, %0, a7\n"
                         : "=&r"(bad)
                         :
                         : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4",
                           "a5", "a6", "a7", "memory");
        CHECK_EQ(bad, 338);
        t_exit();
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;

        CHECK(wait(&status) > 0);
        CHECK_EQ(status, 0);
    }
}

static const struct t_case cases[] = {
    {"exit_status", exit_status},     {"bad_status_pointer", bad_status_pointer},
    {"copied_memory", copied_memory}, {"process_ids", process_ids},
    {"parent_ids", parent_ids},       {"killing", killing},
    {"kill_sleeper", kill_sleeper},   {"kill_zombie", kill_zombie},
    {"preemption", preemption},       {"sleeping", sleeping},
    {"exit_and_wait", exit_and_wait}, {"orphans", orphans},
    {"all_slots", all_slots},         {"listing", listing},
    {"unknown_calls", unknown_calls}, {"registers_kept", registers_kept},
    {"pointers_kept", pointers_kept}, {"registers_kept_at_switch", registers_kept_at_switch},
};

int main(int argc, char **argv)
{
    t_main("t_proc", cases, COUNT(cases), argc, argv);
}
