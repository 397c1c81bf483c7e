/*
 * usr/echo.c: writes its arguments, one blank apart, and a newline, in one write: the outputs of
 * two echos do not mix.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "user/user.h"

static char line[PGSIZE]; /* exec takes less than a page of arguments */

int main(int argc, char **argv)
{
    char *end = line;

    for (int i = 1; i < argc; i++) {
        strcpy(end, argv[i]);
        end += strlen(end);
        if (i + 1 < argc)
            *end++ = ' ';
    }
    if (argc > 1)
        *end++ = '\n';
    write(1, line, (int)(end - line));
    exit(0);
}
