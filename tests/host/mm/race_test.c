/*
 * race_test.c - what another hart does in between, and what many mappings cost.
 *
 * One thread plays all harts: port_on_lock lets a second one act just before the first takes a lock.
 */
#include "world.h"

#include "lib/errno.h"
#include "../../../mm/frames.h"
#include "../../../mm/pgtable.h"
#include "../../../mm/vma.h"

#include <string.h>
#include <time.h>

#define HEAP 0x4000UL
#define RW   (PROT_READ | PROT_WRITE)
#define ALL  (PROT_READ | PROT_WRITE | PROT_EXEC)

static vaddr_t map(struct mm *mm, vaddr_t addr, uint64_t len, unsigned prot, enum map_place place)
{
    struct map_request q = {
        .addr = addr, .len = len, .prot = prot, .max_prot = ALL, .place = place};
    vaddr_t va;

    return mm_map(mm, &q, &va) ? 0 : va;
}

#define FILE_PAGES 4

static size_t pages_in;

static int page_in(struct region *r, size_t i)
{
    struct page *page = region_take(r);

    memset(page_addr(page), 0, PAGE_SIZE);
    region_fill(r, i, page);
    pages_in++;
    return 0;
}

static const struct region_ops pager = WORLD_FILE(page_in);

static vaddr_t map_file(struct mm *mm, struct region *r, unsigned prot)
{
    struct map_request q = {
        .len = FILE_PAGES * PAGE_SIZE, .prot = prot, .max_prot = ALL, .region = r};
    vaddr_t va;

    return mm_map(mm, &q, &va) ? 0 : va;
}

/* ---- sweeps over a region ---- */

static struct region *raced;
static struct mm *unfinished;
static struct loans loans;

static unsigned locks_left;

/* Another hart revokes just before this one takes its n-th lock. */
static void revoke_before(const struct spinlock *l)
{
    if (locks_left-- > 0 || port_locks_held())
        return;
    port_on_lock = NULL;
    port_set_cpu(5);
    loans_revoke(&loans);
    port_set_cpu(0);
}

/* A fork copies the borrower while what it borrowed is taken away: its child does not keep it. */
static void a_child_keeps_nothing_that_is_revoked_meanwhile(void **state)
{
    struct lend lend = {.prot = PROT_READ, .consent = &loans.consent};
    bool revoked = true;

    for (unsigned n = 0; revoked; n++) {
        struct mm *a = world_program(0), *b = world_program(1), *child;
        vaddr_t in_b;

        loans = (struct loans)LOANS_INIT(loans, false);
        in_b = (map_shared_pages)(a, b, 0x1000, 8, lend);
        locks_left = n;
        port_on_lock = revoke_before;
        assert_int_equal(mm_fork(b, &child), 0);
        revoked = !port_on_lock;
        port_on_lock = NULL;
        assert_int_equal(world_read(child, in_b, &(uint64_t){0}), !revoked);
        loans_revoke(&loans);
        assert_false(world_read(child, in_b, &(uint64_t){0}));
        world_check();
        world_exit(child);
        world_exit(a);
        world_exit(b);
    }
}

/* The owner revokes between the borrower's look at the region and its mapping. */
static void revoke_now(const struct spinlock *l)
{
    if (l != &raced->lock || !spin_held(&unfinished->lock))
        return;
    port_on_lock = NULL;
    port_set_cpu(5);
    loans_revoke(&loans);
    port_set_cpu(0);
}

static void a_revocation_meets_a_mapping(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1), *child;
    struct lend lend = {.prot = RW, .consent = &loans.consent};
    vaddr_t in_b, in_child;

    loans = (struct loans)LOANS_INIT(loans, false);
    assert_int_equal(mm_fork(b, &child), 0);
    in_b = (map_shared_pages)(a, b, 0x1000, 8, lend);
    raced = vma_find(b, in_b)->region;
    unfinished = child;
    port_on_lock = revoke_now;
    in_child = map_shared_pages(b, child, in_b, 8);
    assert_null(port_on_lock);
    assert_false(in_child && world_read(child, in_child, &(uint64_t){0}));
    world_check();
    world_exit(child);
    world_exit(a);
    world_exit(b);
}

