/*
 * usr/tests/t_ids.c: pages by id, under all their names. Rules: docs/sharing.md.
 * Invariants attacked: I1, I4, I6, I7.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "user/uspinlock.h"
#include "t.h"

#define ID             7001
#define NO_PAGE        ((char *)-1)
#define TABLE_AT_LEAST 64
#define TRIES_MAX      4096

/* The brief test of what is there: a page, of zeros when new. */
static char *open_new(int id)
{
    char *p = openshmem(id);

    CHECK(p != NO_PAGE);
    CHECK_EQ((uint64)p % PAGE, 0);
    for (uint64 i = 0; i < PAGE; i++)
        if (p[i] != 0) {
            CHECK(!"a new page is zero");
            break;
        }
    return p;
}

static void store_at(uint64 address)
{
    *(volatile char *)address = 1;
}

static void counts(void)
{
    uint64 before = (uint64)sbrk(0);
    char *p = open_new(ID);

    t_fill(p, PAGE, 5);
    CHECK_EQ(openshmem(ID), p);
    CHECK_EQ(open_sharedmem(ID), p);
    CHECK_EQ(closeshmem(ID), 0);
    CHECK_EQ(close_sharedmem(ID), 0);
    CHECK(t_is_pattern(p, PAGE, 5));
    CHECK_EQ(shm_close(ID), 0);
    CHECK_EQ(t_status(store_at, (uint64)p), -1);
    CHECK_EQ(shm_close(ID), -1);
    CHECK_EQ((uint64)sbrk(0), before);
    open_new(ID); /* the last reference was gone, and the page with it */
    CHECK_EQ(closeshmem(ID), 0);
}

static void bad_ids(void)
{
    static const int bad[] = {0, -1, -ID, (int)0x80000000};
    uint64 before = (uint64)sbrk(0);
    char *pointer = (char *)77;

    for (int i = 0; i < COUNT(bad); i++) {
        CHECK_EQ(openshmem(bad[i]), NO_PAGE);
        CHECK_EQ(open_sharedmem(bad[i]), NO_PAGE);
        CHECK_EQ(shm_open(bad[i], &pointer), -1);
        CHECK_EQ(close_sharedmem(bad[i]), -1);
        CHECK_EQ(shm_close(bad[i]), -1);
    }
    CHECK(pointer == (char *)77);
    CHECK_EQ(shm_close(ID), -1);
    CHECK_EQ((uint64)sbrk(0), before);
    open_new(0x7fffffff);
    CHECK_EQ(closeshmem(0x7fffffff), 0);
}

