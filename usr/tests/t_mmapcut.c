/*
 * usr/tests/t_mmapcut.c: mapped files that end, are cut, unlinked or lent.
 */
#include "t_mmapfile.h"

/* ---- the end of the file ---- */

static void beyond_end(void)
{
    int fd;
    char *p;

    t_make_file(NAME, 100, 1);
    fd = open_file(O_RDWR);
    p = mmap(0, 3 * PAGE, BOTH, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    CHECK_EQ(p[PAGE - 1], 0);
    p[200] = 'x'; /* in the page, but not in the file */
    CHECK_EQ(t_status(load_at, (uint64)p + PAGE), -1);
    CHECK_EQ(t_status(only_store_at, (uint64)p + 2 * PAGE), -1);
    CHECK_EQ(write(1, p + PAGE, 1) > 0, 0);
    CHECK_EQ(munmap(p, 3 * PAGE), 0);
    t_check_file(NAME, 100, 1);
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* A file that grows: what was beyond its end is there. */
static void grows(void)
{
    int fd;
    char *p;

    t_make_file(NAME, 100, 1);
    fd = open_file(O_RDWR);
    p = mmap(0, 3 * PAGE, BOTH, MAP_SHARED, fd, 0);
    CHECK_EQ(p[0], 1);
    CHECK_EQ(t_status(load_at, (uint64)p + PAGE), -1);
    t_fill(chunk, sizeof(chunk), 9);
    CHECK_EQ(write(fd, chunk, (int)sizeof(chunk)), sizeof(chunk));
    CHECK(t_is_pattern(p, sizeof(chunk), 9));
    CHECK_EQ(t_status(load_at, (uint64)p + PAGE), 0);
    p[PAGE] = 'g';
    CHECK_EQ(byte_at((int)PAGE), 'g');
    CHECK_EQ(t_status(load_at, (uint64)p + 2 * PAGE), -1);
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* ---- cut and unlinked under a mapping ---- */

static void cut(void)
{
    char *p = map_new(3 * (int)PAGE, 1, BOTH, MAP_SHARED);
    int fd;

    CHECK(t_is_pattern(p, 3 * PAGE, 1));
    p[PAGE] = 'd'; /* stored to, and never to be written anywhere */
    close(open_file(O_RDWR | O_TRUNC));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(t_status(load_at, (uint64)p + (uint64)i * PAGE), -1);
        CHECK_EQ(t_status(only_store_at, (uint64)p + (uint64)i * PAGE), -1);
    }
    fd = open_file(O_RDWR);
    CHECK_EQ(write(fd, p, 1), -1);
    CHECK_EQ(read(fd, chunk, 1), 0);
    t_fill(chunk, PAGE + 10, 30);
    CHECK_EQ(write(fd, chunk, (int)PAGE + 10), PAGE + 10);
    CHECK(t_is_pattern(p, PAGE + 10, 30));
    CHECK_EQ(p[PAGE + 10], 0);
    CHECK_EQ(p[2 * PAGE - 1], 0);
    CHECK_EQ(t_status(load_at, (uint64)p + 2 * PAGE), -1);
    close(fd);
    CHECK_EQ(munmap(p, 3 * PAGE), 0);
    t_check_file(NAME, (int)PAGE + 10, 30);
    CHECK_EQ(audit(), 0);
    CHECK_EQ(unlink(NAME), 0);
}

/* Private pages that were stored to are the process' own: cutting the file does not take them. */
static void cut_under_private(void)
{
    char *p = map_new(2 * (int)PAGE, 1, BOTH, MAP_PRIVATE);

    p[0] = 70;
    close(open_file(O_RDWR | O_TRUNC));
    CHECK_EQ(p[0], 70);
    CHECK_EQ(p[1], 2);
    CHECK_EQ(t_status(load_at, (uint64)p + PAGE), -1);
    CHECK_EQ(unlink(NAME), 0);
}

static void touch_for_ever(uint64 address)
{
    for (;;)
        ++*(volatile char *)address;
}

/* Somebody stores to the page, on another hart, at the moment it goes. */
static void cut_while_touched(void)
{
    for (uint i = 0; i < 20; i++) {
        char *p = map_new((int)PAGE, 1, BOTH, MAP_SHARED);
        int pid = t_fork();

        if (pid == 0)
            touch_for_ever((uint64)p);
        t_spin(i * 2000);
        close(open_file(O_RDWR | O_TRUNC));
        CHECK_EQ(t_wait(pid), -1); /* by its own fault */
        CHECK_EQ(munmap(p, PAGE), 0);
    }
    CHECK_EQ(unlink(NAME), 0);
    CHECK_EQ(audit(), 0);
}

static void unlinked(void)
{
    char *p = map_new(2 * (int)PAGE, 1, BOTH, MAP_SHARED);
    struct stat st;

    CHECK_EQ(unlink(NAME), 0);
    CHECK_EQ(stat(NAME, &st), -1);
    CHECK(t_is_pattern(p, 2 * PAGE, 1));
    t_fill(p, 2 * PAGE, 2);
    t_make_file(NAME, 2 * (int)PAGE, 3); /* another file of that name */
    CHECK(t_is_pattern(p, 2 * PAGE, 2));
    CHECK_EQ(msync(p, 2 * PAGE, MS_SYNC), 0);
    CHECK_EQ(munmap(p, 2 * PAGE), 0);
    t_check_file(NAME, 2 * (int)PAGE, 3);
    CHECK_EQ(unlink(NAME), 0);
}

/* ---- lending a file's pages ---- */

static void borrow(struct t_peer *parent, uint64 arg)
{
    char *p;

    t_put(parent, 1);
    p = (char *)t_get(parent);
    CHECK(t_is_pattern(p, PAGE, 1));
    t_fill(p, PAGE, 8);
    t_put(parent, 1);
}

static void lent(void)
{
    struct t_peer child;
    char *p;

    t_start(&child, borrow, 0);
    t_get(&child);
    p = map_new((int)PAGE, 1, BOTH, MAP_SHARED);
    t_put(&child, map_to(child.pid, p, PAGE));
    t_get(&child);
    CHECK_EQ(t_join(&child), 0);
    CHECK(t_is_pattern(p, PAGE, 8));
    CHECK_EQ(munmap(p, PAGE), 0);
    t_check_file(NAME, (int)PAGE, 8);
    CHECK_EQ(unlink(NAME), 0);
}

/* The largest file there can be, all of it. */
static void largest(void)
{
    int n = (int)MAXFILE * BSIZE;
    char *p = map_new(n, 1, BOTH, MAP_SHARED);

    CHECK(t_is_pattern(p, (uint64)n, 1));
    t_fill(p, (uint64)n, 2);
    CHECK_EQ(msync(p, (uint64)n, MS_SYNC), 0);
    t_check_file(NAME, n, 2);
    CHECK_EQ(munmap(p, (uint64)n), 0);
    t_check_file(NAME, n, 2);
    CHECK_EQ(unlink(NAME), 0);
}

/* Mapped, cut, written, unmapped by several at once: every outcome is right that is whole. */
static void churn(uint seed)
{
    for (int i = 0; i < 40; i++) {
        int fd = open(NAME, t_random(&seed) % 4 ? O_RDWR | O_CREATE : O_RDWR | O_CREATE | O_TRUNC);
        char *p = mmap(0, 2 * PAGE, BOTH, t_random(&seed) % 2 ? MAP_SHARED : MAP_PRIVATE, fd, 0);

        if (fd < 0)
            continue;
        write(fd, chunk, (int)(t_random(&seed) % sizeof(chunk)));
        read(fd, p, 100);
        write(fd, p, 100);
        if (t_random(&seed) % 8 == 0)
            unlink(NAME);
        if (t_random(&seed) % 2)
            munmap(p, PAGE);
        msync(p, 2 * PAGE, MS_SYNC);
        munmap(p, 2 * PAGE);
        close(fd);
    }
}

static void all_at_once(void)
{
    for (uint i = 0; i < 4; i++)
        if (t_fork() == 0) {
            churn(i);
            t_exit();
        }
    for (int i = 0; i < 4; i++) {
        int status = 1;

        wait(&status);
        CHECK_EQ(status, 0);
    }
    unlink(NAME);
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"beyond_end", beyond_end},
    {"grows", grows},
    {"cut", cut},
    {"cut_under_private", cut_under_private},
    {"cut_while_touched", cut_while_touched},
    {"unlinked", unlinked},
    {"lent", lent},
    {"largest", largest},
    {"all_at_once", all_at_once},
};

int main(int argc, char **argv)
{
    t_main("t_mmapcut", cases, COUNT(cases), argc, argv);
}
