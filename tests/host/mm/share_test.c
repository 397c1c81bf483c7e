/*
 * share_test.c - the rules of sharing, one by one, on the code of mm/ alone.
 */
#include "world.h"

#include "lib/errno.h"
#include "../../../mm/frames.h"
#include "../../../mm/pgtable.h"

#define HEAP 0x4000UL /* where world_program()'s break is */

static void both_sides_see_one_frame(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t at = map_shared_pages(a, b, 0x1010, 8);

    assert_int_equal(at, HEAP + 0x10);
    assert_true(world_write(b, at, 42));
    assert_int_equal(world_peek(a, 0x1010), 42);
    assert_true(world_write(a, 0x1010, 43));
    assert_int_equal(world_peek(b, at), 43);
    assert_int_equal(mm_size(b), HEAP + PAGE_SIZE);
    assert_int_equal(unmap_shared_pages(b, at, 8), 0);
    assert_int_equal(mm_size(b), HEAP);
    assert_false(world_write(b, at, 1));
    world_exit(a);
    world_exit(b);
}

static void every_byte_of_many_pages_is_reachable(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t buf = world_sbrk(a, 700 * PAGE_SIZE, BRK_EAGER), at;

    at = map_shared_pages(a, b, buf + 100, 600 * PAGE_SIZE);
    assert_int_equal(at & (PAGE_SIZE - 1), 100);
    assert_int_equal(mm_size(b), HEAP + 601 * PAGE_SIZE);
    for (vaddr_t off = 4; off < 600 * PAGE_SIZE; off += PAGE_SIZE)
        assert_true(world_write(b, at + off, off));
    for (vaddr_t off = 4; off < 600 * PAGE_SIZE; off += PAGE_SIZE)
        assert_int_equal(world_peek(a, buf + 100 + off), off);
    world_check();
    assert_int_equal(unmap_shared_pages(b, at, 600 * PAGE_SIZE), 0);
    assert_int_equal(mm_size(b), HEAP);
    world_exit(b);
    world_exit(a);
}

static void owner_may_go_first(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t buf = world_sbrk(a, 3 * PAGE_SIZE, BRK_EAGER);
    vaddr_t at = map_shared_pages(a, b, buf, 3 * PAGE_SIZE);

    assert_true(world_write(a, buf + PAGE_SIZE, 7));
    world_exit(a);
    world_check();
    assert_int_equal(world_peek(b, at + PAGE_SIZE), 7);
    world_exit(b);
}

static void owner_may_shrink(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t buf = world_sbrk(a, 2 * PAGE_SIZE, BRK_EAGER);
    vaddr_t at = map_shared_pages(a, b, buf, 2 * PAGE_SIZE);

    assert_true(world_write(a, buf, 9));
    assert_int_not_equal(world_sbrk(a, -2 * (long)PAGE_SIZE, BRK_EAGER), SBRK_FAILED);
    world_check();
    assert_int_equal(world_peek(b, at), 9);
    assert_int_not_equal(world_sbrk(a, 2 * PAGE_SIZE, BRK_EAGER), SBRK_FAILED);
    assert_int_equal(world_peek(a, buf), 0); /* fresh memory, not the lent frame */
    world_exit(b);
    world_exit(a);
}

static void borrower_goes_without_unmapping(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);

    assert_true(world_write(a, 0x1000, 5));
    assert_int_not_equal(map_shared_pages(a, b, 0x1000, 4), 0);
    world_exit(b);
    world_check();
    assert_int_equal(world_peek(a, 0x1000), 5);
    world_exit(a);
}

static void fork_in_the_owner_copies(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1), *child;
    vaddr_t at = map_shared_pages(a, b, 0x1000, 8);

    assert_true(world_write(a, 0x1000, 1));
    assert_int_equal(mm_fork(a, &child), 0);
    world_check();
    assert_true(world_write(a, 0x1000, 2));
    assert_int_equal(world_peek(b, at), 2);         /* owner and borrower still share */
    assert_int_equal(world_peek(child, 0x1000), 1); /* the child has its own */
    assert_true(world_write(child, 0x1000, 3));
    assert_int_equal(world_peek(b, at), 2);
    world_exit(a);
    world_exit(child);
    world_exit(b);
}

