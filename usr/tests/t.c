/*
 * usr/tests/t.c: the frame of the test programs. Contracts: usr/tests/t.h.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/lamina.h"
#include "t.h"

#define SETTLE_TICKS 300

static int failures;
static char chunk[1024];

void t_check(const char *file, int line, const char *what, int ok)
{
    if (ok)
        return;
    failures++;
    printf("%s:%d: pid %d: not true: %s\n", file, line, getpid(), what);
}

void t_check_equal(const char *file, int line, const char *what, long got, long want)
{
    if (got == want)
        return;
    failures++;
    printf("%s:%d: pid %d: %s is %ld (0x%lx), expected %ld (0x%lx)\n", file, line, getpid(), what,
           got, got, want, want);
}

void t_exit(void)
{
    exit(failures == 0 ? 0 : 1);
}

int t_fork(void)
{
    int pid = fork();

    if (pid < 0) {
        printf("t: fork failed\n");
        exit(1);
    }
    if (pid == 0)
        failures = 0; /* the parent's are not the child's */
    return pid;
}

int t_wait(int pid)
{
    int status = 0x7777;
    int got = wait(&status);

    CHECK_EQ(got, pid);
    return status;
}

int t_status(void (*fn)(uint64), uint64 arg)
{
    int pid = t_fork();

    if (pid == 0) {
        fn(arg);
        t_exit();
    }
    return t_wait(pid);
}

void t_start(struct t_peer *child, void (*fn)(struct t_peer *parent, uint64 arg), uint64 arg)
{
    int down[2] = {-1, -1};
    int up[2] = {-1, -1};
    int parent = getpid();

    CHECK_EQ(pipe(down), 0);
    CHECK_EQ(pipe(up), 0);
    child->pid = t_fork();
    if (child->pid == 0) {
        struct t_peer peer = {parent, down[0], up[1]};

        close(down[1]);
        close(up[0]);
        fn(&peer, arg);
        t_exit();
    }
    close(down[0]);
    close(up[1]);
    child->in = up[0];
    child->out = down[1];
}

void t_put(struct t_peer *peer, uint64 word)
{
    CHECK_EQ(write(peer->out, &word, sizeof(word)), sizeof(word));
}

uint64 t_get(struct t_peer *peer)
{
    uint64 word = ~0UL;
    int have = 0;

    while (have < (int)sizeof(word)) {
        int n = read(peer->in, (char *)&word + have, (int)sizeof(word) - have);

        if (n <= 0) {
            CHECK(n > 0);
            return ~0UL;
        }
        have += n;
    }
    return word;
}

int t_join(struct t_peer *child)
{
    close(child->in);
    close(child->out);
    return t_wait(child->pid);
}

long t_free_pages(void)
{
    struct meminfo info = {0, 0, 0, 0, 0};

    CHECK_EQ(meminfo(&info), 0);
    return (long)(info.free - info.promised + info.cached);
}

/*
 * Asks for all the heap there is, in a child: caches of the kernel that count as used memory (the
 * block cache is reported, its headers and idle inodes are not) give their pages back.
 */
static void squeeze_caches(void)
{
    int pid = fork();

    if (pid == 0) {
        for (int step = 1 << 26; step >= (int)PAGE; step /= 4)
            while (sbrk(step) != SBRK_ERROR)
                ;
        exit(0);
    }
    if (pid > 0)
        wait(0);
}

/*
 * Small objects of the kernel that live on may lie in a slab more than before, by the order in which others came and
 * went. That is no leak; one that goes on is seen where alltests counts at its end.
 */
#define SLABS 2

long t_settle(long want)
{
    long have = t_free_pages();

    if (have < want) {
        squeeze_caches();
        have = t_free_pages();
    }
    /* Orphans end in their own time, and init reaps them. */
    for (int i = 0; i < SETTLE_TICKS && have + SLABS < want; i++) {
        pause(1);
        have = t_free_pages();
    }
    return have < want && have + SLABS >= want ? want : have;
}

void t_fill(void *p, uint64 n, int seed)
{
    for (uint64 i = 0; i < n; i++)
        ((char *)p)[i] = (char)((uint64)seed + i);
}

int t_is_pattern(const void *p, uint64 n, int seed)
{
    for (uint64 i = 0; i < n; i++)
        if (((const volatile char *)p)[i] != (char)((uint64)seed + i))
            return 0;
    return 1;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

void t_make_file(const char *path, int n, int seed)
{
    int fd = open(path, O_CREATE | O_TRUNC | O_WRONLY);

    CHECK(fd >= 0);
    for (int done = 0; done < n;) {
        int part = smaller(n - done, sizeof(chunk));

        t_fill(chunk, (uint64)part, seed + done);
        CHECK_EQ(write(fd, chunk, part), part);
        done += part;
    }
    CHECK_EQ(close(fd), 0);
}

void t_check_file(const char *path, int n, int seed)
{
    int fd = open(path, O_RDONLY);

    CHECK(fd >= 0);
    for (int done = 0; done < n;) {
        int part = smaller(n - done, sizeof(chunk));

        CHECK_EQ(read(fd, chunk, part), part);
        if (!t_is_pattern(chunk, (uint64)part, seed + done)) {
            CHECK(!"the file holds what was written");
            break;
        }
        done += part;
    }
    CHECK_EQ(read(fd, chunk, 1), 0);
    CHECK_EQ(close(fd), 0);
}

uint t_random(uint *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

void t_spin(uint n)
{
    for (volatile uint i = 0; i < n; i++)
        ;
}

char *t_align_break(void)
{
    uint64 brk = (uint64)sbrk(0);

    CHECK(sbrk((int)(-brk & (PAGE - 1))) != SBRK_ERROR);
    return sbrk(0);
}

/* ---- running the table ---- */

static int is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(name, argv[i]) == 0)
            return 1;
    return argc <= 1;
}

/* Ends with a line that lists the cases where argv names what is none. */
static void check_names(const char *program, const struct t_case *cases, int n, int argc,
                        char **argv)
{
    for (int i = 1; i < argc; i++) {
        int k = 0;

        while (k < n && strcmp(cases[k].name, argv[i]) != 0)
            k++;
        if (k < n)
            continue;
        fprintf(2, "usage: %s [CASE]...    (no case %s; there are", program, argv[i]);
        for (k = 0; k < n; k++)
            fprintf(2, " %s", cases[k].name);
        fprintf(2, ")\n");
        exit(1);
    }
}

/* Returns 1 when the case passed. */
static int run_case(const char *program, const struct t_case *c)
{
    long before = t_free_pages();
    long after;
    int status = 0;
    int pid = t_fork();

    if (pid == 0) {
        c->run();
        t_exit();
    }
    if (wait(&status) != pid || status != 0) {
        printf("%s: %s: FAILED (status %d)\n", program, c->name, status);
        return 0;
    }
    after = t_settle(before);
    if (after < before) {
        printf("%s: %s: FAILED (%ld pages were free, now %ld)\n", program, c->name, before, after);
        return 0;
    }
    return 1;
}

void t_main(const char *name, const struct t_case *cases, int n, int argc, char **argv)
{
    int run = 0;
    int passed = 0;

    check_names(name, cases, n, argc, argv);
    for (int i = 0; i < n; i++) {
        if (!is_wanted(cases[i].name, argc, argv))
            continue;
        run++;
        passed += run_case(name, &cases[i]);
    }
    if (passed < run) {
        printf("%s: FAILED\n", name);
        exit(1);
    }
    printf("%s: OK\n", name);
    exit(0);
}