/* A file is cut short after its last mapper has ended, and before that one has unmapped it. */
static void cut_now(const struct spinlock *l)
{
    if (l != &unfinished->lock || unfinished->holders)
        return;
    port_on_lock = NULL;
    port_set_cpu(5);
    region_empty(raced);
    assert_int_equal(mm_audit(), 0);
    port_set_cpu(0);
}

static void a_sweep_meets_who_ends(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at;

    raced = region_create_demand(FILE_PAGES, &pager, NULL);
    at = map_file(a, raced, RW);
    assert_true(world_write(a, at, 1) && world_write(a, at + PAGE_SIZE, 2));
    unfinished = a;
    port_on_lock = cut_now;
    world_exit(a);
    assert_null(port_on_lock);
    region_put(raced);
}

/* ---- the last frame ---- */

static struct mm *sibling;
static unsigned waits;

static void sibling_stores_first(const struct spinlock *l)
{
    if (strcmp(l->name, "page stock") != 0)
        return;
    if (!sibling && ++waits > 1000)
        fail_msg("a store waits for a frame that nobody will give back");
    if (sibling) {
        struct mm *mm = sibling;

        sibling = NULL;
        port_set_cpu(1);
        assert_true(world_write(mm, 0x1000, 2));
        port_set_cpu(0);
    }
}

/* Two copies of one page are promised one more frame: both may go for it at once. */
static void two_stores_and_one_frame(void **state)
{
    struct mm *a = world_program(0), *b;
    struct page *hog = NULL, *p;

    assert_true(world_write(a, 0x1000, 1) && world_write(a, 0x3000, 1));
    assert_int_equal(mm_fork(a, &b), 0);
    world_load(b, 1);
    assert_true(world_write(b, 0x3000, 1));
    for (; (p = page_alloc()); hog = p)
        *(struct page **)page_addr(p) = hog;
    assert_int_equal(world_free(), 1);
    sibling = b;
    waits = 0;
    port_on_lock = sibling_stores_first;
    assert_true(world_write(a, 0x1000, 3));
    port_on_lock = NULL;
    assert_int_equal(world_peek(a, 0x1000), 3);
    assert_int_equal(world_peek(b, 0x1000), 2);
    for (; (p = hog); page_put(p))
        hog = *(struct page **)page_addr(p);
    world_check();
    world_exit(a);
    world_exit(b);
}

/* Another hart takes every frame that can be had, just when the lower of two mappings has gone. */
static struct page *hogged;

static void take_everything(const struct spinlock *l)
{
    struct page *p;

    if (l != &raced->lock)
        return;
    port_on_lock = NULL;
    port_set_cpu(1);
    while ((p = page_alloc())) {
        *(struct page **)page_addr(p) = hogged;
        hogged = p;
    }
    port_set_cpu(0);
}

static void mapping_over_needs_no_memory_after_the_old_has_gone(void **state)
{
    struct mm *a = world_program(0);
    struct region *r = region_create_demand(FILE_PAGES, &pager, NULL);
    vaddr_t low = (8UL << 20) - FILE_PAGES * PAGE_SIZE, len = 2 * FILE_PAGES * PAGE_SIZE;
    struct map_request q = {.addr = low,
                            .len = len / 2,
                            .prot = PROT_READ,
                            .max_prot = ALL,
                            .place = MAP_HERE,
                            .region = r};
    vaddr_t va;

    assert_int_equal(mm_map(a, &q, &va), 0);
    assert_int_equal(map(a, low + len / 2, len / 2, RW, MAP_HERE),
                     low + len / 2); /* in another table */
    raced = r;
    hogged = NULL;
    port_on_lock = take_everything;
    assert_int_equal(map(a, low, len, RW, MAP_OVER), low);
    assert_null(port_on_lock);
    for (struct page *p; (p = hogged); page_put(p))
        hogged = *(struct page **)page_addr(p);
    assert_true(world_write(a, low, 1) && world_write(a, low + len - PAGE_SIZE, 2));
    region_put(r);
    world_check();
    world_exit(a);
}

