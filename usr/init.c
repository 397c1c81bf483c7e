/*
 * usr/init.c: the first process. Opens the console, starts the crypto service if the image has
 * one, keeps a shell running, reaps orphans.
 *
 * The service is process 2, and started anew when it was killed. One that ends by itself does not
 * want to run: servers of the course leave when they are not process 2.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/file.h"
#include "kernel/lamina.h"
#include "user/user.h"

#define RESTART_TICKS 10
#define READY_TICKS 100 /* the service has this long before the shell starts */
#define KILLED -1      /* the status of a process that did not end by itself */

static char *server_argv[] = {"crypto_srv", 0, 0};
static int server;         /* its pid; 0: there is none */
static int server_started; /* uptime() then */

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

static void
start_server(void)
{
    struct stat st;

    server = 0;
    if (stat(server_argv[0], &st) < 0)
        return; /* then the shell is process 2, as in xv6 */
    server_started = uptime();
    server = fork();
    if (server == 0) {
        exec(server_argv[0], server_argv);
        exit(1);
    }
}

static void
restart_server(int status)
{
    server_argv[1] = "again";
    if (uptime() == server_started)
        pause(1); /* one that cannot run must not keep the machine busy */
    if (status == KILLED)
        start_server();
    else
        server = 0;
}

/* Whether the service has printed what it has to say, and waits for requests, or is gone. */
static int
server_is_ready(void)
{
    struct procinfo info;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.pid == server)
            return (info.state == PROCINFO_SLEEPING && strcmp(info.name, server_argv[0]) == 0) ||
                   info.state == PROCINFO_ZOMBIE;
    return 1;
}

static void
wait_for_server(void)
{
    for (int i = 0; i < READY_TICKS && server > 0 && !server_is_ready(); i++)
        pause(1);
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
    int status;
    int pid;

    do {
        pid = wait(&status);
        if (pid < 0) {
            printf("init: wait returned an error\n");
            exit(1);
        }
        if (pid == server)
            restart_server(status);
    } while (pid != shell);
}

int
main(void)
{
    open_console();
    start_server();
    wait_for_server();
    for (;;) {
        int started = uptime();

        reap_until(start_shell());
        if (uptime() == started)
            pause(RESTART_TICKS); /* a shell that cannot run must not keep the machine busy */
    }
}
