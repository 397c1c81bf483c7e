/*
 * scale_test.c - large calls: refused at once when they cannot be had, else in time that grows with the work.
 */
#include "rest.h"
#include "world.h"

#include "lib/errno.h"
#include "../../../mm/frames.h"
#include "../../../mm/pgtable.h"
#include "../../../mm/space.h"

#include <stdlib.h>
#include <string.h>

#define MIB(n)   ((uint64_t)(n) << 20)
#define GIB(n)   ((uint64_t)(n) << 30)
#define PAGES(n) ((uint64_t)(n)*PAGE_SIZE)
#define RW       (PROT_READ | PROT_WRITE)
#define ALL      (PROT_READ | PROT_WRITE | PROT_EXEC)

static vaddr_t map(struct mm *mm, vaddr_t addr, uint64_t n, unsigned prot)
{
    struct map_request q = {.addr = addr,
                            .len = n,
                            .prot = prot,
                            .max_prot = ALL,
                            .place = addr ? MAP_OVER : MAP_ANYWHERE};
    vaddr_t va;

    return mm_map(mm, &q, &va) ? 0 : va;
}

/* ---- too large ---- */

static size_t free_least;
static unsigned long locks_taken;

static void count_lock(const struct spinlock *l)
{
    locks_taken++;
}

/* Notes the fewest frames that were free at a rest. */
static void watch_free(void)
{
    if (world_free() < free_least)
        free_least = world_free();
}

static void begin_watch(void)
{
    rest_begin(0);
    free_least = world_free();
    locks_taken = 0;
    port_on_lock = count_lock;
    rest_play = watch_free;
}

/* The call was refused, and has taken few locks and at most `frames` frames meanwhile. */
static void end_watch(size_t free_before, size_t frames)
{
    port_on_lock = NULL;
    rest_play = NULL;
    watch_free();
    assert_true(free_least + frames >= free_before);
    assert_int_equal(world_free(), free_before);
    assert_true(locks_taken < 3000);
    world_check();
}

static void lazy_memory_beyond_all_memory_is_not_lent(void **state)
{
    static const uint64_t sizes[] = {MIB(400), GIB(2), GIB(4), GIB(200)};
    struct mm *a = world_program(0), *b = world_program(1);
    struct loans loans = LOANS_INIT(loans, true);
    struct lend lend = {.prot = RW, .consent = &loans.consent};
    size_t before;
    vaddr_t at;

    b->family = a->family;
    at = world_sbrk(a, (long)GIB(200), BRK_LAZY);
    assert_true(world_write(a, at, 1));
    before = world_free();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        begin_watch();
        assert_int_equal(map_shared_pages(a, b, at, sizes[i]), 0);
        end_watch(before, 1100);
        begin_watch();
        assert_int_equal((map_shared_pages)(a, b, at, sizes[i], lend), 0);
        end_watch(before, 1100);
    }
    world_exit(a);
    world_exit(b);
}

static void a_segment_beyond_all_memory_is_refused(void **state)
{
    static const uint64_t sizes[] = {MIB(300), GIB(3), GIB(200)};
    static const unsigned prots[] = {PROT_EXEC, PROT_NONE, PROT_WRITE};

    for (size_t i = 0; i < 9; i++) {
        struct mm *mm = mm_create();
        size_t before = world_free();

        begin_watch();
        assert_int_equal(mm_add_segment(mm, 0, sizes[i / 3], prots[i % 3]), -ENOMEM);
        end_watch(before, 1);
        world_exit(mm);
    }
}

static void too_large_a_promise_is_refused(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = map(a, 0, GIB(100), PROT_READ);
    size_t before = world_free();

    assert_int_not_equal(at, 0);
    begin_watch();
    assert_int_equal(world_sbrk(a, (long)GIB(100), BRK_EAGER), SBRK_FAILED);
    end_watch(before, 0);
    begin_watch();
    assert_int_equal(map(a, 0, GIB(20), RW), 0);
    end_watch(before, 0);
    begin_watch();
    assert_int_equal(mm_protect(a, at, GIB(100), RW), -ENOMEM);
    end_watch(before, 0);
    world_exit(a);
}

/* ---- as much work as there is to do ---- */

static void pinning_tells_harts_by_the_batch(void **state)
{
    enum {
        N = 1000
    };
    struct mm *a = world_program(0), *b = world_program(1), *child;
    vaddr_t at = world_sbrk(a, (long)PAGES(N), BRK_EAGER);

    b->family = a->family;
    for (size_t i = 0; i < N; i++)
        assert_true(world_write(a, at + PAGES(i), i));
    assert_int_equal(mm_fork(a, &child), 0);
    port_tlb_reset();
    assert_int_not_equal(map_shared_pages(a, b, at, PAGES(N)), 0);
    assert_true(port_tlb.shootdowns > 0);
    assert_true(port_tlb.shootdowns <= N / 8 + 4);
    assert_int_equal(world_stale(), 0);
    world_exit(child);
    world_exit(a);
    world_exit(b);
}