/* ---- the break, and prices ---- */

static void nothing_is_mapped_below_the_break(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t shared = map_shared_pages(a, a, 0x1000, 2 * PAGE_SIZE), top, at;

    assert_int_equal(shared, 0); /* the guard */
    shared = map_shared_pages(a, a, 0x1000, PAGE_SIZE);
    top = world_sbrk(a, PAGE_SIZE, BRK_EAGER);
    assert_int_equal(top, shared + PAGE_SIZE);
    assert_int_equal(unmap_shared_pages(a, shared, PAGE_SIZE), 0); /* a hole below the break */
    assert_int_equal(map(a, shared, PAGE_SIZE, RW, MAP_OVER), 0);
    top += PAGE_SIZE;
    at = map(a, top, USER_BREAK_MAX - top, PROT_NONE, MAP_HERE);
    assert_int_equal(at, top);
    assert_int_equal(map(a, 0, PAGE_SIZE, RW, MAP_ANYWHERE), 0);
    assert_int_not_equal(world_sbrk(a, -2 * (long)PAGE_SIZE, BRK_EAGER), SBRK_FAILED);
    world_exit(a);
}

static void bringing_a_buffer_up_brings_only_file_pages(void **state)
{
    struct mm *a = world_program(0);
    struct region *r = region_create_demand(FILE_PAGES, &pager, NULL);
    vaddr_t file_at = map_file(a, r, RW), heap = world_sbrk(a, 1 << 20, BRK_LAZY);
    size_t before = world_free();

    region_put(r);
    pages_in = 0;
    mm_prefault(a, heap, 1 << 20, ACCESS_WRITE);
    assert_int_equal(world_free(), before);
    mm_prefault(a, file_at - PAGE_SIZE, 5 * PAGE_SIZE, ACCESS_READ);
    assert_int_equal(pages_in, FILE_PAGES);
    world_exit(a);
}

static unsigned long locks_taken;

static void count_lock(const struct spinlock *l)
{
    locks_taken++;
}

/* One page, mapped often in one address space: a sweep goes over that once. */
static void a_sweep_visits_an_address_space_once(void **state)
{
    struct mm *a = world_program(0);
    struct region *r = region_create_demand(FILE_PAGES, &pager, NULL);

    for (int i = 0; i < 100; i++)
        assert_int_not_equal(map_file(a, r, PROT_READ), 0);
    locks_taken = 0;
    port_on_lock = count_lock;
    world_peek(a, vma_first_above(a, 0x10000)->start);
    locks_taken = 0;
    region_empty(r);
    port_on_lock = NULL;
    assert_true(locks_taken < 100 * 4);
    region_put(r);
    world_exit(a);
}

/* As many vmas as a program likes: to copy and to end it must not take their square. */
static void many_mappings(void **state)
{
    struct mm *a = world_program(0), *child;
    vaddr_t at = map(a, 0, 40000 * PAGE_SIZE, PROT_NONE, MAP_ANYWHERE);
    clock_t t;

    for (vaddr_t i = 0; i < 40000; i += 2)
        assert_int_equal(mm_protect(a, at + i * PAGE_SIZE, PAGE_SIZE, PROT_EXEC), 0);
    a->hint = NULL;
    t = clock();
    assert_int_equal(mm_fork(a, &child), 0);
    world_exit(child);
    world_exit(a);
    assert_true(clock() - t < CLOCKS_PER_SEC / 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_child_keeps_nothing_that_is_revoked_meanwhile),
        T(a_revocation_meets_a_mapping),
        T(a_sweep_meets_who_ends),
        T(two_stores_and_one_frame),
        T(mapping_over_needs_no_memory_after_the_old_has_gone),
        T(nothing_is_mapped_below_the_break),
        T(bringing_a_buffer_up_brings_only_file_pages),
        T(a_sweep_visits_an_address_space_once),
        T(many_mappings),
    };

    world_start(8192);
    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