static void fork_in_the_borrower_borrows(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1), *child;
    vaddr_t at = map_shared_pages(a, b, 0x1000, 8);

    assert_int_equal(mm_fork(b, &child), 0);
    assert_true(world_write(child, at, 11));
    assert_int_equal(world_peek(a, 0x1000), 11);
    assert_int_equal(world_peek(b, at), 11);
    assert_int_equal(unmap_shared_pages(child, at, 8), 0);
    assert_int_equal(mm_size(child), HEAP);
    world_exit(a);
    world_exit(b);
    world_check();
    world_exit(child);
}

static void pages_shared_by_fork_are_split_before_lending(void **state)
{
    struct mm *a = world_program(0), *child, *b = world_program(1);
    vaddr_t at;

    assert_true(world_write(a, 0x1000, 1));
    assert_int_equal(mm_fork(a, &child), 0);
    at = map_shared_pages(a, b, 0x1000, 8);
    assert_true(world_write(b, at, 2));
    assert_int_equal(world_peek(a, 0x1000), 2);
    assert_int_equal(world_peek(child, 0x1000), 1);
    world_exit(child);
    world_exit(a);
    assert_int_equal(world_peek(b, at), 2);
    world_exit(b);
}

static void lower_of_two_may_go_first(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t one, two;

    assert_int_not_equal(world_sbrk(b, 10, BRK_EAGER), SBRK_FAILED);
    one = map_shared_pages(a, b, 0x1000, 8);
    two = map_shared_pages(a, b, 0x1000, 8);
    assert_int_equal(two, one + PAGE_SIZE);
    assert_int_equal(unmap_shared_pages(b, one, 8), 0);
    assert_int_equal(mm_size(b), two + PAGE_SIZE);
    assert_true(world_write(b, two, 4));
    assert_int_equal(unmap_shared_pages(b, two, 8), 0);
    assert_int_equal(mm_size(b), HEAP + 10); /* to the byte */
    world_exit(a);
    world_exit(b);
}

