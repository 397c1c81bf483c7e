/*
 * System calls of processes and time: decoding only. Meanings: proc/proc.h.
 *
 * Called by syscall/dispatch.c. Read next: proc/fork.c.
 */
#include "proc/proc.h"
#include "sched/ticks.h"
#include "syscall.h"

/* int fork(void) */
long sys_fork(const uint64_t a[6])
{
    return proc_fork(PID_FRESH);
}

/* void exit(int status) */
long sys_exit(const uint64_t a[6])
{
    proc_exit((int)a[0]);
}

/* int wait(int *status) */
long sys_wait(const uint64_t a[6])
{
    return proc_wait(a[0]);
}

/* int kill(int pid) */
long sys_kill(const uint64_t a[6])
{
    return proc_kill((int)a[0]);
}

/* int exec(const char *path, char **argv) */
long sys_exec(const uint64_t a[6])
{
    char path[MAXPATH];
    int err = fetch_path(path, a[0]);

    return err ? err : proc_exec(path, a[1]);
}

/* int getpid(void) */
long sys_getpid(const uint64_t a[6])
{
    return current()->pid;
}

/* int sleep(int ticks), of 2022; a negative time is over at once, as in 2025. */
long sys_sleep(const uint64_t a[6])
{
    return (int)a[0] > 0 ? sleep_ticks((uint64_t)(int)a[0]) : 0;
}

/* Its name in 2025, which debuggers and scripts look for. */
__attribute__((alias("sys_sleep"))) SYSCALL_DECLARE(pause)

    /* int uptime(void) */
    long sys_uptime(const uint64_t a[6])
{
    return ticks();
}
