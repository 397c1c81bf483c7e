/*
 * usr/shm_cnt.c: parent and child count in one shared page, 10000 each.
 *
 *   shm_cnt        under a spin lock in that page: no count is lost
 *   shm_cnt -u     without the lock, to show how counts are lost (on one hart it may be none)
 *
 * Each prints its view every 1000 counts, and at its end the value that its own last count gave:
 * with the lock one of the two says 20000. The last line is `shm_cnt: OK` and the status 0, or the
 * line before says what differed and the status is 1.
 */
#include "kernel/types.h"
#include "user/user.h"
#include "user/uspinlock.h"

#define ID         1
#define COUNTS     10000
#define LINE_EVERY 1000

struct page {
    struct uspinlock lock;
    volatile int count;
    volatile int ready;    /* processes that have the page open */
    volatile int final[2]; /* what the last count of child and parent gave */
};

static void expect(int ok, const char *what)
{
    if (ok)
        return;
    printf("shm_cnt: %s\n", what);
    exit(1);
}

static struct page *open_page(void)
{
    struct page *page;

    expect(shm_open(ID, (char **)&page) == 0, "shm_open failed");
    return page;
}

/* Counts once. => what the count is then. */
static int count_locked(struct page *page)
{
    int now;

    uacquire(&page->lock);
    now = ++page->count;
    urelease(&page->lock);
    return now;
}

/* The same without the lock, and slowly: what the other stores in between is lost. */
static int count_unlocked(struct page *page)
{
    int now = page->count + 1;

    for (volatile int i = 0; i < 500; i++)
        ;
    page->count = now;
    return now;
}

static void run(int parent, int locked)
{
    const char *name = parent ? "parent" : "child";
    struct page *page = open_page();
    int now = 0;

    __sync_fetch_and_add(&page->ready, 1);
    while (page->ready < 2)
        ; /* without sleeping: both are to begin at the same moment */
    for (int i = 1; i <= COUNTS; i++) {
        now = locked ? count_locked(page) : count_unlocked(page);
        if (i % LINE_EVERY == 0 && i < COUNTS)
            printf("Counter in %s is %d\n", name, now);
    }
    page->final[parent] = now;
    printf("Counter in %s is %d\n", name, now);
}

static void check_locked(const struct page *page)
{
    int all = 2 * COUNTS;
    int last = page->final[0] == all ? page->final[1] : page->final[0];

    expect(page->count == all, "a count was lost");
    expect(page->final[0] == all || page->final[1] == all, "nobody saw the last count");
    expect(last >= COUNTS && last < all, "the first to end saw what cannot be");
}

int main(int argc, char **argv)
{
    int locked = argc < 2;
    struct page *page;
    int status = -1;
    int pid;

    if (argc > 2 || (argc == 2 && strcmp(argv[1], "-u") != 0)) {
        fprintf(2, "usage: shm_cnt [-u]    (-u: without the lock)\n");
        exit(1);
    }
    page = open_page();
    expect(page->count == 0, "a new page is not zero");
    pid = fork();
    expect(pid >= 0, "fork failed");
    run(pid != 0, locked);
    if (pid == 0)
        exit(0);
    expect(wait(&status) == pid && status == 0, "the child failed");
    if (locked)
        check_locked(page);
    else
        printf("shm_cnt: %d of %d counts lost\n", 2 * COUNTS - page->count, 2 * COUNTS);
    expect(page->count <= 2 * COUNTS, "more was counted than there is");
    expect(shm_close(ID) == 0 && shm_close(ID) == 0 && shm_close(ID) == -1,
           "the page is not open as often as it was opened");
    printf("shm_cnt: OK\n");
    exit(0);
}
