/*
 * System calls of processes and time: decoding only. Meanings: proc/proc.h, proc/exec.h.
 *
 * Owns nothing. Called by syscall/dispatch.c. Read next: proc/fork.c.
 */
#include "lib/errno.h"
#include "proc/exec.h"
#include "proc/proc.h"
#include "sched/ticks.h"
#include "syscall/args.h"
#include "syscall/syscall.h"

long sys_fork(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return proc_fork();
}

long sys_exit(uint64_t status, uint64_t a1, uint64_t a2, uint64_t a3)
{
    proc_exit((int)status);
}

long sys_wait(uint64_t status, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return proc_wait(status);
}

long sys_kill(uint64_t pid, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return proc_kill((int)pid);
}

long sys_exec(uint64_t upath, uint64_t uargv, uint64_t a2, uint64_t a3)
{
    char path[MAXPATH];
    struct exec_args args;
    int result = fetch_path(path, upath);

    if (result)
        return result;
    result = exec_args_init(&args);
    if (result)
        return result;
    result = exec_args_fetch(&args, uargv);
    if (!result)
        result = proc_exec(path, &args);
    exec_args_free(&args);
    return result;
}

long sys_getpid(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return current()->pid;
}

long sys_getppid(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return proc_parent_pid();
}

/* sleep() of 2022; a negative time is over at once, as in 2025. */
long sys_sleep(uint64_t nticks, uint64_t a1, uint64_t a2, uint64_t a3)
{
    int n = (int)nticks;

    return n > 0 ? sleep_ticks((uint64_t)n) : 0;
}

/* Its name in 2025, which debuggers and scripts look for. */
__attribute__((alias("sys_sleep"))) SYSCALL(sys_pause);

long sys_uptime(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return ticks();
}
