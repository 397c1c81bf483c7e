/*
 * tests/boot/programs/lineshell.c: a shell that reads lines, as xv6's does; it takes sh's place on an
 * image of its own.
 */
#include "kernel/types.h"
#include "user/user.h"

static char line[100];

/* Cuts the line into words. */
static void split(char **argv, int max)
{
    int n = 0;

    for (char *at = line; *at != 0; at++) {
        if (strchr(" \n", *at) != 0)
            *at = 0;
        else if (n < max && (at == line || at[-1] == 0))
            argv[n++] = at;
    }
    argv[n] = 0;
}

int main(void)
{
    char *argv[10];

    for (;;) {
        fprintf(2, "$ ");
        gets(line, sizeof(line));
        if (line[0] == 0)
            exit(0);
        split(argv, 9);
        if (argv[0] == 0)
            continue;
        if (fork() == 0) {
            exec(argv[0], argv);
            fprintf(2, "exec %s failed\n", argv[0]);
            exit(1);
        }
        wait(0);
    }
}
