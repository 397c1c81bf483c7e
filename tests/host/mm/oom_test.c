/*
 * oom_test.c - memory runs out at each allocation in turn: an error, and nothing changed.
 */
#include "world.h"

#include "lib/errno.h"
#include "mm/region.h"

#define FRAMES 4096

static size_t available_at_start;

static struct page *taken_frames[FRAMES];

/* Leaves just `n` frames that can be had. => how many were taken, for release(). */
static size_t squeeze(size_t n)
{
    size_t taken = 0;

    while (world_available() > n)
        assert_non_null(taken_frames[taken++] = page_alloc());
    return taken;
}

static void release(size_t taken)
{
    while (taken > 0)
        page_put(taken_frames[--taken]);
}

/*
 * Runs `attempt` with 0, 1, 2 .. frames to be had until it succeeds. After each failure
 * the size is what it was, no frame is missing, and the audit finds nothing.
 */
static void fails_cleanly(bool (*attempt)(struct mm *a, struct mm *b))
{
    bool ok = false;

    for (size_t n = 0; !ok; n++) {
        struct mm *a = world_program(0), *b = world_program(1);
        vaddr_t size = mm_size(b), size_a = mm_size(a);
        size_t taken, before;

        assert_int_not_equal(world_sbrk(a, 20 * PAGE_SIZE, BRK_EAGER), SBRK_FAILED);
        for (int i = 0; i < 20; i++)
            assert_true(world_write(a, size_a + (vaddr_t)i * PAGE_SIZE, 1));
        taken = squeeze(n);
        before = world_available();
        ok = attempt(a, b);
        if (!ok) {
            assert_int_equal(mm_size(b), size);
            assert_int_equal(world_available(), before);
        }
        world_check();
        release(taken);
        world_exit(a);
        world_exit(b);
        world_check();
        assert_int_equal(world_available(), available_at_start);
        assert_true(n < 200);
    }
}

static bool try_create(struct mm *a, struct mm *b)
{
    struct mm *mm = world_program(-1);

    if (mm)
        world_exit(mm);
    return mm;
}

static bool try_fork(struct mm *a, struct mm *b)
{
    struct mm *child;

    if (mm_fork(a, &child))
        return false;
    world_exit(child);
    return true;
}

static bool try_sbrk(struct mm *a, struct mm *b)
{
    /* Across a 2 MiB line, so that tables are needed, too. */
    return world_sbrk(b, (2 << 20), BRK_EAGER) != SBRK_FAILED;
}

static bool try_share(struct mm *a, struct mm *b)
{
    return map_shared_pages(a, b, 0x4000, 20 * PAGE_SIZE) != 0;
}

static bool try_share_far(struct mm *a, struct mm *b)
{
    vaddr_t size = mm_size(b);
    bool ok;

    assert_int_not_equal(world_sbrk(b, 3L << 30, BRK_LAZY), SBRK_FAILED);
    ok = map_shared_pages(a, b, 0x4000, 20 * PAGE_SIZE) != 0;
    if (!ok)
        assert_int_not_equal(world_sbrk(b, (long)(size - mm_size(b)), BRK_LAZY), SBRK_FAILED);
    return ok;
}

/* A page in the middle of one mapping, and two tables that are not there yet. */
static bool try_map_over(struct mm *a, struct mm *b)
{
    vaddr_t at = 16UL << 20, va;
    struct map_request whole = {
        .addr = at, .len = 3 * PAGE_SIZE, .prot = PROT_READ, .max_prot = 7, .place = MAP_HERE};
    struct map_request over = {
        .addr = at + PAGE_SIZE, .len = PAGE_SIZE, .prot = 3, .max_prot = 7, .place = MAP_OVER};
    struct map_request far = {
        .addr = 3UL << 30, .len = PAGE_SIZE, .prot = 3, .max_prot = 7, .place = MAP_OVER};
    bool mapped = mm_map(b, &whole, &va) == 0;
    bool ok = mapped && mm_map(b, &over, &va) == 0 && mm_map(b, &far, &va) == 0;

    if (mapped && !ok) {
        for (vaddr_t i = 0; i < 3; i++)
            assert_int_not_equal(mm_map(b,
                                        &(struct map_request){.addr = at + i * PAGE_SIZE,
                                                              .len = PAGE_SIZE,
                                                              .place = MAP_HERE},
                                        &va),
                                 0);
        assert_int_equal(mm_munmap(b, at, 3 * PAGE_SIZE), 0);
    }
    return ok;
}

