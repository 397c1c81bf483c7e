/*
 * usr/reboot.c: starts the machine anew.
 */
#include "kernel/types.h"
#include "user/user.h"

int main(void)
{
    reboot();
    fprintf(2, "reboot: failed\n");
    exit(1);
}
