/*
 * usr/tests/t_pipe.c: pipes: order, ends, blocking, many bytes, and a writer or reader that goes.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "t.h"

#define RING 512 /* bytes a pipe holds */

static char data[4096];

static void ends_and_order(void)
{
    struct stat st;
    int fd[2];

    CHECK_EQ(pipe(fd), 0);
    CHECK_EQ(fd[1], fd[0] + 1);
    CHECK_EQ(write(fd[1], "abcdef", 6), 6);
    CHECK_EQ(read(fd[0], data, 2), 2);
    CHECK_EQ(memcmp(data, "ab", 2), 0);
    CHECK_EQ(read(fd[0], data, 100), 4);
    CHECK_EQ(memcmp(data, "cdef", 4), 0);
    CHECK_EQ(write(fd[0], "x", 1), -1);
    CHECK_EQ(read(fd[1], data, 1), -1);
    CHECK_EQ(write(fd[1], "x", 0), 0);
    CHECK_EQ(write(fd[1], "x", -1), 0);
    CHECK_EQ(fstat(fd[0], &st), -1);
    CHECK_EQ(write(fd[1], "x", 1), 1);
    CHECK_EQ(read(fd[0], data, 0), 0);
    CHECK_EQ(read(fd[0], data, -1), 0);
    CHECK_EQ(close(fd[1]), 0);
    CHECK_EQ(read(fd[0], data, 10), 1); /* what is in it comes before its end */
    CHECK_EQ(read(fd[0], data, 10), 0);
    CHECK_EQ(close(fd[0]), 0);
}

static void no_reader(void)
{
    int fd[2];

    CHECK_EQ(pipe(fd), 0);
    close(fd[0]);
    CHECK_EQ(write(fd[1], "x", 1), -1);
    close(fd[1]);
}

static void full_ring(void)
{
    int fd[2];

    CHECK_EQ(pipe(fd), 0);
    for (int round = 0; round < 5; round++) {
        t_fill(data, RING, round);
        CHECK_EQ(write(fd[1], data, RING), RING); /* fits without a reader */
        memset(data, 0, RING);
        CHECK_EQ(read(fd[0], data, sizeof(data)), RING);
        CHECK(t_is_pattern(data, RING, round));
        CHECK_EQ(write(fd[1], data, 100), 100); /* moves where the ring wraps */
        CHECK_EQ(read(fd[0], data, 100), 100);
    }
}

/* Writes larger than the ring, reads of growing size: every byte, in order. */
static void stream(void)
{
    enum {
        WRITES = 40,
        LENGTH = 1033
    };
    int fd[2];
    int pid;
    int total = 0;
    int ask = 1;
    int n;

    CHECK_EQ(pipe(fd), 0);
    pid = t_fork();
    if (pid == 0) {
        close(fd[0]);
        for (int i = 0; i < WRITES; i++) {
            t_fill(data, LENGTH, i * LENGTH);
            CHECK_EQ(write(fd[1], data, LENGTH), LENGTH);
        }
        t_exit();
    }
    close(fd[1]);
    while ((n = read(fd[0], data, ask)) > 0) {
        CHECK(t_is_pattern(data, (uint64)n, total));
        total += n;
        ask = ask * 2 > (int)sizeof(data) ? (int)sizeof(data) : ask * 2;
    }
    CHECK_EQ(n, 0);
    CHECK_EQ(total, WRITES * LENGTH);
    CHECK_EQ(t_wait(pid), 0);
}

/* A reader that waits is woken by the end of the last writer, not of the first. */
static void last_writer(void)
{
    int fd[2];
    int first;
    int last;

    CHECK_EQ(pipe(fd), 0);
    first = t_fork();
    if (first == 0)
        t_exit();
    last = t_fork();
    if (last == 0) {
        t_spin(100000);
        CHECK_EQ(write(fd[1], "z", 1), 1);
        t_exit();
    }
    close(fd[1]);
    CHECK_EQ(read(fd[0], data, 1), 1);
    CHECK_EQ(read(fd[0], data, 1), 0);
    CHECK(wait(0) > 0 && wait(0) > 0);
}

