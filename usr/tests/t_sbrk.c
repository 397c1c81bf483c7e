/*
 * usr/tests/t_sbrk.c: the heap: eager and lazy growth, shrinking, limits, and what is behind it.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"
#include "kernel/memlayout.h"
#include "kernel/vm.h"
#include "kernel/lamina.h"
#include "t.h"

static void load(uint64 address)
{
    (void)*(volatile char *)address;
}

static void store(uint64 address)
{
    *(volatile char *)address = 1;
}

static void byte_by_byte(void)
{
    char *p = sbrk(0);

    for (int i = 0; i < 9000; i++) {
        CHECK_EQ((uint64)sbrk(1), (uint64)p);
        *p++ = 1;
    }
    CHECK_EQ((uint64)sbrk(-9000), (uint64)p);
}

static void end_of_heap(void)
{
    char *end = t_align_break();

    CHECK_EQ(t_status(load, (uint64)end), -1);
    CHECK((uint64)sbrk(1) == (uint64)end);
    CHECK_EQ(t_status(load, (uint64)end + PAGE - 1), 0); /* the whole last page is there */
    CHECK_EQ(t_status(load, (uint64)end + PAGE), -1);
    sbrk(-1);
    CHECK_EQ(t_status(store, (uint64)end), -1);
}

static void grown_again(void)
{
    char *p = t_align_break();

    sbrk(4 * PAGE);
    t_fill(p, 4 * PAGE, 1);
    CHECK_EQ((uint64)sbrk(-4 * (int)PAGE), (uint64)p + 4 * PAGE);
    CHECK_EQ(t_status(load, (uint64)p), -1);
    CHECK_EQ((uint64)sbrk(4 * PAGE), (uint64)p);
    for (uint64 i = 0; i < 4 * PAGE; i++)
        if (p[i] != 0) {
            CHECK(!"fresh heap is zero");
            break;
        }
}

/* What was given back is gone for the kernel as well, at once. */
static void given_back(void)
{
    char *p = t_align_break();
    int fd = open("echo", O_RDONLY);

    sbrk(2 * PAGE);
    CHECK_EQ(read(fd, p, 10), 10);
    sbrk(-2 * (int)PAGE);
    CHECK_EQ(read(fd, p + PAGE, 10), -1);
    CHECK_EQ(write(fd, p, 10), -1);
    CHECK_EQ(read(fd, p, 10), -1);
    close(fd);
}

static void free_everything(uint64 rest)
{
    volatile int on_stack = 1;

    sbrk(-(int)((uint64)sbrk(0) - rest));
    on_stack++; /* neither code nor stack is left */
    exit(on_stack);
}

static void below_zero(void)
{
    uint64 size = (uint64)sbrk(0);

    CHECK_EQ((uint64)sbrk(-(int)(size + 1)), size);
    CHECK_EQ((uint64)sbrk((int)0x80000000), size);
    CHECK_EQ((uint64)sbrk(0), size);
    CHECK_EQ(t_status(free_everything, 0), -1);
    CHECK_EQ(t_status(free_everything, 100), -1); /* the stack is gone */
}

static void too_much(void)
{
    long before = t_free_pages();
    uint64 size = (uint64)sbrk(0);
    struct meminfo info;

    CHECK_EQ(meminfo(&info), 0);
    if (info.total * PAGE < 0x7fffffff) {
        CHECK_EQ((uint64)sbrk(0x7fffffff), -1);
        CHECK_EQ((uint64)sbrk((int)(info.total * PAGE)), -1);
    }
    CHECK_EQ((uint64)sbrk(0), size);
    CHECK(t_settle(before) >= before);
}

/* ---- lazy ---- */

static void lazy_touch(void)
{
    char *p = sbrklazy(1 << 30);
    long before = t_free_pages();

    CHECK(p != SBRK_ERROR);
    CHECK_EQ((uint64)sbrk(0), (uint64)p + (1 << 30));
    for (uint64 i = 0; i < 64; i++) {
        volatile char *at = p + i * (1UL << 24);

        CHECK_EQ(*at, 0);
        *at = (char)i;
    }
    CHECK(before - t_free_pages() < 1000); /* only what was touched, and tables */
    for (uint64 i = 0; i < 64; i++)
        CHECK_EQ(p[i * (1UL << 24)], i);
    CHECK_EQ((uint64)sbrk(-(1 << 30)), (uint64)p + (1 << 30));
    CHECK_EQ(t_status(store, (uint64)p + PAGE), -1);
    CHECK(t_settle(before) >= before);
}

