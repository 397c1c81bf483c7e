/*
 * page_test.c - frames: the reservation gate, holders, blocks, reclaimers; and slabs.
 */
#include "../../../mm/frames.h"
#include "world.h"

#include "asm/cpu.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define FRAMES 5000 /* not a multiple of the largest block: a ragged end */

static void takes_every_frame_and_gives_it_back(void **state)
{
    static struct page *all[FRAMES];
    size_t before = world_free(), n = 0;

    while ((all[n] = page_alloc()))
        n++;
    assert_int_equal(n, before);
    assert_int_equal(page_reserve(1), -ENOMEM);
    for (size_t i = 0; i < n; i++)
        assert_true(page_put(all[i]));
    assert_int_equal(world_free(), before);
    world_check();
}

static void a_reservation_keeps_frames_from_others(void **state)
{
    size_t before = world_available();
    struct page *page;

    assert_int_equal(page_reserve(before), 0);
    assert_null(page_alloc());
    assert_null(page_alloc_order(0));
    page = page_alloc_reserved();
    assert_non_null(page);
    assert_true(page_put(page));
    assert_int_equal(world_available(), 1);
    page_unreserve(before - 1);
    assert_int_equal(world_available(), before);
    assert_int_equal(page_reserve((size_t)-1), -ENOMEM);
    assert_int_equal(world_available(), before);
}

/* 10 frames are kept; asking for what is missing counts those. */
static void spare_frames_are_for_who_may_take_them(void **state)
{
    size_t before = world_available();
    struct mm favoured = {.takes_spare = true}, *loaded = this_cpu->mm;

    page_keep_spare(10);
    assert_int_equal(page_reserve(before - 9), -ENOMEM);
    assert_int_equal(page_reserve(before - 10), 0);
    assert_null(page_alloc());
    this_cpu->mm = &favoured;
    assert_int_equal(page_reserve(11), -ENOMEM);
    assert_int_equal(page_reserve(10), 0);
    assert_null(page_alloc());
    page_unreserve(5);
    this_cpu->mm = loaded;
    assert_null(page_alloc());
    page_unreserve(before - 5);
    page_keep_spare(0);
    assert_int_equal(world_available(), before);
}

static void frames_in_another_harts_stock_are_found(void **state)
{
    size_t before = world_available();
    static struct page *all[FRAMES];

    port_set_cpu(3);
    assert_true(page_put(page_alloc())); /* fills the stock of hart 3 */
    port_set_cpu(0);
    for (size_t i = 0; i < before; i++)
        assert_non_null(all[i] = page_alloc());
    for (size_t i = 0; i < before; i++)
        page_put(all[i]);
    assert_int_equal(world_available(), before);
}

static void the_last_holder_frees(void **state)
{
    struct page *page = page_alloc();
    size_t before = world_free();

    page_get(page);
    page_pin(page);
    assert_true(page_pinned(page));
    assert_false(page_put(page));
    assert_false(page_put(page));
    assert_int_equal(world_free(), before);
    assert_int_equal(page_put_many(&(uint32_t){frame_number(page)}, 1, PAGE_PIN).freed, 1);
    page_free_some(&(uint32_t){frame_number(page)}, 1, NULL);
    page_unreserve(1);
    assert_int_equal(world_free(), before + 1);
}

static void blocks_are_aligned_and_merge_again(void **state)
{
    size_t before = world_free();
    struct page *blocks[PAGE_ORDERS], *single;

    for (unsigned order = 0; order < PAGE_ORDERS; order++) {
        blocks[order] = page_alloc_order(order);
        assert_non_null(blocks[order]);
        assert_int_equal(page_phys(blocks[order]) & ((PAGE_SIZE << order) - 1), 0);
    }
    world_check();
    single = page_alloc();
    for (unsigned order = 0; order < PAGE_ORDERS; order++)
        page_free_order(blocks[order], order);
    page_put(single);
    assert_int_equal(world_free(), before);
    assert_null(page_alloc_order(PAGE_ORDERS));
    /* Everything merged: the largest blocks are there again, one after the other. */
    for (size_t i = 0; i < before >> (PAGE_ORDERS - 1); i++) {
        struct page *block = page_alloc_order(PAGE_ORDERS - 1);

        if (i < 3)
            assert_non_null(block);
        if (block)
            page_free_order(block, PAGE_ORDERS - 1);
    }
    world_check();
}

static struct page *kept[8];
static size_t nkept;

static bool irqs_off; /* while a reclaimer was asked */

static size_t give_back(size_t n)
{
    size_t got = 0;

    irqs_off |= irqs_kept_out();
    for (; got < n && nkept > 0; got++)
        page_put(kept[--nkept]);
    return got;
}

static void reclaimers_are_asked_before_failure(void **state)
{
    static struct reclaimer r = {.reclaim = give_back};
    size_t before = world_available();

    page_add_reclaimer(&r);
    while (nkept < 8)
        kept[nkept++] = page_alloc();
    assert_int_equal(page_reserve(before - 3), 0);
    assert_int_equal(nkept, 3);
    assert_int_equal(page_reserve(4), -ENOMEM);
    page_unreserve(before - 3);
    assert_int_equal(world_available(), before - nkept);
    give_back(8);
    assert_int_equal(world_available(), before);
}

