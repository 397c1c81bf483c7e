/*
 * usr/tests/t_sync.c: what sync and fsync answer. That they keep files over a power cut:
 * tests/boot/test_shutdown.py. Rules: docs/syscalls.md.
 */
#include "t_mmapfile.h"

static void whole_disk(void)
{
    CHECK_EQ(sync(), 0);
    t_make_file(NAME, 3000, 1);
    CHECK_EQ(sync(), 0);
    t_check_file(NAME, 3000, 1);
    CHECK_EQ(unlink(NAME), 0);
    CHECK_EQ(sync(), 0);
}

static void one_file(void)
{
    int fd;

    t_make_file(NAME, 3000, 1);
    fd = open_file(O_RDONLY);
    CHECK_EQ(fsync(fd), 0);
    CHECK_EQ(unlink(NAME), 0);
    CHECK_EQ(fsync(fd), 0); /* a file without a name */
    close(fd);
    fd = open(".", O_RDONLY);
    CHECK_EQ(fsync(fd), 0);
    close(fd);
}

/* Nothing to write to a disk. */
static void no_file(void)
{
    int fds[2];

    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(fsync(fds[0]), -1);
    CHECK_EQ(fsync(fds[1]), -1);
    close(fds[0]);
    CHECK_EQ(fsync(fds[0]), -1); /* closed */
    close(fds[1]);
    CHECK_EQ(fsync(1), -1); /* the console */
    CHECK_EQ(fsync(-1), -1);
    CHECK_EQ(fsync(1000), -1);
}

/* The page stays mapped, in agreement with the file, and is stored to again. */
static void mapped_file(void)
{
    char *p = map_new(2 * PAGE, 3, BOTH, MAP_SHARED);
    int fd = open_file(O_RDONLY);

    for (int seed = 4; seed < 8; seed++) {
        t_fill(p, 2 * PAGE, seed);
        CHECK_EQ(seed % 2 ? fsync(fd) : sync(), 0);
        CHECK(t_is_pattern(p, 2 * PAGE, seed));
        t_check_file(NAME, 2 * PAGE, seed);
    }
    CHECK_EQ(munmap(p, 2 * PAGE), 0);
    close(fd);
    CHECK_EQ(unlink(NAME), 0);
}

static void write_for_ever(const char *name)
{
    for (int seed = 0;; seed++) {
        int fd;
        char *p;

        t_make_file(name, PAGE, seed);
        fd = open(name, O_RDWR);
        p = mmap(0, PAGE, BOTH, MAP_SHARED, fd, 0);
        close(fd);
        CHECK(p != MAP_FAILED);
        p[seed % PAGE] = 1;
        CHECK_EQ(munmap(p, PAGE), 0);
    }
}

/* Mappings come and go, and transactions are seldom empty. */
static void among_writers(void)
{
    char *const names[] = {"t_sync.0", "t_sync.1", "t_sync.2"};
    int pid[COUNT(names)];

    for (int i = 0; i < COUNT(names); i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            write_for_ever(names[i]);
    }
    for (int i = 0; i < 20; i++)
        CHECK_EQ(sync(), 0);
    for (int i = 0; i < COUNT(names); i++) {
        CHECK_EQ(kill(pid[i]), 0);
        CHECK_EQ(t_wait(pid[i]), -1);
        unlink(names[i]);
    }
}

static const struct t_case cases[] = {
    {"whole_disk", whole_disk},   {"one_file", one_file},           {"no_file", no_file},
    {"mapped_file", mapped_file}, {"among_writers", among_writers},
};

int main(int argc, char **argv)
{
    t_main("t_sync", cases, COUNT(cases), argc, argv);
}
