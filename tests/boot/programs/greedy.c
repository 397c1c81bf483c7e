/*
 * greedy.c: takes all there is of something, and keeps it for as long as it lives.
 *
 *   greedy memory     every frame, and each one that turns up
 *   greedy slots      every process slot, and each one that turns up
 *   greedy sh N       as slots, and kills the shell N times
 *   greedy bomb       the classic: every process forks for ever
 */
#include "kernel/types.h"
#include "kernel/lamina.h"
#include "user/user.h"

static int find(const char *name)
{
    struct procinfo info;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        if (info.pid != 0 && info.state != PROCINFO_ZOMBIE && strcmp(info.name, name) == 0)
            return info.pid;
    return 0;
}

static void take_memory(void)
{
    int step = 1 << 24;
    int said = 0;

    for (;;) {
        if (sbrk(step) != SBRK_ERROR)
            continue;
        if (step > 4096)
            step /= 2;
        else if (!said++)
            printf("greedy: all memory taken\n");
    }
}

/* => 0 when there was one. */
static int take_slot(void)
{
    int pid = fork();

    if (pid == 0)
        for (;;)
            pause(1000);
    return pid < 0 ? -1 : 0;
}

/* Nobody but init gets the slot of the shell that ends. */
static void kill_shell(int times)
{
    for (; times > 0; times--) {
        int shell;

        while ((shell = find("sh")) == 0 || kill(shell) < 0)
            take_slot();
        while (find("sh") == shell)
            take_slot();
    }
}

static void bomb(void)
{
    printf("greedy: bomb\n");
    for (;;)
        fork();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "memory") == 0)
        take_memory();
    if (strcmp(what, "bomb") == 0)
        bomb();
    while (take_slot() == 0)
        ;
    printf("greedy: all slots taken\n");
    if (strcmp(what, "sh") == 0)
        kill_shell(argc > 2 ? atoi(argv[2]) : 1);
    for (;;)
        take_slot();
}
