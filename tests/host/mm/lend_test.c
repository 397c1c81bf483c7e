/*
 * lend_test.c - the long calls on memory that several have: fork, sharing, its end, sweeps over a region, exit.
 */
#include "scene.h"

/* ---- fork ---- */

static void set_family(void)
{
    vaddr_t none;

    set_touched_heap();
    assert_int_equal(mm_fork(a, &c), 0);
    world_load(c, 2);
    fill(a, at, 700, 100);
    none = map(a, 0, PAGES(40), RW, NULL, false);
    fill(a, none, 40, 3);
    assert_int_equal(mm_protect(a, none, PAGES(40), PROT_NONE), 0);
    second = none;
    b = world_program(1);
    b->family = a->family;
    assert_int_not_equal(map_shared_pages(a, b, at + PAGES(900), PAGES(64)), 0);
    at = 0x4000;
}

static struct mm *child;

static int call_fork(void)
{
    child = NULL;
    return mm_fork(a, &child);
}

static void check_fork(void)
{
    holds(child, at, 2000, 100);
    fill(a, at, 2000, 5);
    holds(child, at, 2000, 100);
    holds(c, at, 2000, 100);
    assert_int_equal(world_peek(b, 0x4000), 905);
    assert_int_equal(mm_protect(child, second, PAGES(40), PROT_READ), 0);
    holds(child, second, 40, 3);
    world_exit(child);
}

/* Relatives store to what they share with the parent, and fork themselves. */
static void relatives_store(void)
{
    static size_t turn;
    struct mm *grandchild;

    for (size_t i = 0; i < 12; i++, turn++)
        assert_true(world_write(c, at + PAGES(turn * 31 % 2000), 100 + turn * 31 % 2000));
    assert_true(world_write(b, 0x4000 + PAGES(turn % 64), 1000 + turn % 64));
    assert_int_equal(mm_fork(turn % 2 ? b : c, &grandchild), 0);
    world_exit(grandchild);
}

/* ---- lending ---- */

/* Source memory of all kinds, one beside the other: own, copy-on-write, lazy, borrowed. */
static void set_source(void)
{
    struct mm *lender;

    set_touched_heap();
    assert_int_equal(mm_fork(a, &c), 0);
    world_load(c, 2);
    fill(a, at, 500, 100);
    lender = world_program(3);
    lender->family = a->family;
    assert_int_not_equal(world_sbrk(lender, (long)PAGES(3), BRK_EAGER), SBRK_FAILED);
    assert_int_not_equal(world_sbrk(a, (long)PAGES(300), BRK_LAZY), SBRK_FAILED);
    for (int i = 0; i < 3; i++)
        assert_int_not_equal(map_shared_pages(lender, a, 0x4000 + PAGES(i), PAGE_SIZE), 0);
    assert_int_not_equal(world_sbrk(a, (long)PAGES(100), BRK_EAGER), SBRK_FAILED);
    world_exit(lender);
    fill(a, at + PAGES(2100), 10, 2200);
    b = world_program(1);
    b->family = a->family;
    len = a->size - at;
}

static vaddr_t in_b;

static int call_share(void)
{
    in_b = map_shared_pages(a, b, at, len);
    return in_b ? 0 : -EINTR;
}

static void check_share(void)
{
    size_t n = len / PAGE_SIZE;

    holds(b, in_b, 2000, 100);
    fill(a, at, n, 9000);
    holds(b, in_b, n, 9000);
    fill(b, in_b, n, 100);
    holds(a, at, n, 100);
    holds(c, at, 2000, 100);
}

/* The owner, the relatives and the borrower use their memory all the while. */
static void everybody_stores(void)
{
    static size_t turn;

    for (size_t i = 0; i < 10; i++, turn++) {
        size_t page = turn * 37 % 2000;

        assert_true(world_write(a, at + PAGES(page), 100 + page));
        assert_true(world_write(c, at + PAGES((page + 600) % 2000), 100 + (page + 600) % 2000));
        world_read(a, at + PAGES(2000 + turn % 400), &(uint64_t){0});
        world_read(b, 0x4000 + PAGES(page), &(uint64_t){0});
    }
}

static void set_borrowed(void)
{
    set_source();
    assert_int_equal(call_share(), 0);
    holds(b, in_b, 2000, 100);
}

static int call_unshare(void)
{
    return unmap_shared_pages(b, in_b, len) ? -EINTR : 0;
}

static void check_unshare(void)
{
    assert_int_equal(b->size, 0x4000);
    assert_false(world_read(b, in_b, &(uint64_t){0}));
    holds(a, at, 2000, 100);
}

/* ---- exit ---- */

static void set_for_exit(void)
{
    set_borrowed();
    set_many();
}

static int call_exit(void)
{
    world_exit(b);
    b = NULL;
    world_exit(a);
    a = NULL;
    return 0;
}

/* ---- taking back ---- */

#define LOAN_PAGES 100

/* a lends 20 times to b, which lends each on to c. */
static void set_loans(void)
{
    struct lend lend = {.prot = RW, .consent = &loans.consent},
                on = {.prot = RW, .consent = &onward.consent};

    at = world_sbrk(a, (long)PAGES(LOAN_PAGES), BRK_EAGER);
    fill(a, at, LOAN_PAGES, 1);
    b = world_program(1);
    c = world_program(2);
    for (int i = 0; i < 20; i++) {
        vaddr_t va = (map_shared_pages)(a, b, at, PAGES(LOAN_PAGES), lend);

        assert_int_not_equal(va, 0);
        assert_int_not_equal((map_shared_pages)(b, c, va, PAGES(LOAN_PAGES), on), 0);
        if (i == 0)
            in_b = va;
    }
    holds(b, in_b, LOAN_PAGES, 1);
}

