/*
 * usr/stressfs.c: five processes write and read a file each, at the same time.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"

#define BLOCK_BYTES 512
#define BLOCKS      20
#define FORKS       4

static char data[BLOCK_BYTES];
static char path[] = "stressfs0";

int main(void)
{
    int number;
    int fd;

    printf("stressfs starting\n");
    memset(data, 'a', sizeof(data));
    for (number = 0; number < FORKS; number++)
        if (fork() > 0)
            break;
    printf("write %d\n", number);
    path[sizeof(path) - 2] += (char)number;

    fd = open(path, O_CREATE | O_RDWR);
    for (int i = 0; i < BLOCKS; i++)
        write(fd, data, sizeof(data));
    close(fd);

    printf("read\n");
    fd = open(path, O_RDONLY);
    for (int i = 0; i < BLOCKS; i++)
        read(fd, data, sizeof(data));
    close(fd);
    wait(0);
    exit(0);
}
