/*
 * usr/init.c: the first process. Opens the console, keeps a shell running, reaps orphans.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/file.h"
#include "user/user.h"

#define RESTART_TICKS 10

static char *shell_argv[] = {"sh", 0};

static void
open_console(void)
{
    int fd = open("console", O_RDWR);

    if (fd < 0) {
        mknod("console", CONSOLE, 0);
        fd = open("console", O_RDWR);
    }
    if (fd == 0) {
        dup(0);
        dup(0);
    }
}

static int
start_shell(void)
{
    int pid;

    printf("init: starting sh\n");
    pid = fork();
    if (pid < 0) {
        printf("init: fork failed\n");
        exit(1);
    }
    if (pid == 0) {
        exec("sh", shell_argv);
        printf("init: exec sh failed\n");
        exit(1);
    }
    return pid;
}

/* Reaps whatever ends, until the shell does. */
static void
reap_until(int shell)
{
    int pid;

    do {
        pid = wait(0);
        if (pid < 0) {
            printf("init: wait returned an error\n");
            exit(1);
        }
    } while (pid != shell);
}

int
main(void)
{
    open_console();
    for (;;) {
        int started = uptime();

        reap_until(start_shell());
        if (uptime() == started)
            pause(RESTART_TICKS); /* a shell that cannot run must not keep the machine busy */
    }
}