/* The kernel stores for a program that has only loaded from the page: its hart remembers the old one. */
static void a_copy_is_told(void **state)
{
    struct mm *a = world_program(0), *child;

    assert_true(world_write(a, 0x1000, 1));
    assert_int_equal(mm_fork(a, &child), 0);
    assert_int_equal(world_peek(a, 0x1000), 1);
    assert_int_equal(mm_fault(a, 0x1000, ACCESS_WRITE), 0);
    assert_int_equal(world_stale(), 0);
    world_exit(child);
    world_exit(a);
}

static void unmapping_tells_harts_by_the_batch(void **state)
{
    enum {
        N = 4000
    };
    struct mm *a = world_program(0);
    vaddr_t at = world_sbrk(a, (long)PAGES(N), BRK_EAGER);

    for (size_t i = 0; i < N; i++)
        assert_true(world_write(a, at + PAGES(i), i));
    port_tlb_reset();
    assert_int_not_equal(world_sbrk(a, -(long)PAGES(N), BRK_EAGER), SBRK_FAILED);
    assert_true(port_tlb.shootdowns <= N / 128 + 4);
    world_exit(a);
}

/* How many locks it takes to end n loans: by a revocation, by the borrower's end, by the owner's. */
static unsigned long locks_to_end(unsigned n, int how)
{
    struct loans loans = LOANS_INIT(loans, false);
    struct lend lend = {.prot = RW, .consent = &loans.consent};
    struct mm *a = world_program(0), *b = world_program(1);

    for (unsigned i = 0; i < n; i++)
        assert_int_not_equal((map_shared_pages)(a, b, 0x1000, PAGE_SIZE, lend), 0);
    if (how == 1)
        loans_keep(&loans);
    locks_taken = 0;
    port_on_lock = count_lock;
    if (how == 0)
        loans_revoke(&loans);
    world_exit(b);
    port_on_lock = NULL;
    loans_revoke(&loans);
    assert_int_equal(loans.count, 0);
    world_exit(a);
    world_check();
    return locks_taken;
}

static void loans_end_in_linear_time(void **state)
{
    for (int how = 0; how < 3; how++) {
        unsigned long few = locks_to_end(100, how), many = locks_to_end(1000, how);

        assert_true(few > 100);
        assert_true(many < 11 * few);
    }
}

static void a_consent_has_a_limit(void **state)
{
    struct loans loans = LOANS_INIT(loans, false);
    struct lend lend = {.prot = RW, .consent = &loans.consent};
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t va = 0;

    for (unsigned i = 0; i < LOANS_MAX; i++)
        assert_int_not_equal(va = (map_shared_pages)(a, b, 0x1000, 8, lend), 0);
    assert_int_equal((map_shared_pages)(a, b, 0x1000, 8, lend), 0);
    assert_int_equal(unmap_shared_pages(b, va, 8), 0); /* what was returned counts no more */
    assert_int_not_equal((map_shared_pages)(a, b, 0x1000, 8, lend), 0);
    loans_revoke(&loans);
    world_exit(a);
    world_exit(b);
}

/* A program that maps a file again and again cannot keep whoever cuts it short from the end. */
static struct mm *mapper;
static struct region *cut;
static unsigned mapped;

static void map_once_more(void)
{
    struct map_request q = {.len = PAGES(2), .prot = PROT_READ, .max_prot = ALL, .region = cut};
    vaddr_t va;

    for (int i = 0; i < 3 && mapped < 5000; i++, mapped++)
        assert_int_equal(mm_map(mapper, &q, &va), 0);
}

static int page_in(struct region *r, size_t i)
{
    struct page *page = region_take(r);

    memset(page_addr(page), 0, PAGE_SIZE);
    region_fill(r, i, page);
    return 0;
}

static void a_sweep_ends_while_others_map(void **state)
{
    static const struct region_ops pager = WORLD_FILE(page_in);

    mapper = world_program(0);
    cut = region_create_demand(2, &pager, NULL);
    mapped = 0;
    map_once_more();
    world_peek(mapper, vma_last(mapper)->start);
    rest_begin(0);
    rest_play = map_once_more;
    region_empty(cut);
    rest_play = NULL;
    assert_true(mapped < 100);
    region_put(cut);
    world_exit(mapper);
}

/* ... nor keep pages by cutting a mapping in two when the sweep has done another. */
static vaddr_t to_split;

