/*
 * usr/tests/t_fdlimit.c: descriptors run out, in one process and in the whole system.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/param.h"
#include "t.h"

static void one_process(void)
{
    int fd;
    int ends[2];

    for (fd = 3; fd < NOFILE; fd++)
        CHECK_EQ(open("README", O_RDONLY), fd);
    CHECK_EQ(open("README", O_RDONLY), -1);
    CHECK_EQ(open("t_fdlimit.x", O_CREATE | O_RDWR), -1);
    unlink("t_fdlimit.x"); /* the file may have been made, the descriptor not */
    CHECK_EQ(dup(0), -1);
    CHECK_EQ(pipe(ends), -1);
    CHECK_EQ(close(7), 0);
    CHECK_EQ(pipe(ends), -1); /* one is not enough */
    CHECK_EQ(open("README", O_RDONLY), 7);
    CHECK_EQ(close(7), 0);
    CHECK_EQ(close(5), 0);
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(ends[0], 5);
    CHECK_EQ(ends[1], 7);
    CHECK_EQ(close(NOFILE), -1);
    CHECK_EQ(close(-1), -1);
}

/* Opens what it can, says how many that were, and keeps them until the go pipe ends. */
static void __attribute__((noreturn)) hoard(int *ready, int *go)
{
    char n = 0;

    close(ready[0]);
    close(go[1]);
    while (open("README", O_RDONLY) >= 0)
        n++;
    CHECK_EQ(write(ready[1], &n, 1), 1);
    CHECK_EQ(read(go[0], &n, 1), 0);
    t_exit();
}

static void whole_system(void)
{
    enum {
        HOARDERS = 12
    }; /* 11 files each would be more than there are */
    int total = 0;
    int ready[2];
    int go[2];
    int ends[2];
    char n;

    CHECK_EQ(pipe(ready), 0);
    CHECK_EQ(pipe(go), 0);
    for (int i = 0; i < HOARDERS; i++)
        if (t_fork() == 0)
            hoard(ready, go);
    for (int i = 0; i < HOARDERS; i++) {
        CHECK_EQ(read(ready[0], &n, 1), 1);
        total += n;
    }
    CHECK(total > 11 && total <= NFILE);
    CHECK_EQ(open("README", O_RDONLY), -1);
    CHECK_EQ(open("t_fdlimit.x", O_CREATE | O_RDWR), -1);
    CHECK_EQ(pipe(ends), -1);
    CHECK_EQ(dup(0), 7); /* needs no new file */
    close(7);
    close(go[1]);
    for (int i = 0; i < HOARDERS; i++) {
        int status = -1;

        CHECK(wait(&status) > 0);
        CHECK_EQ(status, 0);
    }
    CHECK_EQ(pipe(ends), 0);
    unlink("t_fdlimit.x");
}

static const struct t_case cases[] = {
    {"one_process", one_process},
    {"whole_system", whole_system},
};

int main(int argc, char **argv)
{
    t_main("t_fdlimit", cases, COUNT(cases), argc, argv);
}
