/*
 * usr/ps.c: lists the processes: pid, parent, state, size in KiB, name.
 */
#include "kernel/types.h"
#include "kernel/lamina.h"
#include "user/user.h"

static const char *state_names[] = {
    [PROCINFO_EMBRYO] = "new     ",   [PROCINFO_SLEEPING] = "sleeping",
    [PROCINFO_RUNNABLE] = "ready   ", [PROCINFO_RUNNING] = "running ",
    [PROCINFO_ZOMBIE] = "zombie  ",
};

static const char *state_name(int state)
{
    if (state <= PROCINFO_FREE || state > PROCINFO_ZOMBIE)
        return "?       ";
    return state_names[state];
}

int main(void)
{
    struct procinfo info;

    printf("PID\tPPID\tSTATE\t\tKIB\tNAME\n");
    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.pid != 0)
            printf("%d\t%d\t%s\t%lu\t%s\n", info.pid, info.ppid, state_name(info.state),
                   info.size / 1024, info.name);
    exit(0);
}
