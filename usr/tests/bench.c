/*
 * usr/tests/bench.c: what the operations cost that `make bench` holds against the goals.
 *
 * Prints `bench NAME VALUE UNIT`. Meant for `-smp 1 -icount shift=0`, where an instruction takes
 * a nanosecond: ktime() counts ticks of 100 ns, so VALUE is ticks * 100 / operations, in
 * instructions. On any other machine it is time, in nanoseconds as the host lets them pass; a loop
 * of known length tells which, and the first line says it. The clock is read by a system call,
 * twice a measurement; each repeats its operation until that cost is below one in a hundred or so.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "t.h"

#define NS_PER_TICK       100
#define PAGES             4096
#define LOOP_INSTRUCTIONS 2000000UL
#define SHARED_PAGES      1024
#define NAME              "bench.tmp"

static char chunk[64 * 1024] __attribute__((aligned(4096)));
static uint64 started;
static const char *unit = "ns"; /* what a nanosecond is: see find_unit() */

static void start(void)
{
    started = ktime();
}

/* `per` is what one operation is, "" or "/page". */
static void print(const char *name, uint64 value, const char *per)
{
    printf("bench %s %lu %s%s\n", name, value, unit, per);
}

static void report(const char *name, uint64 operations, const char *per)
{
    uint64 ticks = ktime() - started;

    print(name, ticks * NS_PER_TICK / operations, per);
}

/* How long a loop of LOOP_INSTRUCTIONS takes. => ns */
static uint64 time_loop(void)
{
    uint64 turns = LOOP_INSTRUCTIONS / 2;

    start();
    __asm__ volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(turns));
    return (ktime() - started) * NS_PER_TICK;
}

/* Several times as long as its number of instructions, to one part in 200: they are what is counted. */
static void find_unit(void)
{
    int exact = 0;

    for (int i = 0; i < 5; i++) {
        uint64 ns = time_loop();

        exact += ns >= LOOP_INSTRUCTIONS && ns < LOOP_INSTRUCTIONS + LOOP_INSTRUCTIONS / 200;
    }
    if (exact >= 4) /* once, a timer may have come between */
        unit = "instructions";
    printf(exact >= 4 ? "bench: counts instructions\n"
                      : "bench: these are nanoseconds of the host's time, not instructions, which "
                        "`make bench` counts\n");
}

static void need(int ok, const char *what)
{
    if (ok)
        return;
    printf("bench: %s failed\n", what);
    exit(1);
}

static void touch_all(char *p, uint64 pages)
{
    for (uint64 i = 0; i < pages; i++)
        p[i * PAGE] = 1;
}

static void system_call(void)
{
    start();
    for (int i = 0; i < 20000; i++)
        getpid();
    report("null_syscall", 20000, "");
}

static void fork_exit_wait(const char *name, int times)
{
    start();
    for (int i = 0; i < times; i++) {
        if (fork() == 0)
            exit(0);
        wait(0);
    }
    report(name, (uint64)times, "");
}

static void fork_exec_wait(void)
{
    static char *argv[] = {"echo", 0};
    int ends[2];

    need(pipe(ends) == 0, "pipe");
    start();
    for (int i = 0; i < 50; i++) {
        if (fork() == 0) {
            exec("echo", argv);
            exit(1);
        }
        wait(0);
    }
    report("fork_exec_wait", 50, "");
    close(ends[0]);
    close(ends[1]);
}

/* fork() alone: from before the call to its return in the parent. */
static void fork_large(void)
{
    char *p = sbrk(PAGES * PAGE);
    uint64 sum = 0;
    int times = 10;

    need(p != SBRK_ERROR, "sbrk");
    touch_all(p, PAGES);
    for (int i = 0; i < times; i++) {
        int ends[2];
        char c;

        need(pipe(ends) == 0, "pipe");
        started = ktime();
        if (fork() == 0) {
            read(ends[0], &c, 1); /* stays out of the way until the clock was read */
            exit(0);
        }
        sum += ktime() - started;
        write(ends[1], "x", 1);
        wait(0);
        close(ends[0]);
        close(ends[1]);
    }
    print("fork_4096_pages", sum * NS_PER_TICK / (uint64)times, "");

    start();
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) {
            touch_all(p, PAGES);
            exit(0);
        }
        wait(0);
    }
    report("fork_write_exit", 3 * PAGES, "/page");
    sbrk(-(int)(PAGES * PAGE));
}

static void pipe_round_trip(void)
{
    enum {
        TRIPS = 2000
    };
    int down[2];
    int up[2];
    char c = 0;

    need(pipe(down) == 0 && pipe(up) == 0, "pipe");
    if (fork() == 0) {
        for (int i = 0; i < TRIPS; i++) {
            read(down[0], &c, 1);
            write(up[1], &c, 1);
        }
        exit(0);
    }
    start();
    for (int i = 0; i < TRIPS; i++) {
        write(down[1], &c, 1);
        read(up[0], &c, 1);
    }
    report("pipe_round_trip", TRIPS, "");
    wait(0);
    for (int i = 0; i < 2; i++) {
        close(down[i]);
        close(up[i]);
    }
}

