/*
 * usr/poweroff.c: switches the machine off.
 */
#include "kernel/types.h"
#include "user/user.h"

int main(void)
{
    poweroff();
    fprintf(2, "poweroff: failed\n");
    exit(1);
}
