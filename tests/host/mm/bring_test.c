/*
 * bring_test.c - pages of files that a call brings beforehand (mm_prefault()), and the end of sharing: both
 * on thousands of vmas, in the middle of others' calls, and with the caller killed.
 */
#include "rest.h"
#include "world.h"

#include "lib/errno.h"
#include "mm/region.h"

#include <string.h>

#define PAGES(n) ((uint64_t)(n)*PAGE_SIZE)
#define RW       (PROT_READ | PROT_WRITE)
#define MANY     3000 /* vmas: a look at all of them rests several times */

static unsigned brought;     /* pages that the pager gave */
static unsigned kill_caller; /* ... when it gives the one with this number; 0: never */

static int page_in(struct region *r, size_t i)
{
    assert_int_equal(port_locks_held(), 0);
    world_bring(r, i);
    if (++brought == kill_caller)
        rest_kill();
    return 0;
}

static const struct region_ops pager = WORLD_FILE(page_in);

/* => where; r is the vma's alone afterwards. */
static vaddr_t map(struct mm *mm, uint64_t npages, unsigned prot, struct region *r, bool copies)
{
    struct map_request q = {
        .len = PAGES(npages), .prot = prot, .max_prot = RW, .region = r, .private_copy = copies};
    vaddr_t va;

    assert_int_equal(mm_map(mm, &q, &va), 0);
    region_put(r);
    return va;
}

static vaddr_t map_file(struct mm *mm, uint64_t npages, unsigned prot, bool copies)
{
    return map(mm, npages, prot, region_create_demand(npages, &pager, NULL), copies);
}

/* MANY pages, each a region and so a vma; mmap places each below the one before. => the lowest. */
static vaddr_t map_many(struct mm *mm)
{
    vaddr_t va = 0;

    for (int i = 0; i < MANY; i++) {
        vaddr_t lower = map(mm, 1, RW, region_create_zero(1), false);

        assert_true(!va || lower + PAGE_SIZE == va);
        va = lower;
    }
    return va;
}

static int forget(void **state)
{
    brought = kill_caller = 0;
    rest_begin(0);
    rest_play = NULL;
    return world_begin(state);
}

/* ---- bringing pages ---- */

static void pages_are_brought_until_the_caller_is_killed(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = map_file(a, 100, PROT_READ, false);

    kill_caller = 3;
    mm_prefault(a, at, PAGES(100), ACCESS_READ);
    assert_int_equal(brought, 3);
    mm_prefault(a, at, PAGES(100), ACCESS_READ);
    assert_int_equal(brought, 3);
    rest_begin(0);
    mm_prefault(a, at + PAGES(50) + 1, PAGES(10), ACCESS_READ);
    assert_int_equal(brought, 3 + 11);
    mm_prefault(a, at, PAGES(100), ACCESS_READ);
    assert_int_equal(brought, 100);
    assert_int_equal(world_peek(a, at + PAGES(99)), 7099);
    world_exit(a);
}

/* The page of the file lies above memory in many pieces, which has nothing to bring. */
static void a_killed_caller_looks_for_no_page(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t end = map_file(a, 1, PROT_READ, false) + PAGE_SIZE, at = map_many(a);

    rest_begin(1);
    mm_prefault(a, at, end - at, ACCESS_READ);
    assert_int_equal(brought, 0);
    assert_int_equal(rest_count, 1);
    rest_begin(0);
    mm_prefault(a, at, end - at, ACCESS_READ);
    assert_int_equal(brought, 1);
    assert_true(rest_count > 3);
    world_exit(a);
}

/* ---- in the middle of another's call ---- */

static struct mm *owner;
static vaddr_t owners;
static unsigned waited;

/* Another process brings pages of the owner's, to map or to copy them. */
static void another_brings(void)
{
    static jmp_buf waits;
    unsigned before = brought;

    rest_wait = &waits;
    if (setjmp(waits) == 0) {
        mm_prefault(owner, owners, PAGES(2000), ACCESS_READ);
        fail_msg("it does not wait for the end of the owner's call");
    }
    rest_wait = NULL;
    assert_int_equal(brought, before);
    waited++;
}

/*
 * The owner makes a private view of a file writable: each page in it, there or not, is promised one. A
 * page that came meanwhile without being expected would break the account (I5).
 */
static void another_waits_for_the_end_of_a_call(void **state)
{
    owner = world_program(0);
    owners = map_file(owner, 2000, PROT_READ, true);
    for (size_t i = 0; i < 2000; i += 3)
        assert_int_equal(world_peek(owner, owners + PAGES(i)), 7000 + i);
    waited = 0;
    rest_play = another_brings;
    assert_int_equal(mm_protect(owner, owners, PAGES(2000), RW), 0);
    rest_play = NULL;
    assert_true(waited > 1);
    assert_int_equal(waited, rest_count);
    world_check();
    mm_prefault(owner, owners, PAGES(2000), ACCESS_READ);
    assert_int_equal(brought, 2000);
    world_check();
    world_exit(owner);
}

/* ---- the end of sharing ---- */

/* Ends the sharing of `many` pieces with the caller killed at the n-th rest. => whether it took place. */
static bool unshare_killed_at(struct mm *src, vaddr_t many, unsigned n, unsigned *rests)
{
    struct mm *dst = world_program(1);
    uint64_t size = dst->size;
    vaddr_t at;
    bool gone;

    dst->family = src->family;
    at = map_shared_pages(src, dst, many, PAGES(MANY));
    assert_int_not_equal(at, 0);
    assert_int_equal(world_peek(dst, at + PAGES(MANY - 1)), 42);
    rest_begin(n);
    gone = unmap_shared_pages(dst, at, PAGES(MANY)) == 0;
    *rests = rest_count;
    rest_begin(0);
    world_check();
    assert_int_equal(dst->size, gone ? size : at + PAGES(MANY));
    for (size_t i = 0; i < MANY; i += 13)
        assert_int_equal(world_read(dst, at + PAGES(i), &(uint64_t){0}), !gone);
    if (!gone)
        assert_int_equal(unmap_shared_pages(dst, at, PAGES(MANY)), 0);
    assert_int_equal(dst->size, size);
    world_exit(dst);
    return gone;
}

/*
 * Killed while it looks whether all is shared it gives up at once, and nothing has changed; killed later it
 * takes away all.
 */
static void killed_while_sharing_ends(void **state)
{
    struct mm *src = world_program(0);
    vaddr_t many = map_many(src);
    unsigned all, rests, given_up = 0;

    assert_true(world_write(src, many + PAGES(MANY - 1), 42));
    assert_true(unshare_killed_at(src, many, 0, &all));
    for (unsigned n = 1; n <= all; n += n < 20 ? 1 : all / 20) {
        bool gone = unshare_killed_at(src, many, n, &rests);

        assert_int_equal(rests, gone ? all : n);
        assert_true(gone || given_up == n - 1); /* the look comes first */
        given_up += !gone;
    }
    assert_true(given_up > 3);
    assert_true(given_up < all / 2);
    world_exit(src);
}

#define T(name) cmocka_unit_test_setup_teardown(name, forget, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pages_are_brought_until_the_caller_is_killed),
        T(a_killed_caller_looks_for_no_page),
        T(another_waits_for_the_end_of_a_call),
        T(killed_while_sharing_ends),
    };

    world_start(32768);
    return cmocka_run_group_tests_name("bring", tests, NULL, NULL);
}
