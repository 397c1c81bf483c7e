/*
 * usr/tests/t_file.c: open, read, write, fstat, dup, close, and the rules of their flags and sizes.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "kernel/fs.h"
#include "kernel/param.h"
#include "kernel/file.h"
#include "t.h"

#define NAME "t_file.tmp"

#define WRITE_BLOCKS 3 /* blocks that one transaction of a write takes: it fails by such pieces */

_Static_assert(sizeof(struct stat) == 24 && __builtin_offsetof(struct stat, dev) == 0 &&
                   __builtin_offsetof(struct stat, ino) == 4 &&
                   __builtin_offsetof(struct stat, type) == 8 &&
                   __builtin_offsetof(struct stat, nlink) == 10 &&
                   __builtin_offsetof(struct stat, size) == 16,
               "struct stat is as xv6's binaries know it");
_Static_assert(sizeof(struct dirent) == 16 && __builtin_offsetof(struct dirent, name) == 2,
               "struct dirent is as xv6's binaries know it");

static char data[16 * 1024];

static void sizes(void)
{
    static const int lengths[] = {0, 1, 1023, 1024, 1025, 12 * 1024, 12 * 1024 + 1, 50000};
    struct stat st;

    for (int i = 0; i < COUNT(lengths); i++) {
        t_make_file(NAME, lengths[i], i);
        t_check_file(NAME, lengths[i], i);
        CHECK_EQ(stat(NAME, &st), 0);
        CHECK_EQ(st.size, lengths[i]);
        CHECK_EQ(st.type, T_FILE);
        CHECK_EQ(st.nlink, 1);
        CHECK_EQ(st.dev, ROOTDEV);
    }
    CHECK_EQ(unlink(NAME), 0);
    CHECK_EQ(stat(NAME, &st), -1);
}

static void largest_file(void)
{
    int fd = open(NAME, O_CREATE | O_RDWR | O_TRUNC);
    struct stat st;

    for (int i = 0; i < (int)MAXFILE; i++) {
        t_fill(data, BSIZE, i);
        CHECK_EQ(write(fd, data, BSIZE), BSIZE);
    }
    CHECK_EQ(write(fd, data, 1), -1);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.size, MAXFILE * BSIZE);
    close(fd);
    fd = open(NAME, O_RDONLY);
    for (int i = 0; i < (int)MAXFILE; i++) {
        CHECK_EQ(read(fd, data, BSIZE), BSIZE);
        CHECK(t_is_pattern(data, BSIZE, i));
    }
    CHECK_EQ(read(fd, data, BSIZE), 0);
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* One write beyond the largest file fails, and leaves the part that was done. */
static void too_large_write(void)
{
    int fd = open(NAME, O_CREATE | O_RDWR | O_TRUNC);
    char *p = sbrk(300 * BSIZE);
    struct stat st;

    t_fill(p, 300 * BSIZE, 9);
    CHECK_EQ(write(fd, p, 300 * BSIZE), -1);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.size, MAXFILE / WRITE_BLOCKS * WRITE_BLOCKS * BSIZE);
    CHECK_EQ(write(fd, p, BSIZE), BSIZE); /* the offset is at its end */
    CHECK_EQ(write(fd, p, 1), -1);
    close(fd);
    fd = open(NAME, O_RDONLY);
    memset(p, 0, 267 * BSIZE);
    CHECK_EQ(read(fd, p, 267 * BSIZE), 267 * BSIZE);
    CHECK(t_is_pattern(p, 267 * BSIZE, 9));
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* A write of more than the log holds is one call, and it is all there. */
static void one_large_write(void)
{
    int fd = open(NAME, O_CREATE | O_RDWR | O_TRUNC);

    t_fill(data, sizeof(data), 3);
    CHECK_EQ(write(fd, data, sizeof(data)), sizeof(data));
    CHECK_EQ(write(fd, data, 0), 0);
    CHECK_EQ(write(fd, data, -1), -1);
    close(fd);
    t_check_file(NAME, sizeof(data), 3);
    CHECK_EQ(unlink(NAME), 0);
}

static void access_modes(void)
{
    int fd;

    t_make_file(NAME, 5, 0);
    fd = open(NAME, O_RDONLY);
    CHECK_EQ(write(fd, "x", 1), -1);
    CHECK_EQ(read(fd, data, -1), 5); /* a negative count is a huge one */
    close(fd);
    fd = open(NAME, O_WRONLY);
    CHECK_EQ(read(fd, data, 1), -1);
    CHECK_EQ(write(fd, "y", 1), 1);
    close(fd);
    fd = open(NAME, O_WRONLY | O_RDWR); /* 3: write only */
    CHECK_EQ(read(fd, data, 1), -1);
    CHECK_EQ(write(fd, "z", 1), 1);
    close(fd);
    fd = open(NAME, 0x8000); /* unknown bits are ignored */
    CHECK_EQ(read(fd, data, 5), 5);
    CHECK_EQ(data[0], 'z');
    close(fd);
    CHECK_EQ(read(fd, data, 1), -1);
    CHECK_EQ(close(fd), -1);
    CHECK_EQ(open("t_file.none", O_RDWR), -1);
    CHECK_EQ(unlink(NAME), 0);
}

