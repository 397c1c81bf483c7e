/*
 * usr/init.c: the first process. Opens the console, keeps the crypto service (if the image has one)
 * and a shell running, reaps orphans. It never ends: what cannot be had now is tried again.
 *
 * The service is process 2, and so is each that follows when it was killed: servers of the course
 * leave when they are not. One that ends by itself does not want to run.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/file.h"
#include "kernel/lamina.h"
#include "user/user.h"

#define SECOND      10  /* ticks */
#define READY_TICKS 100 /* the service has this long before the shell starts */
#define KILLED      -1  /* the status of a process that did not end by itself */
#define NO_EXEC     127 /* the status of one whose program could not be run */

/* A program that is kept running. */
struct service {
    char *argv[2];
    int (*fork)(void);
    int wanted;
    int pid;     /* 0: it does not run */
    int started; /* uptime() when that was tried last */
    int failing; /* it could not be started, and that was said */
};

static struct service server = {{"crypto_srv"}, service_start, 0, 0, -SECOND, 0};
static struct service shell = {{"sh"}, fork, 1, 0, -SECOND, 0};

/* => -1 when there is none, and none can be made: the disk is broken or full. */
static int open_console(void)
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
    return fd;
}

static void await_console(void)
{
    if (open_console() >= 0)
        return;
    kernel_log("cannot open or make the file `console', trying again every second");
    do {
        pause(SECOND);
    } while (open_console() < 0);
}

static void report_failure(struct service *s, const char *what)
{
    if (!s->failing)
        printf("init: %s %s failed, trying again every second\n", what, s->argv[0]);
    s->failing = 1;
}

/* Starts what does not run and should, no more than once a second. */
static void start(struct service *s)
{
    int now = uptime();
    int pid;

    if (!s->wanted || s->pid || now - s->started < SECOND)
        return;
    s->started = now;
    pid = s->fork();
    if (pid == 0) {
        if (s == &shell)
            printf("init: starting sh\n");
        exec(s->argv[0], s->argv);
        exit(NO_EXEC);
    }
    if (pid < 0)
        report_failure(s, "fork for");
    else
        s->pid = pid;
}

static void note_end(struct service *s, int status)
{
    s->pid = 0;
    s->failing &= status == NO_EXEC;
    if (status == NO_EXEC)
        report_failure(s, "exec");
    else if (s == &server && status != KILLED)
        s->wanted = 0;
}

static void reap(void)
{
    int status;
    int pid = wait(&status);

    if (pid == server.pid)
        note_end(&server, status);
    if (pid == shell.pid)
        note_end(&shell, status);
}

static int all_run(void)
{
    return shell.pid && (server.pid || !server.wanted);
}

/* Whether wait() would return at once. */
static int child_has_ended(void)
{
    struct procinfo info;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.state == PROCINFO_ZOMBIE && info.ppid == 1)
            return 1;
    return 0;
}

int main(void)
{
    struct stat st;

    await_console();
    server.wanted = stat(server.argv[0], &st) == 0; /* else the shell is process 2, as in xv6 */
    start(&server);
    if (server.pid)
        service_wait(READY_TICKS);
    for (;;) {
        start(&server);
        start(&shell);
        if (all_run() || child_has_ended())
            reap();
        else
            pause(1);
    }
}
