/*
 * usr/tests/t_sharewho.c: who may share with whom, and what map and unmap refuse. A refusal is -1
 * and changes nothing. Invariants attacked: I3, I6, I8.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "kernel/memlayout.h"
#include "t.h"

#define KERNEL_IMAGE 0xffffffc080200000UL

static char buffer[2 * PAGE] __attribute__((aligned(4096)));

static void refuse(int source, int destination, uint64 va, uint64 n)
{
    uint64 size = (uint64)sbrk(0);
    long pages = t_free_pages();

    CHECK_EQ(map_shared_pages(source, destination, va, n), -1);
    CHECK_EQ((uint64)sbrk(0), size);
    CHECK(t_settle(pages) >= pages);
}

static void refuse_both_ways(int pid)
{
    refuse(getpid(), pid, (uint64)buffer, PAGE);
    refuse(pid, getpid(), (uint64)buffer, PAGE);
    refuse(pid, getpid(), 0, PAGE);
}

static void no_such_process(void)
{
    static const int pids[] = {0, -1, -2, 999999, 0x7fffffff, (int)0x80000000};

    for (int i = 0; i < COUNT(pids); i++) {
        refuse_both_ways(pids[i]);
        refuse(pids[i], pids[i], (uint64)buffer, PAGE);
    }
}

static void wait_for_word(struct t_peer *parent, uint64 unused)
{
    (void)unused;
    t_get(parent);
}

static void zombie_process(void)
{
    int ends[2];
    char byte;
    int pid;

    CHECK_EQ(pipe(ends), 0);
    pid = t_fork();
    if (pid == 0)
        exit(0);
    close(ends[1]);
    CHECK_EQ(read(ends[0], &byte, 1), 0); /* the child has closed its end: it is about to be one */
    while (map_to(pid, buffer, PAGE) != NO_ADDRESS)
        pause(1);
    refuse_both_ways(pid);
    CHECK_EQ(t_wait(pid), 0);
    refuse_both_ways(pid);
}

static void third_party(void)
{
    struct t_peer a;
    struct t_peer b;

    t_start(&a, wait_for_word, 0);
    t_start(&b, wait_for_word, 0);
    refuse(a.pid, b.pid, (uint64)buffer, PAGE);
    refuse(a.pid, a.pid, (uint64)buffer, PAGE);
    CHECK(map_to(a.pid, buffer, PAGE) != NO_ADDRESS);
    CHECK(map_from(b.pid, buffer, PAGE) != NO_ADDRESS);
    t_put(&a, 0);
    CHECK_EQ(t_join(&a), 0);
    t_put(&b, 0);
    CHECK_EQ(t_join(&b), 0);
}

static void init_and_shell(void)
{
    refuse_both_ways(1);
    refuse_both_ways(2);
}

/* A child that has called exec is another family, with a pipe as its input and output. */
static void other_family(void)
{
    static char *argv[] = {"cat", 0};
    int down[2];
    int up[2];
    char byte = 'x';
    int pid;

    CHECK_EQ(pipe(down), 0);
    CHECK_EQ(pipe(up), 0);
    pid = t_fork();
    if (pid == 0) {
        close(0);
        dup(down[0]);
        close(1);
        dup(up[1]);
        for (int fd = 3; fd < 16; fd++)
            close(fd);
        exec("cat", argv);
        exit(1);
    }
    CHECK_EQ(write(down[1], &byte, 1), 1);
    CHECK_EQ(read(up[0], &byte, 1), 1); /* it runs */
    refuse_both_ways(pid);
    close(down[0]);
    close(down[1]);
    CHECK_EQ(t_wait(pid), 0);
}

static void sizes_and_wraps(void)
{
    int me = getpid();
    uint64 at = (uint64)buffer;

    refuse(me, me, at, 0);
    refuse(me, me, at, ~0UL);
    refuse(me, me, at, -at);
    refuse(me, me, at, 0UL - PAGE);
    refuse(me, me, at, 1UL << 63);
    refuse(me, me, ~0UL, 1);
    refuse(me, me, ~0UL, 2);
    refuse(me, me, 0UL - PAGE, PAGE);
    refuse(me, me, 0UL - PAGE, 2 * PAGE);
    refuse(me, me, at, MAXVA);
    refuse(me, me, at, MAXVA - at);
}