static void split_later(void)
{
    if (rest_count == 2)
        assert_int_equal(mm_protect(mapper, to_split, PAGES(100), PROT_EXEC), 0);
}

static void a_part_that_is_split_off_is_swept(void **state)
{
    static const struct region_ops pager = WORLD_FILE(page_in);
    struct map_request q = {
        .len = PAGES(600), .prot = PROT_READ, .max_prot = ALL, .place = MAP_ANYWHERE};
    vaddr_t other;

    mapper = world_program(0);
    q.region = cut = region_create_demand(600, &pager, NULL);
    assert_int_equal(mm_map(mapper, &q, &to_split), 0);
    assert_int_equal(mm_map(mapper, &q, &other), 0);
    for (size_t i = 0; i < 600; i++)
        assert_int_equal(
            world_peek(mapper, to_split + PAGES(i)) + world_peek(mapper, other + PAGES(i)), 0);
    rest_begin(0);
    rest_play = split_later;
    region_empty(cut);
    rest_play = NULL;
    assert_int_equal(vma_find(mapper, to_split)->end, to_split + PAGES(100));
    world_check();
    region_put(cut);
    world_exit(mapper);
}

/* A file whose pages nobody has touched is emptied with a rest after each batch of them, too. */
static void emptying_looks_at_few_pages_at_a_time(void **state)
{
    static const struct region_ops pager = WORLD_FILE(page_in);
    struct region *r = region_create_demand(40 * PAGE_BATCH, &pager, NULL);

    rest_begin(0);
    region_empty(r);
    assert_true(rest_count >= 40);
    region_put(r);
}

/* Looking at many vmas is given up when the caller is killed, too. */
static void a_killed_caller_looks_no_further(void **state)
{
    enum {
        N = 8000
    };
    struct mm *a = world_program(0);
    vaddr_t at = map(a, 0, PAGES(N), PROT_NONE), old;

    for (vaddr_t i = 0; i < N; i += 2)
        assert_int_equal(mm_protect(a, at + PAGES(i), PAGE_SIZE, PROT_READ), 0);
    for (int call = 0; call < 4; call++) {
        struct map_request q = {
            .addr = at, .len = PAGES(N), .prot = RW, .max_prot = ALL, .place = MAP_OVER};
        int err = 0;

        rest_begin(1);
        if (call == 0)
            err = mm_map(a, &q, &old);
        else if (call == 1)
            err = mm_munmap(a, at, PAGES(N));
        else if (call == 2)
            err = mm_protect(a, at, PAGES(N), RW);
        else if (call == 3)
            err = mm_sbrk(a, -1, BRK_EAGER, &old);
        assert_int_equal(err, -EINTR);
        assert_true(rest_count <= 2); /* the second: what the call has made goes */
        rest_begin(0);
        world_check();
    }
    world_exit(a);
}

/* ---- the tree of vmas ---- */

#define SLOTS 600

static struct vma *model[SLOTS]; /* by address; NULL: nothing there */

static unsigned depth(const struct vma *v)
{
    unsigned left = v ? depth(v->left) : 0, right = v ? depth(v->right) : 0;

    return v ? 1 + (left > right ? left : right) : 0;
}

static void check_links(const struct vma *v, vaddr_t low, vaddr_t high)
{
    if (!v)
        return;
    assert_true(low <= v->start && v->end <= high);
    for (int i = 0; i < 2; i++) {
        const struct vma *child = i ? v->left : v->right;

        assert_true(!child || (child->up == v && child->priority <= v->priority));
    }
    check_links(v->left, low, v->start);
    check_links(v->right, v->end, high);
}

static struct vma *model_first_above(size_t page)
{
    for (size_t i = page; i < SLOTS; i++)
        if (model[i])
            return model[i];
    return NULL;
}

static void check_tree(struct mm *mm)
{
    struct list *pos = mm->vmas.next;
    const struct vma *last = NULL;

    assert_true(!mm->top || !mm->top->up);
    check_links(mm->top, 0, PAGES(SLOTS));
    for (size_t i = 0; i < SLOTS; i++) {
        if (!model[i] || model[i] == last)
            continue;
        assert_ptr_equal(list_entry(pos, struct vma, link), model[i]);
        last = model[i];
        pos = pos->next;
    }
    assert_ptr_equal(pos, &mm->vmas);
}

static void insert_at_random(struct mm *mm)
{
    size_t start = (size_t)rand() % SLOTS, end = start, most = start + 1 + (size_t)rand() % 5;
    struct vma *v;

    while (end < SLOTS && end < most && !model[end])
        end++;
    if (end == start)
        return;
    v = vma_create(PAGES(start), PAGES(end), VMA_MAP, PROT_NONE);
    vma_insert(mm, v);
    for (; start < end; start++)
        model[start] = v;
}

