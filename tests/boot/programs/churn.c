/*
 * churn.c: files made, written, linked, renamed and removed for ever, for the test that pulls the plug.
 *
 * Each round says `churn N` when its calls have returned, so that the test can cut the power at a point that
 * the output names. /churn.keep is written first and never touched again: it must be there after every cut.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"

static char block[1024];

static void put(const char *path, int blocks, int seed)
{
    int fd = open(path, O_CREATE | O_WRONLY | O_TRUNC);

    if (fd < 0)
        return;
    memset(block, 'a' + seed % 26, sizeof(block));
    for (int i = 0; i < blocks; i++)
        write(fd, block, sizeof(block));
    close(fd);
}

int main(int argc, char **argv)
{
    put("churn.keep", 5, 10);
    for (int round = 0;; round++) {
        char name[] = "churn.0";

        name[6] = '0' + round % 10;
        put(name, 1 + round % 20, round);
        link(name, "churn.link");
        unlink(name);
        mkdir("churn.dir");
        link("churn.link", "churn.dir/in");
        unlink("churn.link");
        unlink("churn.dir/in");
        unlink("churn.dir");
        printf("churn %d\n", round);
    }
}
