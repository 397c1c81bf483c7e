/*
 * tests/boot/programs/busy.c: families for Ctrl-C to end.
 *
 *   busy spin|sleep|read    one process that computes, sleeps, or waits for a pipe
 *   busy family             three generations, one of each
 *   busy bomb               processes that fork for ever
 *   busy key                one that reads a key, so is the console's shell, and then computes
 *
 * Each prints `busy: ready` when it has become what it is.
 */
#include "kernel/types.h"
#include "user/user.h"

static void ready(void)
{
    write(1, "busy: ready\n", 12);
}

static void __attribute__((noreturn)) spin(void)
{
    for (volatile int i = 0;; i++)
        ;
}

static void __attribute__((noreturn)) read_pipe(void)
{
    int ends[2];
    char c;

    pipe(ends);
    read(ends[0], &c, 1);
    exit(1);
}

/* A child that computes, its child that sleeps, and that one's that waits for a pipe. */
static void __attribute__((noreturn)) family(void)
{
    if (fork() != 0)
        spin();
    if (fork() != 0)
        pause(1 << 30);
    ready();
    read_pipe();
}

static void __attribute__((noreturn)) bomb(void)
{
    ready();
    for (;;)
        fork();
}

int main(int argc, char **argv)
{
    char what = argc > 1 ? argv[1][0] : 0;
    char key;

    if (what == 'f')
        family();
    if (what == 'b')
        bomb();
    if (what == 'k')
        console_keys(0, &key, 1);
    ready();
    if (what == 'r')
        read_pipe();
    if (what == 's' && argv[1][1] == 'l')
        pause(1 << 30);
    spin();
}
