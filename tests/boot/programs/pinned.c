/*
 * pinned.c: a child that runs on one hart sees that its parent, on another, has pinned one of its pages.
 *
 * After fork the page is shared copy-on-write, and the child has read it: its hart remembers the common frame. When the
 * parent maps the page from the child, the child gets a frame of its own, and its hart must be told, or it goes on
 * reading the old one for ever: this program then never ends. Run with two harts or more.
 */
#include "kernel/types.h"
#include "user/user.h"

#define PAGE   4096
#define ROUNDS 20

static volatile int page[PAGE / sizeof(int)] __attribute__((aligned(PAGE)));

/* Tells that it runs, then only loads until the word changes: no store, no call. */
static void child(int ready)
{
    write(ready, "r", 1);
    while (page[0] == 0)
        ;
    exit(page[0]);
}

static int round_of(int number)
{
    int ends[2];
    char c;

    page[0] = 0;
    if (pipe(ends) < 0)
        return -1;
    int pid = fork();
    if (pid == 0)
        child(ends[1]);
    read(ends[0], &c, 1);
    sleep(1); /* so that it loads by now; nothing goes wrong if it does not yet */

    volatile int *theirs = (volatile int *)map_from(pid, (void *)page, sizeof(int));
    if ((uint64)theirs == (uint64)-1)
        return -1;
    *theirs = number;
    int status = 0;
    wait(&status);
    unmap_shared_pages((void *)theirs, sizeof(int));
    close(ends[0]);
    close(ends[1]);
    return status == number && page[0] == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i <= ROUNDS; i++)
        if (round_of(i) < 0) {
            printf("pinned: round %d went wrong\n", i);
            exit(1);
        }
    printf("pinned: OK\n");
    exit(0);
}