static void pipe_bandwidth(void)
{
    enum {
        WRITES = 64
    };
    int ends[2];
    uint64 bytes = 0;
    uint64 ticks;
    int n;

    need(pipe(ends) == 0, "pipe");
    if (fork() == 0) {
        close(ends[0]);
        for (int i = 0; i < WRITES; i++)
            write(ends[1], chunk, sizeof(chunk));
        exit(0);
    }
    close(ends[1]);
    start();
    while ((n = read(ends[0], chunk, sizeof(chunk))) > 0)
        bytes += (uint64)n;
    ticks = ktime() - started;
    need(bytes == WRITES * sizeof(chunk), "pipe transfer");
    printf("bench pipe_bandwidth %lu bytes/1000_%s\n", bytes * 1000 / (ticks * NS_PER_TICK + 1),
           unit);
    close(ends[0]);
    wait(0);
}

static void heap(void)
{
    char *p;

    start();
    for (int i = 0; i < 2000; i++) {
        p = sbrk(PAGE);
        *(volatile char *)p = 1;
        sbrk(-(int)PAGE);
    }
    report("sbrk_touch_shrink", 2000, "");

    p = sbrk(PAGES * PAGE);
    need(p != SBRK_ERROR, "sbrk");
    start();
    touch_all(p, PAGES);
    report("first_touch", PAGES, "/page");
    start();
    sbrk(-(int)(PAGES * PAGE));
    report("give_back", PAGES, "/page");
}

static void sharing(void)
{
    enum {
        TIMES = 10
    };
    char *p = sbrk(SHARED_PAGES * PAGE);
    uint64 map = 0;
    uint64 unmap = 0;
    uint64 at;

    need(p != SBRK_ERROR, "sbrk");
    touch_all(p, SHARED_PAGES);
    for (int i = 0; i < TIMES; i++) {
        uint64 t0 = ktime();
        uint64 t1;

        at = map_to(getpid(), p, SHARED_PAGES * PAGE);
        t1 = ktime();
        need(at != NO_ADDRESS, "map_shared_pages");
        unmap_shared_pages(at, SHARED_PAGES * PAGE);
        map += t1 - t0;
        unmap += ktime() - t1;
    }
    print("map_shared_1024", map * NS_PER_TICK / (TIMES * SHARED_PAGES), "/page");
    print("unmap_shared_1024", unmap * NS_PER_TICK / (TIMES * SHARED_PAGES), "/page");
    start();
    for (int i = 0; i < 500; i++) {
        at = map_to(getpid(), p, PAGE);
        unmap_shared_pages(at, PAGE);
    }
    report("map_unmap_shared_1", 500, "");
    sbrk(-(int)(SHARED_PAGES * PAGE));
}

/* Maps, touches and unmaps the page that is free among n areas: the highest free place. => ns an operation */
static uint64 among_areas(int n)
{
    enum {
        TIMES = 200
    };
    uint64 took;
    char *p;

    for (int i = 0; i < n; i++) /* neighbours differ, so that they stay apart */
        need(mmap(0, PAGE, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                 MAP_FAILED,
             "mmap");
    p = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p += (uint64)(n / 2) * PAGE;
    munmap(p, PAGE);
    start();
    for (int i = 0; i < TIMES; i++) {
        need(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p,
             "mmap");
        *(volatile char *)p = 1;
        munmap(p, PAGE);
    }
    took = (ktime() - started) * NS_PER_TICK / TIMES;
    munmap(p - (uint64)(n / 2) * PAGE, (uint64)(n + 1) * PAGE);
    return took;
}

static void areas(void)
{
    uint64 few = among_areas(10);
    uint64 many = among_areas(10000);

    print("map_unmap_10", few, "");
    printf("bench map_unmap_10000 %lu percent of that\n", many * 100 / few);
}

static void files(void)
{
    int fd;

    start();
    for (int i = 0; i < 1000; i++)
        close(open("README", O_RDONLY));
    report("open_close", 1000, "");

    fd = open(NAME, O_CREATE | O_TRUNC | O_RDWR);
    need(fd >= 0 && write(fd, chunk, sizeof(chunk)) == sizeof(chunk), "write");
    close(fd);
    start();
    for (int i = 0; i < 20; i++) {
        fd = open(NAME, O_RDONLY);
        need(read(fd, chunk, sizeof(chunk)) == sizeof(chunk), "read");
        close(fd);
    }
    report("read_cached", 20 * sizeof(chunk) / 1024, "/KiB");
    unlink(NAME);

    start();
    for (int i = 0; i < 50; i++) {
        fd = open(NAME, O_CREATE | O_RDWR);
        write(fd, chunk, 4096);
        close(fd);
        unlink(NAME);
    }
    report("create_write_unlink", 50, "");
}

int main(void)
{
    uint64 a = ktime();

    need(a != NO_ADDRESS && ktime() >= a, "ktime");
    find_unit();
    touch_all(chunk, sizeof(chunk) / PAGE);
    system_call();
    fork_exit_wait("fork_exit_wait", 200);
    fork_exec_wait();
    fork_large();
    pipe_round_trip();
    pipe_bandwidth();
    heap();
    sharing();
    files();
    areas(); /* last: it leaves free memory in pieces */
    printf("bench: OK\n");
    exit(0);
}