static void bad_pointers(void)
{
    static char **const bad[] = {
        0, (char **)MAXVA, (char **)(MAXVA - 4), (char **)~0UL, (char **)0xffffffc080200000UL,
    };
    char *top = t_align_break();
    char *page;

    for (int i = 0; i < COUNT(bad); i++)
        CHECK_EQ(shm_open(ID, bad[i]), -1);
    CHECK_EQ(shm_open(ID, (char **)top), -1);
    CHECK_EQ(shm_open(ID, (char **)(top - 4)), -1);
    CHECK_EQ(shm_close(ID), -1); /* nothing was counted */
    CHECK(sbrk(0) == top);
    CHECK_EQ(shm_open(ID, &page), 0);
    CHECK_EQ(shm_open(ID, (char **)page), 0); /* a good one, and an odd one */
    CHECK_EQ(*(char **)page, page);
    while (dup(0) >= 0)
        ;
    CHECK_EQ(shm_open(ID, bad[1]), -1); /* without a descriptor, too */
    CHECK_EQ(shm_open(ID, &page), 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(shm_close(ID), 0);
    CHECK_EQ(shm_close(ID), -1);
}

/* sbrk(0) grows by what is opened, and comes back to the byte, in any order. */
static void sizes(void)
{
    uint64 before;
    char *heap;

    CHECK(sbrk(123) != SBRK_ERROR);
    before = (uint64)sbrk(0);
    open_new(ID);
    CHECK_EQ((uint64)sbrk(0), PGROUNDUP(before) + PAGE);
    CHECK_EQ(closeshmem(ID), 0);
    CHECK_EQ((uint64)sbrk(0), before);

    open_new(ID);
    heap = sbrk(3 * PAGE + 5);
    t_fill(heap, 3 * PAGE + 5, 8);
    open_new(ID + 1);
    CHECK_EQ(closeshmem(ID), 0);
    CHECK_EQ(sbrk(-4 * (int)PAGE), SBRK_ERROR); /* it would take the other away */
    CHECK_EQ(closeshmem(ID + 1), 0);
    CHECK(t_is_pattern(heap, 3 * PAGE + 5, 8));
    CHECK_EQ((uint64)sbrk(0), (uint64)heap + 3 * PAGE + 5);
}

/* ---- fork, exit, exec, kill ---- */

static void child_of_two(uint64 address)
{
    char *p = (char *)address;

    CHECK(t_is_pattern(p, PAGE, 9));
    t_fill(p, PAGE, 10);
    CHECK_EQ(openshmem(ID), p);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(closeshmem(ID), 0);
    CHECK_EQ(shm_close(ID), -1);
    CHECK_EQ(t_status(store_at, address), -1);
    CHECK(t_is_pattern(openshmem(ID), PAGE, 10)); /* the parent has it still */
}

static void inherited(void)
{
    char *p = open_new(ID);

    CHECK_EQ(openshmem(ID), p);
    t_fill(p, PAGE, 9);
    CHECK_EQ(t_status(child_of_two, (uint64)p), 0);
    CHECK(t_is_pattern(p, PAGE, 10));
    CHECK_EQ(closeshmem(ID), 0);
    CHECK_EQ(closeshmem(ID), 0);
    open_new(ID);
}

static void child_keeps(struct t_peer *parent, uint64 address)
{
    t_get(parent);
    CHECK(t_is_pattern((char *)address, PAGE, 3)); /* the parent has closed it */
    t_fill((char *)address, PAGE, 4);
    t_put(parent, 1);
    t_get(parent);
}

static void parent_closes_first(void)
{
    struct t_peer child;
    char *p = open_new(ID);

    t_fill(p, PAGE, 3);
    t_start(&child, child_keeps, (uint64)p);
    CHECK_EQ(closeshmem(ID), 0);
    t_put(&child, 1);
    t_get(&child);
    CHECK(t_is_pattern(openshmem(ID), PAGE, 4));
    CHECK_EQ(closeshmem(ID), 0);
    t_put(&child, 1);
    CHECK_EQ(t_join(&child), 0);
    open_new(ID);
}

static void open_and_leave(uint64 how)
{
    static char *argv[] = {"t_ids", "-new", 0};

    t_fill(open_new(ID), PAGE, 1);
    openshmem(ID);
    openshmem(ID + 1);
    if (how == 0)
        exit(0);
    if (how == 1) {
        exec("t_ids", argv); /* it is closed when the new program starts */
        exit(1);
    }
    CHECK_EQ(kill(getpid()), 0);
    for (;;)
        ;
}

static void left_open(void)
{
    CHECK_EQ(t_status(open_and_leave, 0), 0);
    CHECK_EQ(t_status(open_and_leave, 1), 0);
    CHECK_EQ(t_status(open_and_leave, 2), -1);
    open_new(ID);
    open_new(ID + 1);
}

/* A failed exec leaves everything open. */
static void failed_exec(void)
{
    static char *argv[] = {"no-such-program", 0};
    char *p = open_new(ID);

    *p = 1;
    CHECK_EQ(exec(argv[0], argv), -1);
    CHECK_EQ(openshmem(ID), p);
    CHECK_EQ(*p, 1);
    CHECK_EQ(closeshmem(ID), 0);
    CHECK_EQ(closeshmem(ID), 0);
}

static void churn(uint first)
{
    for (uint i = first;; i++) {
        int id = 1 + (int)(i % 5);
        char *p = openshmem(id);

        if (p != NO_PAGE)
            p[i % PAGE] = (char)i;
        if (i % 7 == 0) {
            int pid = fork();

            if (pid == 0)
                exit(0);
            if (pid > 0)
                wait(0);
        }
        closeshmem(id);
    }
}

/* Killed at any point, on any hart, while others use the same ids. */
static void killed_anywhere(void)
{
    enum {
        CHILDREN = 4
    };

    for (uint round = 0; round < 20; round++) {
        int pids[CHILDREN];

        for (int i = 0; i < CHILDREN; i++) {
            pids[i] = t_fork();
            if (pids[i] == 0)
                churn((uint)i);
        }
        t_spin(round * 5000);
        for (int i = 0; i < CHILDREN; i++)
            CHECK_EQ(kill(pids[i]), 0);
        for (int i = 0; i < CHILDREN; i++)
            wait(0);
    }
    pause(2); /* their children end */
    CHECK_EQ(audit(), 0);
    for (int id = 1; id <= 5; id++)
        CHECK_EQ(shm_close(id), -1);
}

/* ---- the table ---- */

/* Opens ids from `first` on until one is refused. => how many. */
static int open_all(int first)
{
    int n = 0;

    while (n < TRIES_MAX && openshmem(first + n) != NO_PAGE)
        n++;
    return n;
}

static void no_place_for(uint64 id)
{
    CHECK_EQ(openshmem((int)id), NO_PAGE);
    CHECK_EQ(shm_close((int)id), -1);
}

static void all_ids(void)
{
    uint64 before = (uint64)sbrk(0);
    int n = open_all(ID);

    CHECK(n >= TABLE_AT_LEAST && n < TRIES_MAX);
    CHECK_EQ(shm_close(ID + n), -1);
    CHECK(openshmem(ID + n - 1) != NO_PAGE); /* one that is there needs no place */
    CHECK_EQ(closeshmem(ID + n - 1), 0);
    for (int i = n / 2; i < n; i++)
        CHECK_EQ(closeshmem(ID + i), 0);
    for (int i = 0; i < n / 2; i++)
        CHECK_EQ(closeshmem(ID + i), 0);
    CHECK_EQ((uint64)sbrk(0), before);
    CHECK_EQ(open_all(2 * ID), n);
    CHECK_EQ(t_status(no_place_for, 3 * ID), 0);
}

static void no_ids_left_behind(void)
{
    int n = open_all(ID);

    for (int i = 0; i < n; i++)
        CHECK_EQ(closeshmem(ID + i), 0);
    CHECK(n >= TABLE_AT_LEAST);
}

static void many_cycles(void)
{
    uint64 before = (uint64)sbrk(0);

    for (int i = 0; i < 40000; i++) {
        char *p = openshmem(1 + i % 100);

        if (p == NO_PAGE || *p != 0) {
            CHECK(!"each opening gives a new page");
            return;
        }
        *p = 1;
        if (closeshmem(1 + i % 100) < 0) {
            CHECK(!"each closing works");
            return;
        }
    }
    CHECK_EQ((uint64)sbrk(0), before);
    CHECK_EQ(audit(), 0);
}

/* ---- the other faces ---- */

/* The page can be lent, and the borrower keeps it when the id is gone; unmap does not take it. */
static void borrow(struct t_peer *parent, uint64 arg)
{
    uint64 before = (uint64)sbrk(0);
    char *p;

    t_put(parent, 1);
    p = (char *)t_get(parent);
    CHECK(t_is_pattern(p, PAGE, 6));
    t_put(parent, 1);
    t_get(parent);
    CHECK(t_is_pattern(p, PAGE, 6));
    CHECK_EQ(unmap_shared_pages(p, PAGE), 0);
    CHECK_EQ((uint64)sbrk(0), before);
}

static void lent_on(void)
{
    struct t_peer child;
    char *p;

    t_start(&child, borrow, 0);
    t_get(&child);
    p = open_new(ID);
    t_fill(p, PAGE, 6);
    CHECK_EQ(unmap_shared_pages(p, PAGE), -1);
    CHECK_EQ(munmap(p, PAGE), -1);
    CHECK_EQ(mprotect(p, PAGE, PROT_READ), -1);
    t_put(&child, map_to(child.pid, p, PAGE));
    t_get(&child);
    CHECK_EQ(closeshmem(ID), 0);
    t_put(&child, 1);
    CHECK_EQ(t_join(&child), 0);
}

/* Strangers meet by an id: that is what ids are for. */
static void between_programs(void)
{
    static char *argv[] = {"t_ids", "-add", 0};
    char *p = open_new(ID);

    for (int i = 0; i < 5; i++) {
        int pid = t_fork();

        if (pid == 0) {
            exec("t_ids", argv);
            exit(1);
        }
        CHECK_EQ(t_wait(pid), 0);
        CHECK_EQ(*(volatile char *)p, i + 1);
    }
}

struct locked {
    struct uspinlock lock;
    volatile uint count;
};

static void add_under_lock(uint64 n)
{
    struct locked *page = (struct locked *)openshmem(ID);

    for (uint64 i = 0; i < n; i++) {
        uacquire(&page->lock);
        page->count++;
        urelease(&page->lock);
    }
}

static void spin_lock(void)
{
    enum {
        PROCESSES = 4,
        EACH = 5000
    };
    struct locked *page = (struct locked *)open_new(ID);

    for (int i = 0; i < PROCESSES; i++)
        if (t_fork() == 0) {
            add_under_lock(EACH);
            t_exit();
        }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;

        wait(&status);
        CHECK_EQ(status, 0);
    }
    CHECK_EQ(page->count, PROCESSES * EACH);
    CHECK_EQ(page->lock.locked, 0);
}