/* A writer that waits for room gets -1 when the reader goes; the victim of a kill wakes up. */
static void blocked_and_gone(void)
{
    int fd[2];
    int pid;

    CHECK_EQ(pipe(fd), 0);
    pid = t_fork();
    if (pid == 0) {
        close(fd[0]);
        CHECK_EQ(write(fd[1], data, sizeof(data)), -1);
        t_exit();
    }
    close(fd[1]);
    CHECK_EQ(read(fd[0], data, 1), 1);
    close(fd[0]);
    CHECK_EQ(t_wait(pid), 0);

    CHECK_EQ(pipe(fd), 0);
    for (int i = 0; i < 20; i++) {
        pid = t_fork();
        if (pid == 0) {
            read(fd[0], data, i % 2 == 0 ? 1 : 0); /* even 0 bytes wait for data */
            exit(3);
        }
        t_spin((uint)i * 3000);
        CHECK_EQ(kill(pid), 0);
        CHECK_EQ(t_wait(pid), -1);
    }
}

static void many_writers(void)
{
    enum {
        WRITERS = 5,
        EACH = 200
    };
    int count[WRITERS] = {0};
    int fd[2];

    CHECK_EQ(pipe(fd), 0);
    for (int i = 0; i < WRITERS; i++) {
        if (t_fork() == 0) {
            char c = (char)i;

            for (int k = 0; k < EACH; k++)
                CHECK_EQ(write(fd[1], &c, 1), 1);
            t_exit();
        }
    }
    close(fd[1]);
    for (int n; (n = read(fd[0], data, sizeof(data))) > 0;)
        for (int i = 0; i < n; i++)
            count[(int)data[i]]++;
    for (int i = 0; i < WRITERS; i++) {
        CHECK_EQ(count[i], EACH);
        CHECK(wait(0) > 0);
    }
}

/* Records of up to PIPE_BUF bytes from several writers are never mixed. */
static void whole_records(void)
{
    enum {
        WRITERS = 4,
        EACH = 60
    };
    static const int lengths[] = {64, 100, 300, 511, RING};

    for (int k = 0; k < COUNT(lengths); k++) {
        int length = lengths[k];
        int fd[2];
        int total = 0;
        int bad = 0;
        char first = 0;

        CHECK_EQ(pipe(fd), 0);
        for (int w = 0; w < WRITERS; w++) {
            if (t_fork() == 0) {
                memset(data, 'a' + w, (uint)length);
                for (int i = 0; i < EACH; i++)
                    CHECK_EQ(write(fd[1], data, length), length);
                t_exit();
            }
        }
        close(fd[1]);
        for (int n; (n = read(fd[0], data, 997)) > 0; total += n) {
            for (int i = 0; i < n; i++) {
                if ((total + i) % length == 0)
                    first = data[i];
                bad += data[i] != first;
            }
        }
        CHECK_EQ(total, WRITERS * EACH * length);
        CHECK_EQ(bad, 0);
        for (int w = 0; w < WRITERS; w++) {
            int status = -1;

            CHECK(wait(&status) > 0);
            CHECK_EQ(status, 0);
        }
        close(fd[0]);
    }
}

/* A write whose reader takes every byte, and closes at once, has written them all. */
static void taken_and_closed(void)
{
    for (int n = RING; n <= (int)sizeof(data); n += 512) {
        int fd[2];
        int pid;

        CHECK_EQ(pipe(fd), 0);
        pid = t_fork();
        if (pid == 0) {
            int got = 0;
            int part = 1;

            close(fd[1]);
            while (got < n && part > 0) {
                part = read(fd[0], data, n - got);
                got += part;
            }
            CHECK_EQ(got, n);
            t_exit();
        }
        close(fd[0]);
        CHECK_EQ(write(fd[1], data, n), n);
        close(fd[1]);
        CHECK_EQ(t_wait(pid), 0);
    }
}

static const struct t_case cases[] = {
    {"ends_and_order", ends_and_order},
    {"no_reader", no_reader},
    {"full_ring", full_ring},
    {"stream", stream},
    {"last_writer", last_writer},
    {"blocked_and_gone", blocked_and_gone},
    {"many_writers", many_writers},
    {"whole_records", whole_records},
    {"taken_and_closed", taken_and_closed},
};

int main(int argc, char **argv)
{
    t_main("t_pipe", cases, COUNT(cases), argc, argv);
}
