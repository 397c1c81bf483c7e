/*
 * usr/tests/grind.c: random system calls by several processes at once, for a bounded time.
 *
 *   grind [SEED [COUNT]]     defaults 1 and 300 steps for each of the processes
 *
 * Nothing is checked but what must hold whatever the others do: results are in range, a process
 * can do what only it can undo, and the audit finds nothing at the end. Last line `grind: OK`.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "t.h"

#define WORKERS       4
#define SEED_DEFAULT  1
#define COUNT_DEFAULT 300

static char shared[2 * PAGE] __attribute__((aligned(4096)));
static char scratch[1000];
static uint state;
static char *const names[] = {"grind.d/a", "grind.d/b",  "grind.d/c", "grind.d/../grind.d/a",
                              "grind.d/s", "grind.d/s/a"};

static char *any_name(void)
{
    return names[t_random(&state) % COUNT(names)];
}

static void step_file(void)
{
    int fd = open(any_name(), O_CREATE | O_RDWR);

    write(fd, scratch, (int)(t_random(&state) % sizeof(scratch)));
    if (t_random(&state) % 2 == 0)
        close(open(any_name(), O_TRUNC | O_RDWR));
    read(fd, scratch, sizeof(scratch));
    close(fd);
}

static void step_names(void)
{
    switch (t_random(&state) % 4) {
    case 0:
        mkdir("grind.d/s");
        break;
    case 1:
        link(any_name(), any_name());
        break;
    default:
        unlink(any_name());
    }
}

static void step_fork(void)
{
    int pid = fork();

    if (pid == 0) {
        if (t_random(&state) % 2 == 0)
            shared[t_random(&state) % sizeof(shared)] = 1;
        exit(0);
    }
    if (pid > 0 && t_random(&state) % 3 == 0)
        kill(pid);
    if (pid > 0)
        CHECK_EQ(wait(0), pid);
}

static void step_orphan(void)
{
    int pid = fork();

    if (pid == 0) {
        if (fork() == 0)
            step_file();
        exit(0);
    }
    if (pid > 0)
        CHECK_EQ(wait(0), pid);
}

static void step_exec(void)
{
    static char *argv[] = {"echo", 0};
    int pid = fork();

    if (pid == 0) {
        exec("echo", argv);
        exit(0);
    }
    if (pid > 0)
        CHECK_EQ(wait(0), pid);
}

static void step_heap(void)
{
    int bytes = (int)(t_random(&state) % 70000);
    char *p = t_random(&state) % 2 == 0 ? sbrk(bytes) : sbrklazy(bytes);

    if (p == SBRK_ERROR)
        return;
    for (int i = 0; i < bytes; i += 1000)
        p[i] = (char)i;
    for (int i = 0; i < bytes; i += 1000)
        CHECK_EQ(p[i], (char)i);
    CHECK((uint64)sbrk(-bytes) == (uint64)p + (uint64)bytes);
}

static void step_pipe(void)
{
    int ends[2];
    char c = 0;

    if (pipe(ends) < 0)
        return;
    CHECK_EQ(write(ends[1], "g", 1), 1);
    CHECK_EQ(read(ends[0], &c, 1), 1);
    CHECK_EQ(c, 'g');
    close(ends[0]);
    close(ends[1]);
}

static void step_share(void)
{
    uint64 before = (uint64)sbrk(0);
    uint64 from = t_random(&state) % PAGE;
    uint64 n = 1 + t_random(&state) % PAGE;
    uint64 at = map_to(getpid(), shared + from, n);
    int pid;

    if (at == NO_ADDRESS)
        return;
    pid = fork();
    if (pid == 0) {
        *(volatile char *)at = 's';
        exit(0);
    }
    if (pid > 0) {
        CHECK_EQ(wait(0), pid);
        CHECK_EQ(shared[from], 's');
    }
    CHECK_EQ(unmap_shared_pages(at, n), 0);
    CHECK_EQ((uint64)sbrk(0), before);
    shared[from] = 0;
}

static void step_directory(void)
{
    if (chdir("grind.d/s") == 0) {
        close(open("x", O_CREATE));
        unlink("x");
        CHECK_EQ(chdir("/"), 0);
    }
}

static void (*const steps[])(void) = {
    step_file, step_names, step_fork,  step_orphan,    step_exec,
    step_heap, step_pipe,  step_share, step_directory,
};

static void __attribute__((noreturn)) work(uint seed, int count)
{
    state = seed;
    for (int i = 0; i < count; i++)
        steps[t_random(&state) % COUNT(steps)]();
    t_exit();
}

static void clean_up(void)
{
    static char *const left[] = {"grind.d/s/x", "grind.d/s/a", "grind.d/a", "grind.d/b",
                                 "grind.d/c",   "grind.d/s",   "grind.d"};

    for (int i = 0; i < COUNT(left); i++)
        unlink(left[i]);
}

int main(int argc, char **argv)
{
    uint seed = argc > 1 ? (uint)atoi(argv[1]) : SEED_DEFAULT;
    int count = argc > 2 ? atoi(argv[2]) : COUNT_DEFAULT;
    int bad = 0;

    if (argc > 3 || (argc > 1 && seed == 0) || count <= 0) {
        fprintf(2, "usage: grind [SEED [COUNT]]    (numbers above 0)\n");
        exit(1);
    }
    mkdir("grind.d");
    for (uint i = 0; i < WORKERS; i++)
        if (t_fork() == 0)
            work(seed * 1000 + i * 77, count);
    for (int i = 0; i < WORKERS; i++) {
        int status = -1;

        bad += wait(&status) < 0 || status != 0;
    }
    pause(2); /* orphans finish */
    clean_up();
    bad += audit() != 0;
    printf(bad == 0 ? "grind: OK\n" : "grind: FAILED\n");
    exit(bad == 0 ? 0 : 1);
}