static void no_memory(void)
{
    uint64 before;

    for (int step = 1 << 26; step >= (int)PAGE; step /= 4)
        while (sbrk(step) != SBRK_ERROR)
            ;
    before = (uint64)sbrk(0);
    CHECK_EQ(openshmem(ID), NO_PAGE);
    CHECK_EQ(shm_close(ID), -1);
    CHECK_EQ((uint64)sbrk(0), before);
}

static const struct t_case cases[] = {
    {"counts", counts},
    {"bad_ids", bad_ids},
    {"bad_pointers", bad_pointers},
    {"sizes", sizes},
    {"inherited", inherited},
    {"parent_closes_first", parent_closes_first},
    {"left_open", left_open},
    {"failed_exec", failed_exec},
    {"killed_anywhere", killed_anywhere},
    {"all_ids", all_ids},
    {"no_ids_left_behind", no_ids_left_behind},
    {"many_cycles", many_cycles},
    {"lent_on", lent_on},
    {"between_programs", between_programs},
    {"spin_lock", spin_lock},
    {"no_memory", no_memory},
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "-new") == 0) {
        open_new(ID);
        t_exit();
    }
    if (argc == 2 && strcmp(argv[1], "-add") == 0) {
        ++*openshmem(ID);
        t_exit();
    }
    t_main("t_ids", cases, COUNT(cases), argc, argv);
}