static void truncation(void)
{
    struct stat st;
    int writer;
    int fd;

    t_make_file(NAME, 3000, 0);
    writer = open(NAME, O_WRONLY);
    CHECK_EQ(write(writer, data, 100), 100);
    fd = open(NAME, O_RDONLY | O_TRUNC); /* truncates all the same */
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.size, 0);
    CHECK_EQ(read(fd, data, 10), 0);
    CHECK_EQ(write(writer, data, 10), -1); /* its offset is behind the end now */
    close(writer);
    close(fd);
    fd = open(NAME, O_CREATE | O_RDWR); /* an existing file is opened */
    CHECK_EQ(write(fd, "abc", 3), 3);
    close(fd);
    CHECK_EQ(stat(NAME, &st), 0);
    CHECK_EQ(st.size, 3);
    CHECK_EQ(unlink(NAME), 0);
}

static void offsets(void)
{
    int fd;
    int copy;
    int other;

    t_make_file(NAME, 100, 0);
    fd = open(NAME, O_RDONLY);
    copy = dup(fd);
    other = open(NAME, O_RDONLY);
    CHECK_EQ(read(fd, data, 10), 10);
    CHECK_EQ(read(copy, data, 1), 1);
    CHECK_EQ(data[0], 10); /* dup shares the offset, open does not */
    CHECK_EQ(read(other, data, 1), 1);
    CHECK_EQ(data[0], 0);
    if (t_fork() == 0) {
        CHECK_EQ(read(fd, data, 9), 9);
        t_exit();
    }
    wait(0);
    CHECK_EQ(read(fd, data, 1), 1);
    CHECK_EQ(data[0], 20); /* and so does fork */
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(read(copy, data, 1), 1);
    CHECK_EQ(data[0], 21);
    CHECK_EQ(unlink(NAME), 0);
    CHECK_EQ(read(other, data, 1), 1); /* open files outlive their name */
    CHECK_EQ(dup(-1), -1);
    CHECK_EQ(dup(16), -1);
}

/* Two processes, one offset: no write is lost, none overwrites another. */
static void shared_offset(void)
{
    enum {
        WRITES = 300
    };
    int count[2] = {0, 0};
    int fd = open(NAME, O_CREATE | O_RDWR | O_TRUNC);
    int pid = t_fork();

    memset(data, pid == 0 ? 'c' : 'p', 10);
    for (int i = 0; i < WRITES; i++)
        CHECK_EQ(write(fd, data, 10), 10);
    if (pid == 0)
        t_exit();
    CHECK_EQ(t_wait(pid), 0);
    close(fd);
    fd = open(NAME, O_RDONLY);
    for (int n; (n = read(fd, data, 10)) > 0;)
        for (int i = 0; i < n; i++)
            count[data[i] == 'c']++;
    CHECK_EQ(count[0], WRITES * 10);
    CHECK_EQ(count[1], WRITES * 10);
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

/* Four processes make, write and remove files of their own at the same time. */
static void files_at_once(void)
{
    for (int i = 0; i < 4; i++) {
        if (t_fork() != 0)
            continue;
        for (int round = 0; round < 8; round++) {
            char name[] = "t_file.0";

            name[7] += (char)i;
            t_make_file(name, 13000, i + round);
            t_check_file(name, 13000, i + round);
            CHECK_EQ(unlink(name), 0);
        }
        t_exit();
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;

        CHECK(wait(&status) > 0);
        CHECK_EQ(status, 0);
    }
}

static void devices(void)
{
    static const short no_device[] = {NDEV, 0x7fff, -1};
    struct stat st;
    int fd;

    CHECK_EQ(stat("console", &st), 0);
    CHECK_EQ(st.type, T_DEVICE);
    CHECK_EQ(st.size, 0);
    fd = open("console", O_RDWR);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, data, 0), 0);
    CHECK_EQ(write(fd, data, -1), 0);
    CHECK_EQ(write(fd, (char *)0x80000000, 5), 0); /* as many as could be read */
    CHECK_EQ(read(fd, data, 0), 0);                /* does not wait */
    close(fd);
    CHECK_EQ(mknod("console", CONSOLE, 0), -1); /* exists */
    fd = open("console", O_CREATE | O_TRUNC | O_RDWR);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.type, T_DEVICE); /* and is opened, as it is */
    close(fd);
    CHECK_EQ(mknod("t_file.dev", 7, 3), 0); /* no driver */
    fd = open("t_file.dev", O_RDWR);
    CHECK(fd >= 0);
    CHECK_EQ(read(fd, data, 1), -1);
    CHECK_EQ(write(fd, data, 1), -1);
    close(fd);
    CHECK_EQ(unlink("t_file.dev"), 0);
    for (int i = 0; i < COUNT(no_device); i++) { /* may be made, not opened */
        CHECK_EQ(mknod("t_file.dev", no_device[i], 0), 0);
        CHECK_EQ(open("t_file.dev", O_RDONLY), -1);
        CHECK_EQ(unlink("t_file.dev"), 0);
    }
}

static const struct t_case cases[] = {
    {"sizes", sizes},
    {"largest_file", largest_file},
    {"too_large_write", too_large_write},
    {"one_large_write", one_large_write},
    {"access_modes", access_modes},
    {"truncation", truncation},
    {"offsets", offsets},
    {"shared_offset", shared_offset},
    {"files_at_once", files_at_once},
    {"devices", devices},
};

int main(int argc, char **argv)
{
    t_main("t_file", cases, COUNT(cases), argc, argv);
}
