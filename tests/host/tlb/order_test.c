/*
 * order_test.c - invariant I2: unhook, shoot down, let go, in that order.
 *
 * At the moment of each shootdown the entries are gone already, and the frames they named are still held. Every way
 * in which valid entries go while a hart has them is tried: sbrk, and unmap of a share whose owner is gone.
 */
#include "../mm/world.h"

#include "../../../mm/pgtable.h"

#define PAGES 3

static struct mm *watched;
static vaddr_t watched_va;
static struct page *frames[PAGES];
static unsigned shootdowns;
static void (*forget)(uint64_t mask, uint64_t va, size_t npages);

static struct page *frame_at(struct mm *mm, vaddr_t va)
{
    pte_t *pte = pt_lookup(mm->root, va);

    return pte && (pte->v & PTE_V) ? pte_page(*pte) : NULL;
}

/* Looks at the machine as it is when the other harts are told. */
static void look(uint64_t mask, uint64_t va, size_t npages)
{
    forget(mask, va, npages);
    if (!watched)
        return;
    shootdowns++;
    for (size_t i = 0; i < PAGES; i++) {
        vaddr_t page = watched_va + i * PAGE_SIZE;

        if (page - va >= npages * PAGE_SIZE)
            continue;
        assert_ptr_not_equal(frame_at(watched, page), frames[i]);
        assert_int_not_equal(frames[i]->refs, 0);
        assert_int_not_equal(frames[i]->kind, PAGE_FREE);
    }
}

/* From here on, the pages at va of mm are about to go. */
static void watch(struct mm *mm, vaddr_t va)
{
    for (size_t i = 0; i < PAGES; i++) {
        frames[i] = frame_at(mm, va + i * PAGE_SIZE);
        assert_non_null(frames[i]);
    }
    watched = mm;
    watched_va = va;
    shootdowns = 0;
}

static void unwatch(void)
{
    assert_int_not_equal(shootdowns, 0);
    watched = NULL;
}

static vaddr_t touched_heap(struct mm *mm)
{
    vaddr_t va = world_sbrk(mm, PAGES * PAGE_SIZE, BRK_EAGER);

    for (size_t i = 0; i < PAGES; i++)
        assert_true(world_write(mm, va + i * PAGE_SIZE, i));
    return va;
}

static int begin(void **state)
{
    if (!forget) {
        forget = port_on_shootdown;
        port_on_shootdown = look;
    }
    return 0;
}

static int end(void **state)
{
    watched = NULL;
    world_check();
    assert_int_equal(world_stale(), 0);
    return 0;
}

static void shrinking_the_heap(void **state)
{
    struct mm *mm = world_program(0);
    vaddr_t va = touched_heap(mm);

    watch(mm, va);
    world_sbrk(mm, -(long)(PAGES * PAGE_SIZE), BRK_EAGER);
    unwatch();
    world_exit(mm);
}

/* The owner is gone: the borrower's unmap lets go of the last hold on each frame. */
static void unmapping_what_the_owner_left(void **state)
{
    struct mm *owner = world_program(0), *borrower = world_program(1);
    vaddr_t at = map_shared_pages(owner, borrower, touched_heap(owner), PAGES * PAGE_SIZE);

    assert_int_not_equal(at, 0);
    world_exit(owner);
    watch(borrower, at);
    assert_int_equal(unmap_shared_pages(borrower, at, PAGES * PAGE_SIZE), 0);
    unwatch();
    world_exit(borrower);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(shrinking_the_heap, begin, end),
    cmocka_unit_test_setup_teardown(unmapping_what_the_owner_left, begin, end),
};

int main(void)
{
    world_start(4096);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
