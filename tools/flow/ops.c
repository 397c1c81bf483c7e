/*
 * The operations that tools/flow.py follows: `ops NAME` does one several times.
 *
 * A getpid() before and one after each mark it in the log of what the machine executed. The host
 * begins to log when it reads "ready", and then types a line.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "user/user.h"

#define PAGE  4096
#define TIMES 40 /* often enough that the kernel's stocks run empty and full */

static void begin(void)
{
    getpid();
}

static void end(void)
{
    getpid();
}

/* The first store to a page of fresh memory. */
static void touch(void)
{
    char *page = sbrk(TIMES * PAGE);

    for (int i = 0; i < TIMES; i++) {
        begin();
        page[i * PAGE] = 1;
        end();
    }
}

/* In a child: waits for a byte, so that parent and child work in turn. */
static void wait_turn(int fd)
{
    char byte;

    read(fd, &byte, 1);
}

static void give_turn(int fd)
{
    write(fd, "", 1);
}

/* map_shared_pages() of one page from the parent into the child. */
static void map(void)
{
    int ready[2];
    char *page = sbrk(TIMES * PAGE);
    int child;

    for (int i = 0; i < TIMES; i++)
        page[i * PAGE] = 1;
    pipe(ready);
    child = fork();
    if (child == 0) {
        close(ready[1]);
        wait_turn(ready[0]);
        exit(0);
    }
    for (int i = 0; i < TIMES; i++) {
        begin();
        map_to(child, page + i * PAGE, PAGE);
        end();
    }
    give_turn(ready[1]);
    wait(0);
}

/* The last holder of a shared page unmaps it, and the frame is free. */
static void unmap(void)
{
    int turn[2], done[2];
    char *page = sbrk(TIMES * PAGE);
    uint64 at[TIMES];
    int child;

    pipe(turn);
    pipe(done);
    for (int i = 0; i < TIMES; i++)
        page[i * PAGE] = 1;
    child = fork();
    if (child == 0) {
        for (int i = 0; i < TIMES; i++)
            at[i] = map_from(getppid(), page + i * PAGE, PAGE);
        give_turn(done[1]);
        wait_turn(turn[0]);
        for (int i = 0; i < TIMES; i++) {
            begin();
            unmap_shared_pages(at[i], PAGE);
            end();
        }
        exit(0);
    }
    wait_turn(done[0]);
    sbrk(-TIMES * PAGE);
    give_turn(turn[1]);
    wait(0);
}

/* The store of a parent to a page that it shares with its child since fork(). */
static void cow(void)
{
    int turn[2];
    char *page = sbrk(TIMES * PAGE);

    for (int i = 0; i < TIMES; i++)
        page[i * PAGE] = 1;
    pipe(turn);
    if (fork() == 0) {
        wait_turn(turn[0]);
        exit(0);
    }
    for (int i = 0; i < TIMES; i++) {
        begin();
        page[i * PAGE] = 2;
        end();
    }
    give_turn(turn[1]);
    wait(0);
}

static void forks(void)
{
    for (int i = 0; i < TIMES / 4; i++) {
        int child;

        begin();
        child = fork();
        if (child == 0)
            exit(0);
        end();
        wait(0);
    }
}

/* A page that was stored to goes back. */
static void shrink(void)
{
    for (int i = 0; i < TIMES; i++) {
        char *page = sbrk(PAGE);

        *page = 1;
        begin();
        sbrk(-PAGE);
        end();
    }
}

/* Reads the beginning of files; the first time only the disk holds it. */
static void reads(int cached)
{
    static const char *const names[] = {"cat", "grep", "kill", "ln", "mkdir", "rm", "wc", "zombie"};
    char buffer[512];

    memset(buffer, 1, sizeof(buffer));
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int fd = open(names[i], O_RDONLY);

        if (fd < 0)
            continue;
        if (cached) {
            read(fd, buffer, sizeof(buffer));
            close(fd);
            fd = open(names[i], O_RDONLY);
        }
        begin();
        read(fd, buffer, sizeof(buffer));
        end();
        close(fd);
    }
}

/* Programs that only compute: if there are two, each tick of the timer gives the hart to the other. */
static void ticks(int programs)
{
    int until = uptime() + 8;
    int child = programs > 1 ? fork() : -1;

    while (uptime() < until)
        for (volatile int i = 0; i < 1000; i++)
            ;
    if (child == 0)
        exit(0);
    wait(0);
}

int main(int argc, char **argv)
{
    char line[16];

    printf("ready\n");
    gets(line, sizeof(line));
    if (argc < 2)
        exit(1);
    if (strcmp(argv[1], "touch") == 0)
        touch();
    else if (strcmp(argv[1], "map") == 0)
        map();
    else if (strcmp(argv[1], "unmap") == 0)
        unmap();
    else if (strcmp(argv[1], "shrink") == 0)
        shrink();
    else if (strcmp(argv[1], "cow") == 0)
        cow();
    else if (strcmp(argv[1], "fork") == 0)
        forks();
    else if (strcmp(argv[1], "read") == 0)
        reads(1);
    else if (strcmp(argv[1], "disk") == 0)
        reads(0);
    else if (strcmp(argv[1], "tick") == 0)
        ticks(1);
    else if (strcmp(argv[1], "slice") == 0)
        ticks(2);
    else
        exit(1);
    printf("done\n");
    exit(0);
}