static void outside_memory(void)
{
    static const uint64 places[] = {
        KERNBASE,
        TRAPFRAME,
        TRAMPOLINE,
        MAXVA - 1,
        MAXVA,
        1UL << 39,
        1UL << 40,
        1UL << 63,
        KERNEL_IMAGE,
        0xffffffc000000000UL,
        0xeaeb0b5b00002f5eUL,
    };

    for (int i = 0; i < COUNT(places); i++) {
        refuse(getpid(), getpid(), places[i], 1);
        refuse(getpid(), getpid(), places[i], 2 * PAGE);
    }
}

static void holes(void)
{
    uint64 guard = PGROUNDDOWN(r_sp()) - PAGE;
    uint64 end = (uint64)t_align_break();
    uint64 at;

    refuse(getpid(), getpid(), guard, 1);
    refuse(getpid(), getpid(), guard - 1, 2);
    refuse(getpid(), getpid(), guard + PAGE - 1, 2);
    refuse(getpid(), getpid(), end, 1);
    refuse(getpid(), getpid(), end - 1, 2);
    refuse(getpid(), getpid(), end - PAGE, 2 * PAGE);
    at = map_to(getpid(), buffer, PAGE);
    CHECK(sbrk(PAGE) != SBRK_ERROR);
    CHECK_EQ(unmap_shared_pages(at, PAGE), 0);
    refuse(getpid(), getpid(), at, PAGE); /* a hole between two pieces of heap */
    refuse(getpid(), getpid(), at - 1, PAGE + 2);
}

/* Whatever is asked for, the shared page and the size stay. */
static void refuse_unmap(uint64 va, uint64 n)
{
    uint64 size = (uint64)sbrk(0);

    CHECK_EQ(unmap_shared_pages(va, n), -1);
    CHECK_EQ((uint64)sbrk(0), size);
}

static void bad_unmaps(void)
{
    uint64 heap = (uint64)t_align_break();
    uint64 at;

    CHECK(sbrk(PAGE) != SBRK_ERROR);
    at = map_to(getpid(), buffer, 2 * PAGE);
    CHECK_EQ(at, heap + PAGE);
    refuse_unmap(at, 0);
    refuse_unmap(at, 3 * PAGE);
    refuse_unmap(at, 2 * PAGE + 1);
    refuse_unmap(at - 1, 2);
    refuse_unmap(at, ~0UL);
    refuse_unmap(at, 0UL - PAGE);
    refuse_unmap(at, -at);
    refuse_unmap(heap, PAGE);
    refuse_unmap((uint64)buffer, PAGE); /* lent, not borrowed */
    refuse_unmap(0, PAGE);
    refuse_unmap(r_sp(), 8);
    refuse_unmap(PGROUNDDOWN(r_sp()) - PAGE, PAGE);
    refuse_unmap(TRAPFRAME, PAGE);
    refuse_unmap(MAXVA, PAGE);
    refuse_unmap(KERNEL_IMAGE, PAGE);
    t_fill(buffer, 2 * PAGE, 9);
    CHECK(t_is_pattern((char *)at, 2 * PAGE, 9));
    CHECK_EQ(unmap_shared_pages(at, 2 * PAGE), 0);
    refuse_unmap(at, 2 * PAGE);
}

/* A destination that has grown to the end of user space has no room above its break. */
static void no_room(void)
{
    while (sbrklazy(1 << 30) != SBRK_ERROR)
        ;
    while (sbrklazy(1 << 20) != SBRK_ERROR)
        ;
    while (sbrklazy(PAGE) != SBRK_ERROR)
        ;
    refuse(getpid(), getpid(), (uint64)buffer, PAGE);
    CHECK(sbrk(-(int)PAGE) != SBRK_ERROR);
    refuse(getpid(), getpid(), (uint64)buffer, 2 * PAGE);
}

static const struct t_case cases[] = {
    {"no_such_process", no_such_process}, {"zombie_process", zombie_process},
    {"third_party", third_party},         {"init_and_shell", init_and_shell},
    {"other_family", other_family},       {"sizes_and_wraps", sizes_and_wraps},
    {"outside_memory", outside_memory},   {"holes", holes},
    {"bad_unmaps", bad_unmaps},           {"no_room", no_room},
};

int main(int argc, char **argv)
{
    t_main("t_sharewho", cases, COUNT(cases), argc, argv);
}
