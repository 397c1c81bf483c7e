/*
 * usr/tests/t_sidebyside.c: the programs of all courses at once, in every order of start, some of
 * them killed on the way; then the audit, and every page is back. Invariants attacked: I1 to I7.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/lamina.h"
#include "t.h"

#define ROUNDS 4

/* Of those that name an id or a file, only one can run at a time. */
static char *const programs[][3] = {
    {"shmem_test", 0},  {"shmem_test", "--no-unmap", 0},
    {"shmem_test1", 0}, {"shmem_test2", 0},
    {"log_test", 0},    {"crypto_cli", 0},
    {"crypto_cli", 0},  {"shmem_count", 0},
    {"shm_cnt", 0},     {"mmap_test", 0},
    {"share_demo", 0},
};

static int pids[COUNT(programs)];
static int statuses[COUNT(programs)];

static char *output_of(int i)
{
    static char name[] = "t_side.x";

    name[sizeof(name) - 2] = (char)('a' + i);
    return name;
}

static void start(int i)
{
    pids[i] = t_fork();
    if (pids[i] == 0) {
        char *argv[3] = {programs[i][0], programs[i][1], 0};

        close(1);
        open(output_of(i), O_CREATE | O_TRUNC | O_WRONLY);
        exec(argv[0], argv);
        exit(1);
    }
}

static void wait_for_all(void)
{
    for (int n = 0; n < COUNT(programs); n++) {
        int status = 1;
        int pid = wait(&status);

        for (int i = 0; i < COUNT(programs); i++)
            if (pids[i] == pid)
                statuses[i] = status;
    }
}

static void print_output(const char *name)
{
    static char text[256];
    int fd = open(name, O_RDONLY);
    int n;

    while ((n = read(fd, text, sizeof(text))) > 0)
        write(1, text, n);
    close(fd);
}

static void all_at_once(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < COUNT(programs); i++)
            start((i + round * 3) % COUNT(programs));
        wait_for_all();
        for (int i = 0; i < COUNT(programs); i++) {
            if (statuses[i] != 0) {
                printf("%s:\n", programs[i][0]);
                print_output(output_of(i));
            }
            CHECK_EQ(statuses[i], 0);
            CHECK_EQ(unlink(output_of(i)), 0);
        }
        CHECK_EQ(audit(), 0);
    }
}

/* Ends what the programs left behind: children that wait for a parent, or for a lock it held. */
static void kill_orphans(void)
{
    struct procinfo info;

    for (int slot = 0; procinfo(slot, &info) == 0; slot++)
        for (int i = 0; i < COUNT(programs); i++)
            if (info.pid != 0 && info.ppid == 1 && strcmp(info.name, programs[i][0]) == 0)
                kill(info.pid);
}

/* Killed at any point: what they had open, mapped, lent and borrowed comes back. */
static void killed(void)
{
    for (uint round = 0; round < 2 * ROUNDS; round++) {
        for (int i = 0; i < COUNT(programs); i++)
            start(i);
        t_spin(round * 20000);
        pause((int)round % 3);
        for (int i = 0; i < COUNT(programs); i++)
            kill(pids[i]);
        wait_for_all();
        kill_orphans();
        pause(1);
        for (int i = 0; i < COUNT(programs); i++)
            unlink(output_of(i));
    }
    unlink("mmap_test.tmp");
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"all_at_once", all_at_once},
    {"killed", killed},
    {"all_at_once", all_at_once},
};

int main(int argc, char **argv)
{
    t_main("t_sidebyside", cases, COUNT(cases), argc, argv);
}