static void inner_part_may_be_unmapped(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t buf = world_sbrk(a, 5 * PAGE_SIZE, BRK_EAGER);
    vaddr_t at = map_shared_pages(a, b, buf, 5 * PAGE_SIZE);

    for (int i = 0; i < 5; i++)
        assert_true(world_write(a, buf + i * PAGE_SIZE, 100 + i));
    assert_int_equal(unmap_shared_pages(b, at + PAGE_SIZE, 2 * PAGE_SIZE), 0);
    world_check();
    assert_int_equal(mm_size(b), HEAP + 5 * PAGE_SIZE);
    assert_int_equal(world_peek(b, at), 100);
    assert_false(world_write(b, at + PAGE_SIZE, 0));
    assert_int_equal(world_peek(b, at + 3 * PAGE_SIZE), 103);
    assert_int_equal(unmap_shared_pages(b, at, 5 * PAGE_SIZE), (uint64_t)-1); /* a hole in it */
    assert_int_equal(unmap_shared_pages(b, at + 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    assert_int_equal(mm_size(b), HEAP + PAGE_SIZE);
    assert_int_equal(unmap_shared_pages(b, at, 1), 0);
    assert_int_equal(mm_size(b), HEAP);
    world_exit(a);
    world_exit(b);
}

static void heap_grows_above_a_mapping_and_lives_on(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t at = map_shared_pages(a, b, 0x1000, 8), heap;

    heap = world_sbrk(b, PAGE_SIZE + 5, BRK_EAGER);
    assert_int_equal(heap, HEAP + PAGE_SIZE);
    assert_true(world_write(b, heap, 6));
    assert_int_equal(unmap_shared_pages(b, at, 8), 0);
    assert_int_equal(mm_size(b), heap + PAGE_SIZE + 5);
    assert_int_equal(world_peek(b, heap), 6);
    /* Down into the hole and up again: what was unmapped becomes heap. */
    assert_int_not_equal(world_sbrk(b, -(long)(PAGE_SIZE + 5 + 4000), BRK_EAGER), SBRK_FAILED);
    assert_int_not_equal(world_sbrk(b, 100, BRK_EAGER), SBRK_FAILED);
    assert_true(world_write(b, HEAP + 96, 1));
    world_exit(a);
    world_exit(b);
}

static void sbrk_does_not_take_mappings_away(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t at = map_shared_pages(a, b, 0x1000, 8);
    vaddr_t size = mm_size(b);

    assert_int_equal(world_sbrk(b, -1, BRK_EAGER), SBRK_FAILED);
    assert_int_equal(world_sbrk(b, -2 * (long)PAGE_SIZE, BRK_EAGER), SBRK_FAILED);
    assert_int_equal(mm_size(b), size);
    assert_int_equal(world_sbrk(b, PAGE_SIZE, BRK_LAZY), size);
    assert_int_equal(world_sbrk(b, -(long)PAGE_SIZE, BRK_EAGER), size + PAGE_SIZE);
    assert_true(world_write(b, at, 1));
    world_exit(a);
    world_exit(b);
}

static void read_only_memory_is_shared_read_only(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t at = map_shared_pages(a, b, 0, 2 * PAGE_SIZE); /* text, then data */

    assert_int_not_equal(at, 0);
    assert_int_equal(world_peek(b, at), world_peek(a, 0));
    assert_false(world_write(b, at, 1));
    assert_true(world_write(b, at + PAGE_SIZE, 1));
    assert_int_equal(world_peek(a, PAGE_SIZE), 1);
    assert_int_equal(unmap_shared_pages(b, at, 2 * PAGE_SIZE), 0);
    assert_int_equal(mm_size(b), HEAP);
    world_exit(a);
    world_exit(b);
}

static void lending_on_and_to_oneself(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1), *c = world_program(2);
    vaddr_t in_b = map_shared_pages(a, b, 0x1008, 8);
    vaddr_t in_c = map_shared_pages(b, c, in_b, 8);
    vaddr_t back = map_shared_pages(c, a, in_c, 8);
    vaddr_t alias = map_shared_pages(a, a, 0x1008, 8);

    assert_true(world_write(c, in_c, 77));
    assert_int_equal(world_peek(a, 0x1008), 77);
    assert_int_equal(world_peek(a, back), 77);
    assert_int_equal(world_peek(a, alias), 77);
    world_exit(b);
    assert_true(world_write(a, alias, 78));
    assert_int_equal(world_peek(c, in_c), 78);
    world_exit(a);
    assert_int_equal(world_peek(c, in_c), 78);
    world_exit(c);
}

static void refused_ranges_change_nothing(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    static const struct {
        uint64_t va, size;
    } bad[] = {
        {0x1000, 0},    {0x2000, 1},       {0x1000, 0x1001},        {0x1000, 0x3000},
        {0x4000, 1},    {0x3fff, 2},       {USER_TOP, 1},           {USER_TOP - 1, 2},
        {~0UL, 1},      {0x1000, ~0UL},    {0x1000, ~0UL - 0x1000}, {0xffffffc080200000, 8},
        {1UL << 63, 1}, {0x3ffffff000, 1},
    };
    size_t before = world_available();

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(map_shared_pages(a, b, bad[i].va, bad[i].size), 0);
        assert_int_equal(unmap_shared_pages(b, bad[i].va, bad[i].size), (uint64_t)-1);
        assert_int_equal(mm_size(b), HEAP);
        assert_int_equal(world_available(), before);
    }
    assert_int_equal(unmap_shared_pages(b, 0x1000, 8), (uint64_t)-1); /* private, not shared */
    world_exit(a);
    world_exit(b);
}

