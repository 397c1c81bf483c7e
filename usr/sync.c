/*
 * usr/sync.c: writes everything to the disk, and waits for it.
 */
#include "kernel/types.h"
#include "user/user.h"

int main(void)
{
    if (sync() == 0)
        exit(0);
    fprintf(2, "sync: the disk has failed\n");
    exit(1);
}