#define TABLE (2UL << 20) /* what one table serves */
#define PLACE (8 * TABLE)

/* A mapping of one page in the middle of where the new one goes: two tables on either side. */
static bool try_map_over_what_lies_inside(struct mm *a, struct mm *b)
{
    struct region *r = region_create_zero(1);
    struct map_request old = {
        .addr = PLACE + 2 * TABLE, .len = PAGE_SIZE, .prot = 3, .max_prot = 7, .place = MAP_HERE};
    struct map_request over = {
        .addr = PLACE, .len = 5 * TABLE, .prot = 1, .max_prot = 7, .place = MAP_OVER, .region = r};
    vaddr_t va;
    bool ok = r && mm_map(b, &old, &va) == 0;

    if (ok && !world_write(b, va, 77))
        fail_msg("promised memory is not there");
    if (ok && mm_map(b, &over, &va)) {
        assert_int_equal(world_peek(b, old.addr), 77);
        assert_int_equal(mm_munmap(b, old.addr, PAGE_SIZE), 0);
        ok = false;
    }
    region_put(r);
    return ok;
}

static void mapping_over_what_lies_inside(void **state)
{
    fails_cleanly(try_map_over_what_lies_inside);
}

/* The new one lies inside the old one, which then wants a split: for that alone memory is missing. */
static void mapping_inside_an_old_one(void **state)
{
    size_t failed = 0;

    for (size_t others = 0; others < 60; others++) {
        struct mm *a = world_program(0);
        struct region *r = region_create_zero(1);
        struct map_request old = {
            .addr = PLACE, .len = 6 * TABLE, .prot = 3, .max_prot = 7, .place = MAP_HERE};
        struct map_request over = {.addr = PLACE + TABLE + TABLE / 2,
                                   .len = 3 * TABLE,
                                   .prot = 1,
                                   .max_prot = 7,
                                   .place = MAP_OVER,
                                   .region = r};
        vaddr_t va;
        size_t taken;

        assert_int_equal(mm_map(a, &old, &va), 0);
        assert_true(world_write(a, PLACE + 2 * TABLE, 77));
        for (size_t i = 0; i < others;
             i++) { /* so that one of the rounds needs a frame for the vma */
            struct map_request q = {.addr = 64 * TABLE + i * 2 * PAGE_SIZE,
                                    .len = PAGE_SIZE,
                                    .prot = 1,
                                    .max_prot = 7,
                                    .place = MAP_HERE};

            assert_int_equal(mm_map(a, &q, &va), 0);
        }
        taken = squeeze(0);
        if (mm_map(a, &over, &va)) {
            failed++;
            assert_int_equal(world_peek(a, PLACE + 2 * TABLE), 77);
        }
        release(taken);
        region_put(r);
        world_check();
        world_exit(a);
    }
    assert_true(failed > 0);
}

/* A change that cannot be had leaves the tables that a promise stands on. */
static void a_failed_change_keeps_promises(void **state)
{
    struct mm *a = world_program(0);
    struct region *r = region_create_zero(1024);
    struct map_request shared = {
        .addr = PLACE, .len = 2 * TABLE, .max_prot = 7, .place = MAP_HERE, .region = r};
    struct map_request large = {
        .addr = PLACE + 2 * TABLE, .len = 20 * TABLE, .max_prot = 7, .place = MAP_HERE};
    size_t taken;
    vaddr_t va;

    assert_int_equal(mm_map(a, &shared, &va), 0);
    region_put(r);
    assert_int_equal(mm_map(a, &large, &va), 0);
    assert_int_equal(mm_protect(a, PLACE, 22 * TABLE, 3), -ENOMEM);
    taken = squeeze(0);
    assert_int_equal(mm_protect(a, PLACE, 2 * TABLE, 1), 0);
    assert_int_equal(world_peek(a, PLACE), 0);
    release(taken);
    world_exit(a);
    world_check();
}

