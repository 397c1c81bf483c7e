/*
 * usr/kill.c: kills processes, named by number or by the program they run.
 */
#include "kernel/types.h"
#include "kernel/lamina.h"
#include "user/user.h"

/* Kills each process called `name` but this one. => how many there were. */
static int kill_each(const char *name)
{
    struct procinfo info;
    int killed = 0;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.pid != 0 && info.pid != getpid() && info.state != PROCINFO_ZOMBIE &&
            strcmp(info.name, name) == 0)
            killed += kill(info.pid) == 0;
    return killed;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(2, "usage: kill pid|name...\n");
        exit(1);
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] >= '0' && argv[i][0] <= '9')
            kill(atoi(argv[i]));
        else
            while (kill_each(argv[i]) > 0)
                ; /* until those are gone, too, that they forked meanwhile */
    }
    exit(0);
}