static void lazy_fork(void)
{
    char *p = sbrklazy(1 << 30);
    int pid;

    p[0] = 1;
    p[1 << 29] = 2;
    pid = t_fork();
    if (pid == 0) {
        CHECK(p[0] == 1 && p[1 << 29] == 2);
        p[0] = 3;
        CHECK_EQ(p[(1 << 30) - 1], 0); /* the child's lazy pages appear as well */
        sbrk(-(1 << 30));
        CHECK_EQ(t_status(load, (uint64)p + (1 << 29)), -1);
        t_exit();
    }
    CHECK_EQ(t_wait(pid), 0);
    CHECK_EQ(p[0], 1);
}

/* Lazy pages appear for the kernel too, as buffers and as path strings. */
static void lazy_copies(void)
{
    char *p = t_align_break();
    int fd = open("echo", O_RDONLY);
    int ends[2];

    sbrklazy(8 * PAGE);
    CHECK_EQ(read(fd, p + PAGE - 5, 10), 10);
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(write(ends[1], p + 3 * PAGE - 5, 10), 10);
    CHECK_EQ(read(ends[0], p + 4 * PAGE, 10), 10);
    CHECK_EQ(pipe((int *)(p + 5 * PAGE)), 0);
    p[7 * PAGE - 1] = '/';
    CHECK(open(p + 7 * PAGE - 1, O_RDONLY) >= 0); /* its NUL is in the untouched page */
    close(fd);
}

static void guard_stays(void)
{
    uint64 guard = PGROUNDDOWN(r_sp()) - PAGE;

    CHECK_EQ(t_status(load, guard), -1);
    CHECK_EQ(t_status(store, guard + PAGE - 1), -1);
    CHECK(write(1, (void *)guard, 1) <= 0);
    CHECK(sbrklazy(PAGE) != SBRK_ERROR);
    CHECK_EQ(t_status(load, guard), -1);
}

static void jump(uint64 address)
{
    ((void (*)(void))address)();
}

/* Loads and stores make a lazy page; an instruction fetch does not, and may not use one either. */
static void lazy_is_not_code(void)
{
    char *p = t_align_break();

    CHECK(sbrklazy(2 * PAGE) != SBRK_ERROR);
    CHECK_EQ(t_status(jump, (uint64)p), -1);
    *(uint *)p = 0x00008067; /* ret */
    CHECK_EQ(t_status(jump, (uint64)p), -1);
}

/* The flag: 2 is lazy, and nothing else is; a lazy promise is none, so it may exceed memory. */
static void which_flag(void)
{
    static const int eager[] = {0, 1, 3, 117, -1};
    struct meminfo info;

    CHECK_EQ(meminfo(&info), 0);
    if (info.total * PAGE > 0x7fffffff)
        return;
    for (int i = 0; i < COUNT(eager); i++)
        CHECK_EQ((uint64)sys_sbrk(0x7fffffff, eager[i]), -1);
    CHECK(sys_sbrk(0x7fffffff, SBRK_LAZY) != SBRK_ERROR);
    CHECK(sys_sbrk(-0x7fffffff, SBRK_LAZY) != SBRK_ERROR);
}

static void to_the_top(void)
{
    uint64 now;

    t_align_break();
    for (uint64 left; (left = TRAPFRAME - PAGE - (uint64)sbrk(0)) > 0;)
        if (sbrklazy(left > 1UL << 30 ? 1 << 30 : (int)left) == SBRK_ERROR) {
            CHECK(!"the break reaches the top");
            break;
        }
    now = (uint64)sbrk(0);
    CHECK_EQ(now, TRAPFRAME - PAGE);
    CHECK_EQ((uint64)sbrk(PAGE), now);
    CHECK_EQ(*(volatile char *)now, 0);
    CHECK_EQ(*(volatile char *)(now + PAGE - 1), 0);
    CHECK_EQ((uint64)sbrk(1), -1);
    CHECK_EQ((uint64)sbrklazy(1), -1);
    CHECK_EQ((uint64)sbrk(0), TRAPFRAME);
    CHECK_EQ(t_status(load, TRAPFRAME), -1);
    CHECK_EQ(t_status(store, TRAPFRAME - 1), 0); /* forks 255 GiB of absent pages, quickly */
}

static const struct t_case cases[] = {
    {"byte_by_byte", byte_by_byte},
    {"end_of_heap", end_of_heap},
    {"grown_again", grown_again},
    {"given_back", given_back},
    {"below_zero", below_zero},
    {"too_much", too_much},
    {"lazy_touch", lazy_touch},
    {"lazy_fork", lazy_fork},
    {"lazy_copies", lazy_copies},
    {"guard_stays", guard_stays},
    {"which_flag", which_flag},
    {"to_the_top", to_the_top},
    {"lazy_is_not_code", lazy_is_not_code},
};

int main(int argc, char **argv)
{
    t_main("t_sbrk", cases, COUNT(cases), argc, argv);
}