/* What the reclaimers do for a large block takes long: no interrupt may wait for it. */
static void a_block_keeps_no_interrupt_out(void **state)
{
    size_t before = world_available();
    struct page *block;

    while (nkept < 8)
        kept[nkept++] = page_alloc();
    assert_int_equal(page_reserve(before - 8), 0);
    irqs_off = false;
    block = page_alloc_order(2);
    assert_int_equal(nkept, 4);
    assert_false(irqs_off);
    if (block)
        page_free_order(block, 2);
    assert_null(page_alloc_order(4));
    assert_int_equal(nkept, 0);
    assert_false(irqs_off);
    page_unreserve(before - 8);
    assert_int_equal(world_available(), before);
    world_check();
}

static void slabs_give_their_frames_back(void **state)
{
    static struct slab_cache cache = SLAB_CACHE_INIT(cache, "test", 100);
    size_t before = world_free();
    char *objs[200];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            objs[i] = slab_alloc(&cache);
            assert_non_null(objs[i]);
            for (int b = 0; b < 100; b++)
                assert_int_equal(objs[i][b], 0);
            for (int b = 0; b < 100; b++)
                objs[i][b] = (char)i;
        }
        assert_int_equal(cache.objects, 200);
        for (int i = 0; i < 200; i++) {
            int k = (i * 77 + round) % 200; /* each once, in another order every time */

            assert_int_equal(objs[k][99], (char)k);
            slab_free(&cache, objs[k]);
        }
        assert_int_equal(cache.frames, 0);
        assert_int_equal(world_free(), before);
    }
    world_check();
}

static struct slab_cache raced = SLAB_CACHE_INIT(raced, "raced", 64);
static struct page *spare[2];
static void *other_harts_object;

/* Stands for another hart that needs an object while this one looks for a frame. */
static size_t give_back_and_grow(size_t n)
{
    if (!spare[0])
        return 0;
    page_put(spare[0]);
    page_put(spare[1]);
    spare[0] = NULL;
    other_harts_object = slab_alloc(&raced);
    return 1;
}

static void two_harts_that_grow_a_slab_leave_no_empty_frame(void **state)
{
    static struct reclaimer r = {.reclaim = give_back_and_grow};
    static struct page *all[FRAMES];
    size_t before = world_available(), n = 0;
    void *object;

    page_add_reclaimer(&r);
    while (world_available() > 0)
        all[n++] = page_alloc();
    spare[0] = all[--n];
    spare[1] = all[--n];
    object = slab_alloc(&raced);
    assert_non_null(object);
    assert_non_null(other_harts_object);
    assert_int_equal(raced.frames, 1); /* one is enough for both */
    slab_free(&raced, object);
    slab_free(&raced, other_harts_object);
    assert_int_equal(raced.frames, 0);
    while (n > 0)
        page_put(all[--n]);
    assert_int_equal(world_available(), before);
}

static struct slab_cache half_full = SLAB_CACHE_INIT(half_full, "half full", 1000);
static void *full[4];
static unsigned locks_before;

/* Another hart frees an object of a full frame, just before this one takes the lock again. */
static void free_one(const struct spinlock *l)
{
    if (l != &half_full.lock || locks_before-- > 0)
        return;
    port_on_lock = NULL;
    slab_free(&half_full, full[0]);
    full[0] = NULL;
}

static void a_frame_that_is_added_does_not_stay_empty(void **state)
{
    for (unsigned before = 1; before < 4; before++) {
        size_t n = 0;
        void *object;

        while (n < 4 && (n == 0 || !list_empty(&half_full.partial)))
            full[n++] = slab_alloc(&half_full);
        assert_true(list_empty(&half_full.partial));
        locks_before = before;
        port_on_lock = free_one;
        object = slab_alloc(&half_full);
        port_on_lock = NULL;
        slab_free(&half_full, object);
        while (n > 0)
            if (full[--n])
                slab_free(&half_full, full[n]);
        assert_int_equal(half_full.frames, 0);
    }
}

static void a_slab_of_another_cache_is_noticed(void **state)
{
    static struct slab_cache one = SLAB_CACHE_INIT(one, "one", 32);
    static struct slab_cache two = SLAB_CACHE_INIT(two, "two", 32);

    if (port_expect_panic() == 0) {
        slab_free(&two, slab_alloc(&one));
        fail_msg("no panic");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_frame_and_gives_it_back),
        cmocka_unit_test(a_reservation_keeps_frames_from_others),
        cmocka_unit_test(spare_frames_are_for_who_may_take_them),
        cmocka_unit_test(frames_in_another_harts_stock_are_found),
        cmocka_unit_test(the_last_holder_frees),
        cmocka_unit_test(blocks_are_aligned_and_merge_again),
        cmocka_unit_test(reclaimers_are_asked_before_failure),
        cmocka_unit_test(a_block_keeps_no_interrupt_out),
        cmocka_unit_test(slabs_give_their_frames_back),
        cmocka_unit_test(two_harts_that_grow_a_slab_leave_no_empty_frame),
        cmocka_unit_test(a_frame_that_is_added_does_not_stay_empty),
        cmocka_unit_test(a_slab_of_another_cache_is_noticed), /* last: it leaves a lock held */
    };

    world_start(FRAMES);
    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