static void mapping_over(void **state)
{
    fails_cleanly(try_map_over);
}
static void creating(void **state)
{
    fails_cleanly(try_create);
}
static void forking(void **state)
{
    fails_cleanly(try_fork);
}
static void growing(void **state)
{
    size_t frames = 0;
    struct mm *mm = world_program(0);

    /* 512 pages and a table: fewer than that is refused whole. */
    frames = squeeze(512);
    assert_int_equal(world_sbrk(mm, 2 << 20, BRK_EAGER), SBRK_FAILED);
    world_check();
    assert_int_equal(world_available(), 512);
    release(frames);
    frames = squeeze(513);
    assert_true(try_sbrk(mm, mm));
    world_check();
    release(frames);
    world_exit(mm);
}
static void sharing(void **state)
{
    fails_cleanly(try_share);
}
static void sharing_far_away(void **state)
{
    fails_cleanly(try_share_far);
}

static void forking_an_owner(void **state)
{
    /* The alias is made with memory at hand, the fork without. */
    struct mm *a = world_program(0), *child;
    bool ok = false;

    assert_true(world_write(a, 0x1000, 1));
    assert_int_not_equal(map_shared_pages(a, a, 0x1000, 1), 0);
    for (size_t n = 0; !ok; n++) {
        size_t taken = squeeze(n), before = world_available();

        ok = mm_fork(a, &child) == 0;
        world_check();
        if (!ok)
            assert_int_equal(world_available(), before);
        release(taken);
        assert_true(n < 100);
    }
    world_exit(child);
    world_exit(a);
}

static void splitting_needs_memory(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t at = map_shared_pages(a, b, 0, 2 * PAGE_SIZE), last = 0, list[200];
    size_t n = 0, taken, failed = 0;

    assert_int_not_equal(world_sbrk(a, 40 * PAGE_SIZE, BRK_EAGER), SBRK_FAILED);
    while (n < 100)
        list[n++] = map_shared_pages(a, b, 0x4000, 3 * PAGE_SIZE);
    taken = squeeze(0);
    for (size_t i = 0; i < n; i++) {
        vaddr_t size = mm_size(b);

        last = list[i];
        if (unmap_shared_pages(b, last + PAGE_SIZE, 1)) {
            failed++;
            assert_int_equal(mm_size(b), size);
            assert_true(world_write(b, last + PAGE_SIZE, 1));
        } else {
            assert_false(world_write(b, last + PAGE_SIZE, 1));
        }
    }
    assert_true(failed > 0);
    world_check();
    /* The whole of it can always go. */
    assert_int_equal(unmap_shared_pages(b, at, 2 * PAGE_SIZE), 0);
    release(taken);
    world_exit(a);
    world_exit(b);
}

static void lazy_memory_fails_its_toucher_only(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t lazy = world_sbrk(a, PAGE_SIZE * 4, BRK_LAZY),
            heap = world_sbrk(b, PAGE_SIZE, BRK_EAGER);
    size_t taken = squeeze(0);

    assert_int_equal(mm_fault(a, lazy, ACCESS_WRITE), -ENOMEM);
    assert_true(world_write(b, heap, 1));
    world_check();
    release(taken);
    assert_true(world_write(a, lazy, 1));
    world_exit(a);
    world_exit(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating),
        cmocka_unit_test(forking),
        cmocka_unit_test(growing),
        cmocka_unit_test(sharing),
        cmocka_unit_test(sharing_far_away),
        cmocka_unit_test(mapping_over),
        cmocka_unit_test(mapping_over_what_lies_inside),
        cmocka_unit_test(mapping_inside_an_old_one),
        cmocka_unit_test(a_failed_change_keeps_promises),
        cmocka_unit_test(forking_an_owner),
        cmocka_unit_test(splitting_needs_memory),
        cmocka_unit_test(lazy_memory_fails_its_toucher_only),
    };

    world_start(FRAMES);
    available_at_start = world_available();
    return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}
