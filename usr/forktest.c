/*
 * usr/forktest.c: forks until it fails, and reaps every child.
 *
 * Uses system calls and usr/lib/ulib.c only, and main never returns: so it can be linked with its
 * main as the entry, in one small segment, and leave more memory to the processes.
 */
#include "kernel/types.h"
#include "user/user.h"

#define FORKS_MAX 1000 /* more than there can be processes */

static void say(const char *text)
{
    write(1, text, (int)strlen(text));
}

static void __attribute__((noreturn)) fail(const char *text)
{
    say(text);
    exit(1);
}

int main(void)
{
    int n;

    say("fork test\n");
    for (n = 0; n < FORKS_MAX; n++) {
        int pid = fork();

        if (pid < 0)
            break;
        if (pid == 0)
            exit(0);
    }
    if (n == 0)
        fail("forktest: no fork worked\n");
    if (n == FORKS_MAX)
        fail("forktest: no fork failed\n");
    for (; n > 0; n--)
        if (wait(0) < 0)
            fail("forktest: a child is missing\n");
    if (wait(0) != -1)
        fail("forktest: a child too many\n");
    say("fork test OK\n");
    exit(0);
}