static void lazy_memory_can_be_lent(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1), *child;
    vaddr_t buf = world_sbrk(a, 1UL << 30, BRK_LAZY), at;

    at = map_shared_pages(a, b, buf + (512UL << 20) - PAGE_SIZE, 2 * PAGE_SIZE);
    assert_int_not_equal(at, 0);
    assert_true(world_write(b, at + PAGE_SIZE, 3));
    assert_int_equal(world_peek(a, buf + (512UL << 20)), 3);
    assert_int_equal(mm_fork(a, &child), 0);
    world_check();
    world_exit(a);
    world_exit(b);
    world_exit(child);
}

static void no_room_is_an_error(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t size;

    assert_int_not_equal(world_sbrk(b, (long)(USER_BREAK_MAX - HEAP - PAGE_SIZE), BRK_LAZY),
                         SBRK_FAILED);
    assert_int_equal(map_shared_pages(a, b, 0x0, 2 * PAGE_SIZE), 0);
    size = mm_size(b);
    assert_int_equal(map_shared_pages(a, b, 0x1000, 1), size);
    assert_int_equal(world_sbrk(b, 1, BRK_LAZY), SBRK_FAILED);
    assert_int_equal(unmap_shared_pages(b, size, 1), 0);
    assert_int_equal(mm_size(b), size);
    world_exit(a);
    world_exit(b);
}

static void fork_keeps_the_promises(void **state)
{
    struct mm *a = world_program(0), *child;
    size_t before = world_available(), n = 100;

    assert_int_not_equal(world_sbrk(a, (long)(n * PAGE_SIZE), BRK_EAGER), SBRK_FAILED);
    assert_true(world_available() <= before - n);
    for (size_t i = 0; i < n; i += 2)
        assert_true(world_write(a, HEAP + i * PAGE_SIZE, i));
    assert_int_equal(mm_fork(a, &child), 0);
    world_check();
    /* Nothing else is left: every store of both sides must still succeed. */
    before = world_available();
    assert_int_equal(page_reserve(before), 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(world_write(child, HEAP + i * PAGE_SIZE, i + 1));
        assert_true(world_write(a, HEAP + i * PAGE_SIZE, i + 2));
        assert_int_equal(world_peek(child, HEAP + i * PAGE_SIZE), i + 1);
    }
    assert_int_equal(mm_fork(a, &child) == 0, 0);
    page_unreserve(before);
    world_exit(a);
    world_exit(child);
}

static void mappings_begin_again_after_unmap(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    size_t before = world_free();

    for (int i = 0; i < 1000; i++) {
        vaddr_t at = map_shared_pages(a, b, 0x1004, 100);

        assert_int_equal(at, HEAP + 4);
        assert_true(world_write(b, at + 4, (uint64_t)i));
        assert_int_equal(unmap_shared_pages(b, at, 100), 0);
    }
    assert_true(world_free() >= before - 1); /* the page of a that was touched */
    world_exit(a);
    world_exit(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_sides_see_one_frame),
        T(every_byte_of_many_pages_is_reachable),
        T(owner_may_go_first),
        T(owner_may_shrink),
        T(borrower_goes_without_unmapping),
        T(fork_in_the_owner_copies),
        T(fork_in_the_borrower_borrows),
        T(pages_shared_by_fork_are_split_before_lending),
        T(lower_of_two_may_go_first),
        T(inner_part_may_be_unmapped),
        T(heap_grows_above_a_mapping_and_lives_on),
        T(sbrk_does_not_take_mappings_away),
        T(read_only_memory_is_shared_read_only),
        T(lending_on_and_to_oneself),
        T(refused_ranges_change_nothing),
        T(lazy_memory_can_be_lent),
        T(no_room_is_an_error),
        T(fork_keeps_the_promises),
        T(mappings_begin_again_after_unmap),
    };

    world_start(8192);
    return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
