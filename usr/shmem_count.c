/*
 * usr/shmem_count.c: ten children add one each to a number in a shared page, which is found by its
 * id. Prints 10, 11, .. 20, one a line, in that order: the children take turns by the number.
 *
 * The last line is `shmem_count: OK` and the status 0, or the line before says what differed and
 * the status is 1.
 */
#include "kernel/types.h"
#include "user/user.h"

#define ID       25
#define CHILDREN 10
#define FIRST    10
#define PATIENCE 6000 /* ticks that a child waits for its turn, on a busy host, too */

struct page {
    volatile int number; /* what the children add to */
    volatile int turn;   /* whose turn it is */
};

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("shmem_count: %s\n", what);
    exit(1);
}

static struct page *open_page(void)
{
    struct page *page = (struct page *)openshmem(ID);

    expect(page != (struct page *)-1, "openshmem failed");
    return page;
}

static void wait_for_turn(const struct page *page, int turn)
{
    int start = uptime();

    while (page->turn != turn) {
        expect(uptime() - start < PATIENCE, "a child before this one is lost");
        pause(1);
    }
    __sync_synchronize();
}

static void child(int turn)
{
    struct page *page = open_page();

    wait_for_turn(page, turn);
    page->number++;
    printf("%d\n", page->number);
    expect(page->number == FIRST + turn + 1, "the number is not what the one before left");
    __sync_synchronize();
    page->turn++;
    expect(closeshmem(ID) == 0, "closeshmem failed");
    exit(0);
}

/* The page is new: no program that ran before has left it open. */
static struct page *make_page(void)
{
    struct page *page = open_page();

    expect(page->number == 0 && page->turn == 0, "a new page is not zero");
    page->number = FIRST;
    printf("%d\n", page->number);
    return page;
}

int main(void)
{
    struct page *page = make_page();
    int failed = 0;

    for (int i = 0; i < CHILDREN; i++) {
        int pid = fork();

        expect(pid >= 0, "fork failed");
        if (pid == 0)
            child(i);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;

        wait(&status);
        failed += status != 0;
    }
    expect(failed == 0, "a child failed");
    expect(page->number == FIRST + CHILDREN, "the number is not 20");
    expect(closeshmem(ID) == 0, "closeshmem failed");
    expect(shm_close(ID) == -1, "the page was open once more");
    printf("shmem_count: OK\n");
    exit(0);
}