static int call_revoke(void)
{
    loans_revoke(&loans);
    return 0;
}

static void check_revoked(void)
{
    struct lend lend = {.prot = RW, .consent = &loans.consent};

    for (int i = 0; i < 20 * LOAN_PAGES; i++)
        assert_false(world_read(b, in_b + PAGES(i), &(uint64_t){0}) ||
                     world_read(c, 0x4000 + PAGES(i), &(uint64_t){0}));
    assert_int_equal((map_shared_pages)(a, b, at, PAGES(1), lend), 0);
    holds(a, at, LOAN_PAGES, 1);
}

/* Borrowers touch, lend on, fork and unmap while all is taken away. */
static void borrowers_struggle(void)
{
    static size_t turn;
    struct lend on = {.prot = RW, .consent = &onward.consent};
    vaddr_t va = in_b + PAGES(turn++ * 53 % (20 * LOAN_PAGES));
    struct mm *fork;

    world_read(b, va, &(uint64_t){0});
    world_write(c, 0x4000 + (va - in_b), 1 + (va - in_b) / PAGE_SIZE % LOAN_PAGES);
    (map_shared_pages)(b, c, page_down(va), PAGE_SIZE, on);
    assert_int_equal(mm_fork(b, &fork), 0);
    world_read(fork, va, &(uint64_t){0});
    world_exit(fork);
    if (turn % 3 == 0)
        unmap_shared_pages(c, 0x4000 + (va - in_b), PAGE_SIZE);
}

/* A borrower forks, and all is taken away before its child is known to anybody. */
static int call_fork_borrower(void)
{
    child = NULL;
    return mm_fork(b, &child);
}

static void take_back(void)
{
    loans_revoke(&loans);
}

static void check_fork_borrower(void)
{
    for (size_t i = 0; i < 20 * LOAN_PAGES; i++)
        assert_int_equal(world_read(child, in_b + PAGES(i), &(uint64_t){0}), !loans.revoked);
    loans_revoke(&loans);
    assert_false(world_read(child, in_b, &(uint64_t){0}));
    world_exit(child);
}

static void set_mapped_file(void)
{
    set_file();
    b = world_program(1);
    at = map(a, 0, PAGES(2000), RW, file, false);
    second = map(b, 0, PAGES(2000), RW, file, true);
    holds(a, at, 2000, 7000);
    for (size_t i = 0; i < 2000; i += 2)
        assert_true(world_write(b, second + PAGES(i), 1));
}

static int call_empty(void)
{
    region_empty(file);
    return 0;
}

static void mappers_touch(void)
{
    static size_t turn;

    for (size_t i = 0; i < 8; i++, turn++) {
        struct map_request q = {
            .len = PAGES(2), .prot = PROT_READ, .max_prot = ALL, .region = file, .first = 5};
        vaddr_t va;

        world_read(a, at + PAGES(turn * 71 % 2000), &(uint64_t){0});
        world_write(b, second + PAGES(turn * 71 % 2000), 1);
        assert_int_equal(mm_map(b, &q, &va), 0);
        world_read(b, va, &(uint64_t){0});
        assert_int_equal(mm_munmap(b, va, PAGE_SIZE), 0);
    }
}

static void check_empty(void)
{
    for (size_t i = 0; i < file->npages; i++)
        assert_null(region_page(file, i));
    holds(a, at, 2000, 7000);
    assert_int_equal(world_peek(b, second), 1);
}

static void set_held(void)
{
    set_mapped_file();
    assert_int_equal(mm_munmap(a, at, PAGES(2000)), 0);
    assert_int_equal(mm_munmap(b, second, PAGES(2000)), 0);
}

static int call_put(void)
{
    region_put(file);
    file = NULL;
    return 0;
}

static const struct scene scenes[] = {
    {.name = "fork",
     .set = set_family,
     .call = call_fork,
     .check = check_fork,
     .others = relatives_store,
     .remembers = true},
    {.name = "share",
     .set = set_source,
     .call = call_share,
     .check = check_share,
     .others = everybody_stores,
     .brings_up = true},
    {.name = "unshare",
     .set = set_borrowed,
     .call = call_unshare,
     .check = check_unshare,
     .others = everybody_stores},
    {.name = "exit", .set = set_for_exit, .call = call_exit, .ends_a = true, .always_ends = true},
    {.name = "revoke",
     .set = set_loans,
     .call = call_revoke,
     .check = check_revoked,
     .always_ends = true,
     .others = borrowers_struggle},
    {.name = "fork a borrower",
     .set = set_loans,
     .call = call_fork_borrower,
     .check = check_fork_borrower,
     .others = take_back,
     .remembers = true},
    {.name = "empty",
     .set = set_mapped_file,
     .call = call_empty,
     .check = check_empty,
     .always_ends = true,
     .others = mappers_touch},
    {.name = "let go", .set = set_held, .call = call_put, .always_ends = true},
};

int main(void)
{
    return play_scenes("lend", scenes, sizeof(scenes) / sizeof(scenes[0]));
}
