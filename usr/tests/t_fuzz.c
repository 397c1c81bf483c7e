/*
 * usr/tests/t_fuzz.c: system calls with arguments at random, from values at the edges. What they
 * return does not matter: the kernel lives, the audit finds nothing, and no memory is lost.
 * Left out are calls that wait for ever, stop the machine, or hit others on purpose.
 * Invariants attacked: I1, I3, I6, I7, I8.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/memlayout.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"
#include "kernel/syscall.h"
#include "t.h"

#define CHILDREN 12
#define CALLS    100

static char buffer[4 * PAGE] __attribute__((aligned(4096)));
static uint state;

static const ushort numbers[] = {
    SYS_wait,
    SYS_read,
    SYS_exec,
    SYS_fstat,
    SYS_chdir,
    SYS_dup,
    SYS_sbrk,
    SYS_uptime,
    SYS_open,
    SYS_write,
    SYS_mknod,
    SYS_unlink,
    SYS_link,
    SYS_mkdir,
    SYS_close,
    SYS_map_shared_pages,
    SYS_unmap_shared_pages,
    SYS_meminfo,
    SYS_procinfo,
    SYS_ktime,
};

static char *const paths[] = {
    "/t_fuzz.d", "/t_fuzz.d/a", "/t_fuzz.d/b", "/t_fuzz.d/a/", "/t_fuzz.d/a/c", "/t_fuzz.d/./b",
    "",          "/",
};

static const uint64 edges[] = {
    0,
    1,
    2,
    3,
    8,
    PAGE - 1,
    PAGE,
    PAGE + 1,
    3 * PAGE,
    1UL << 20,
    0x7fffffff,
    0x80000000,
    ~0U,
    1UL << 32,
    TRAPFRAME - PAGE,
    TRAPFRAME,
    TRAMPOLINE,
    MAXVA - 1,
    MAXVA,
    1UL << 63,
    0UL - PAGE,
    ~0UL,
    0xffffffc080200000UL,
    0xeaeb0b5b00002f5eUL,
    O_RDWR | O_CREATE,
    O_TRUNC | O_RDWR,
};

/* Whether argument i of the call is a path. */
static int is_path(uint64 number, int i)
{
    if (number == SYS_link)
        return i <= 1;
    return i == 0 && (number == SYS_exec || number == SYS_chdir || number == SYS_open ||
                      number == SYS_mknod || number == SYS_unlink || number == SYS_mkdir);
}

/* Names come from the list, or are no memory: whatever lies in memory would name anything. */
static uint64 any_path(void)
{
    uint64 edge = edges[t_random(&state) % COUNT(edges)];

    return edge < 1UL << 20 ? (uint64)paths[edge % COUNT(paths)] : edge;
}

static uint64 any_argument(void)
{
    switch (t_random(&state) % 6) {
    case 0:
        return (uint64)buffer + t_random(&state) % sizeof(buffer);
    case 1:
        return (uint64)sbrk(0) - t_random(&state) % 3;
    case 2:
        return PGROUNDDOWN(r_sp()) - t_random(&state) % 3;
    case 3:
        return t_random(&state) % 2 == 0 ? (uint64)getpid() : t_random(&state) % 12;
    case 4:
        return (uint64)paths[t_random(&state) % COUNT(paths)];
    default:
        return edges[t_random(&state) % COUNT(edges)];
    }
}

static void any_call(void)
{
    register uint64 a7 __asm__("a7") = numbers[t_random(&state) % COUNT(numbers)];
    register uint64 a0 __asm__("a0");
    register uint64 a1 __asm__("a1");
    register uint64 a2 __asm__("a2");
    register uint64 a3 __asm__("a3");
    uint64 argument[4];
    uint64 number = a7;

    for (int i = 0; i < COUNT(argument); i++)
        argument[i] = is_path(number, i) ? any_path() : any_argument();
    if (number == SYS_mknod)
        argument[1] = 7; /* a console of that name would be read from, for ever */
    a0 = argument[0];
    a1 = argument[1];
    a2 = argument[2];
    a3 = argument[3];
    a7 = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
}

static void __attribute__((noreturn)) call_at_random(uint seed)
{
    state = seed;
    for (int fd = 0; fd < 16; fd++) /* no console to read from */
        close(fd);
    open("/README", O_RDONLY);
    open("/t_fuzz.d/b", O_CREATE | O_RDWR);
    for (int i = 0; i < CALLS; i++)
        any_call();
    exit(0);
}

static void clean_up(void)
{
    static char *const left[] = {"/t_fuzz.d/a/c", "/t_fuzz.d/a", "/t_fuzz.d/b"};
    struct stat st;

    for (int i = 0; i < COUNT(left); i++)
        unlink(left[i]);
    unlink("/t_fuzz.d");
    CHECK_EQ(stat("/t_fuzz.d", &st), -1);
}

/* One after the other, then all at once. They end as they may: killed, or as /t_fuzz.d/b. */
static void run_children(uint seed, int at_once)
{
    int running = 0;

    mkdir("/t_fuzz.d");
    for (uint i = 0; i < CHILDREN; i++) {
        if (t_fork() == 0)
            call_at_random(seed + i * 31);
        if (++running >= at_once) {
            CHECK(wait(0) > 0);
            running--;
        }
    }
    while (running-- > 0)
        CHECK(wait(0) > 0);
    CHECK_EQ(audit(), 0);
    clean_up();
}

static void one_by_one(void)
{
    run_children(1, 1);
}

static void at_once(void)
{
    run_children(1000, 6);
}

static const struct t_case cases[] = {
    {"one_by_one", one_by_one},
    {"at_once", at_once},
};

int main(int argc, char **argv)
{
    t_main("t_fuzz", cases, COUNT(cases), argc, argv);
}