static void remove_at_random(struct mm *mm)
{
    struct vma *v = model[(size_t)rand() % SLOTS];

    if (!v)
        return;
    vma_remove(mm, v);
    for (size_t i = 0; i < SLOTS; i++)
        if (model[i] == v)
            model[i] = NULL;
    list_push_back(&mm->gone, &v->link); /* for the end of mm */
}

static void split_at_random(struct mm *mm)
{
    size_t page = (size_t)rand() % SLOTS;
    struct vma *v = model[page];

    assert_int_equal(vma_split(mm, PAGES(page)), 0);
    if (!v || v->start == PAGES(page))
        return;
    for (size_t i = page; i < SLOTS && model[i] == v; i++)
        model[i] = vma_next(mm, v);
}

/* Lets the lowest or the highest page of a vma go, as unmapping does. */
static void cut_at_random(struct mm *mm)
{
    struct vma *v = model[(size_t)rand() % SLOTS];

    if (!v || v->end - v->start == PAGE_SIZE)
        return;
    if (rand() & 1) {
        model[v->start / PAGE_SIZE] = NULL;
        vma_set_bounds(v->mm, v, v->start + PAGE_SIZE, v->end);
    } else {
        vma_set_bounds(v->mm, v, v->start, v->end - PAGE_SIZE);
        model[v->end / PAGE_SIZE] = NULL;
    }
}

/* The place that mmap would choose is the highest that the model has room at. */
static void look_for_a_gap(struct mm *mm)
{
    size_t n = 1 + (size_t)rand() % 9, floor = (size_t)rand() % SLOTS, at = SLOTS, room = 0;
    vaddr_t va;

    while (at > floor && room < n)
        room = model[--at] ? 0 : room + 1;
    mm_lock(mm);
    for (struct vma *v = vma_first_above(mm, 0); v && !mm->keeps_gaps; v = vma_next(mm, v))
        vma_refresh_gaps(mm, v);
    mm->keeps_gaps = true;
    assert_int_equal(vma_find_gap(mm, PAGES(n), PAGES(floor), PAGES(SLOTS), &va),
                     room == n ? 0 : -ENOMEM);
    mm_unlock(mm);
    if (room == n)
        assert_int_equal(va, PAGES(at));
}

static void vmas_are_found_as_in_an_array(void **state)
{
    static void (*const steps[])(struct mm *) = {insert_at_random, insert_at_random,
                                                 insert_at_random, remove_at_random,
                                                 split_at_random,  cut_at_random};
    struct mm *mm = mm_create();
    struct vma *v;

    srand(1);
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < 30000; i++) {
        size_t page = (size_t)rand() % SLOTS;

        steps[(size_t)rand() % 6](mm);
        assert_ptr_equal(vma_find(mm, PAGES(page)), model[page]);
        page = (size_t)rand() % SLOTS;
        assert_ptr_equal(vma_first_above(mm, PAGES(page)), model_first_above(page));
        if (i > 10000) /* not kept before */
            look_for_a_gap(mm);
        if (i % 50 == 0)
            check_tree(mm);
    }
    assert_true(depth(mm->top) < 60);
    while ((v = vma_last(mm))) {
        vma_remove(mm, v);
        list_push_back(&mm->gone, &v->link);
    }
    assert_null(mm->top);
    mm_release(mm);
}

/* Programs map upwards, downwards, and from both ends; the tree is shallow all the same. */
static void the_tree_is_shallow(void **state)
{
    enum {
        N = 50000
    };

    for (int way = 0; way < 3; way++) {
        struct mm *mm = mm_create();

        for (size_t i = 0; i < N; i++) {
            size_t page = way == 0 ? i : way == 1 ? N - 1 - i : i % 2 ? N - i : i;

            vma_insert(mm, vma_create(PAGES(page), PAGES(page + 1), VMA_MAP, PROT_NONE));
        }
        assert_true(depth(mm->top) < 60);
        mm_release(mm);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(lazy_memory_beyond_all_memory_is_not_lent),
        T(a_segment_beyond_all_memory_is_refused),
        T(too_large_a_promise_is_refused),
        T(pinning_tells_harts_by_the_batch),
        T(unmapping_tells_harts_by_the_batch),
        T(a_copy_is_told),
        T(loans_end_in_linear_time),
        T(a_consent_has_a_limit),
        T(a_sweep_ends_while_others_map),
        T(a_part_that_is_split_off_is_swept),
        T(a_killed_caller_looks_no_further),
        T(emptying_looks_at_few_pages_at_a_time),
        T(vmas_are_found_as_in_an_array),
        T(the_tree_is_shallow),
    };

    world_start(65536);
    return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
