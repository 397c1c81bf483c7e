/*
 * usr/zombie.c: leaves a zombie behind for half a second, then exits, so that init must reap it.
 */
#include "kernel/types.h"
#include "user/user.h"

int main(void)
{
    if (fork() > 0)
        pause(5);
    exit(0);
}
