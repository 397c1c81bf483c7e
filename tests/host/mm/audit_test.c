/*
 * audit_test.c - the audit can fail: each invariant is broken on purpose, and found.
 */
#include "world.h"

#include "../../../mm/frames.h"
#include "../../../mm/pgtable.h"
#include "mm/region.h"
#include "../../../mm/vma.h"

static struct mm *a, *b;
static vaddr_t shared;

static int begin(void **state)
{
    a = world_program(0);
    b = world_program(1);
    assert_true(world_write(a, 0x1000, 1));
    shared = map_shared_pages(a, b, 0x1000, 8);
    assert_int_equal(mm_audit(), 0);
    port_quiet = 1;
    return 0;
}

static int end(void **state)
{
    port_quiet = 0;
    assert_int_equal(mm_audit(), 0);
    world_exit(a);
    world_exit(b);
    assert_int_equal(mm_audit(), 0);
    return 0;
}

/* Breaks a word, expects the audit to see it, and mends it. */
#define BROKEN(lvalue, wrong)               \
    do {                                    \
        __typeof__(lvalue) good = (lvalue); \
        (lvalue) = (wrong);                 \
        assert_true(mm_audit() > 0);        \
        (lvalue) = good;                    \
    } while (0)

static pte_t *entry(struct mm *mm, vaddr_t va)
{
    return pt_lookup(mm->root, va);
}

static struct page *frame_at(struct mm *mm, vaddr_t va)
{
    return pte_page(*entry(mm, va));
}

static void a_wrong_count(void **state)
{
    struct page *page = frame_at(a, 0x1000);
    struct page *table = page_of(entry(a, 0x1000));

    BROKEN(page->refs, page->refs + 1);
    BROKEN(page->refs, page->refs - 1);
    BROKEN(page->refs, page->refs - (1UL << 32)); /* a lost pin */
    BROKEN(table->refs, 2);
    BROKEN(page_of(a->root)->refs, 0);
    BROKEN(page->kind, PAGE_KERNEL);
    BROKEN(page->kind, PAGE_FREE);
}

static void a_free_frame_that_is_on_no_list(void **state)
{
    struct page *page = page_alloc();

    page->refs = 0;
    page->kind = PAGE_FREE;
    assert_true(mm_audit() > 0);
    page->refs = PAGE_REF;
    page->kind = PAGE_KERNEL;
    page_put(page);
}

static void an_entry_outside_its_vma(void **state)
{
    pte_t *stack = entry(a, 0x3000);

    assert_true(world_write(a, 0x3000, 1));
    /* The guard page shows the stack's frame. */
    page_get(frame_at(a, 0x3000));
    BROKEN(*entry(a, 0x2000), *stack);
    page_put_keep(frame_at(a, 0x3000));
}

static void an_entry_that_grants_too_much(void **state)
{
    BROKEN(entry(a, 0)->v, entry(a, 0)->v | PTE_W);
    BROKEN(entry(a, 0x1000)->v, entry(a, 0x1000)->v | PTE_X);
}

static void vmas_out_of_order(void **state)
{
    struct vma *v = vma_find(a, 0x1000);

    BROKEN(v->end, 0x2800);
    BROKEN(v->end, 0x3000);
    BROKEN(v->start, 0);
}

static void a_wrong_shared_bit(void **state)
{
    BROKEN(entry(b, shared)->v, entry(b, shared)->v & ~PTE_S);
    BROKEN(entry(a, 0x1000)->v, entry(a, 0x1000)->v | PTE_S);
}

static void another_frame_than_the_regions(void **state)
{
    BROKEN(vma_find(b, shared)->region->frames[0], frame_number(frame_at(a, 0)));
}

static void a_promise_that_is_not_kept(void **state)
{
    assert_int_equal(page_reserve(1), 0);
    assert_true(mm_audit() > 0);
    page_unreserve(1);
    page_unreserve(1); /* one frame promised twice */
    assert_true(mm_audit() > 0);
    assert_int_equal(page_reserve(1), 0);
}

static void a_lost_magic_number(void **state)
{
    BROKEN(a->magic, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_wrong_count),
        T(a_free_frame_that_is_on_no_list),
        T(an_entry_outside_its_vma),
        T(an_entry_that_grants_too_much),
        T(vmas_out_of_order),
        T(a_wrong_shared_bit),
        T(another_frame_than_the_regions),
        T(a_promise_that_is_not_kept),
        T(a_lost_magic_number),
    };

    world_start(4096);
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
