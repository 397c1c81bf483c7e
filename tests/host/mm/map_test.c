/*
 * map_test.c - mmap, munmap, mprotect, ids and grants, on the code of mm/ alone.
 */
#include "world.h"

#include "lib/errno.h"
#include "../../../mm/frames.h"
#include "../../../mm/pgtable.h"
#include "../../../mm/vma.h"

#include <string.h>

#define HEAP 0x4000UL
#define RW   (PROT_READ | PROT_WRITE)
#define ALL  (PROT_READ | PROT_WRITE | PROT_EXEC)

static size_t count_vmas(struct mm *mm)
{
    size_t n = 0;
    struct list *pos;

    list_for_each(pos, &mm->vmas)
        n++;
    return n;
}

static vaddr_t map(struct mm *mm, vaddr_t addr, uint64_t len, unsigned prot, enum map_place place)
{
    struct map_request q = {
        .addr = addr, .len = len, .prot = prot, .max_prot = ALL, .place = place};
    vaddr_t va;

    return mm_map(mm, &q, &va) ? 0 : va;
}

/* ---- a file made of one buffer ---- */

#define FILE_PAGES 4

static uint8_t file[FILE_PAGES * PAGE_SIZE];
static size_t file_pages, pages_in, synced, released;

static int page_in(struct region *r, size_t i)
{
    struct page *page;

    if (i >= file_pages)
        return -EFAULT;
    if (region_page(r, i))
        return 0;
    page = region_take(r);
    memcpy(page_addr(page), file + i * PAGE_SIZE, PAGE_SIZE);
    region_fill(r, i, page);
    pages_in++;
    return 0;
}

static int sync_pages(struct region *r, size_t first, size_t n)
{
    for (size_t i = first; i < first + n && i < r->npages; i++)
        if (region_page(r, i) && region_dirty(r, i)) {
            memcpy(file + i * PAGE_SIZE, page_addr(region_page(r, i)), PAGE_SIZE);
            synced++;
        }
    return 0;
}

static void release(struct region *r)
{
    released++;
}

static const struct region_ops pager = {
    .give = region_give_brought,
    .bring = page_in,
    .write_back = sync_pages,
    .let_go = release,
};

static struct region *open_file(void)
{
    file_pages = FILE_PAGES;
    pages_in = synced = released = 0;
    for (size_t i = 0; i < sizeof(file); i++)
        file[i] = (uint8_t)(i / PAGE_SIZE + 1);
    return region_create_demand(FILE_PAGES, &pager, NULL);
}

enum sharing {
    SHARE,
    COPY
};

static vaddr_t map_file(struct mm *mm, struct region *r, unsigned prot, unsigned max,
                        enum sharing how)
{
    struct map_request q = {.len = FILE_PAGES * PAGE_SIZE,
                            .prot = prot,
                            .max_prot = max,
                            .region = r,
                            .private_copy = how == COPY};
    vaddr_t va;

    return mm_map(mm, &q, &va) ? 0 : va;
}

/* ---- anonymous ---- */

static void two_argument_form(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = 0x10000000;

    assert_int_equal(map(a, at, 2 * PAGE_SIZE, RW, MAP_HERE), at);
    assert_int_equal(world_peek(a, at), 0);
    assert_true(world_write(a, at + PAGE_SIZE, 5));
    assert_int_equal(map(a, at + PAGE_SIZE, PAGE_SIZE, RW, MAP_HERE), 0); /* taken */
    assert_int_equal(map(a, 0x1000, PAGE_SIZE, RW, MAP_HERE), 0);
    assert_int_equal(map(a, HEAP - PAGE_SIZE, PAGE_SIZE, RW, MAP_HERE), 0);
    assert_int_equal(map(a, USER_BREAK_MAX, PAGE_SIZE, RW, MAP_HERE), 0);
    assert_int_equal(map(a, at + 1, PAGE_SIZE, RW, MAP_HERE), 0);
    assert_int_equal(map(a, at, 0, RW, MAP_HERE), 0);
    assert_int_equal(map(a, at, ~0UL, RW, MAP_HERE), 0);
    assert_int_equal(mm_size(a), HEAP);
    assert_int_equal(mm_munmap(a, at, 2 * PAGE_SIZE), 0);
    assert_false(world_write(a, at, 1));
    assert_int_equal(mm_munmap(a, 0x1000, PAGE_SIZE), -EINVAL); /* not mmap's to take */
    world_exit(a);
}

/* More pages than one step unmaps: what lies above them stays, with its pages. */
static void the_lower_part_goes(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = map(a, 0x10000000, 1000 * PAGE_SIZE, RW, MAP_HERE);

    for (size_t i = 0; i < 1000; i++)
        assert_true(world_write(a, at + i * PAGE_SIZE, i));
    assert_int_equal(mm_munmap(a, at, 600 * PAGE_SIZE), 0);
    world_check();
    assert_false(world_read(a, at + 599 * PAGE_SIZE, &(uint64_t){0}));
    for (size_t i = 600; i < 1000; i++)
        assert_int_equal(world_peek(a, at + i * PAGE_SIZE), i);
    world_exit(a);
}

static void the_kernel_chooses(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t one = map(a, 0, PAGE_SIZE, RW, MAP_ANYWHERE), two = map(a, 0, 10, RW, MAP_ANYWHERE);

    assert_int_equal(one, USER_BREAK_MAX - PAGE_SIZE);
    assert_int_equal(two, one - PAGE_SIZE);
    assert_int_equal(count_vmas(a), 5); /* neighbours that are equal are one */
    assert_int_equal(mm_munmap(a, one, PAGE_SIZE), 0);
    assert_int_equal(map(a, 0, PAGE_SIZE, RW, MAP_ANYWHERE), one);
    world_exit(a);
}

static void heap_and_mappings_meet_with_an_error(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = HEAP + 4 * PAGE_SIZE;

    assert_int_equal(map(a, at, PAGE_SIZE, RW, MAP_HERE), at);
    assert_int_not_equal(world_sbrk(a, 4 * PAGE_SIZE, BRK_EAGER), SBRK_FAILED);
    assert_int_equal(world_sbrk(a, 1, BRK_EAGER), SBRK_FAILED);
    assert_int_equal(world_sbrk(a, 1, BRK_LAZY), SBRK_FAILED);
    assert_int_equal(map_shared_pages(a, a, 0x1000, 1), 0);
    assert_int_equal(mm_size(a), at);
    world_exit(a);
}

static void cuts_split_and_neighbours_merge(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = map(a, 0, 5 * PAGE_SIZE, RW, MAP_ANYWHERE);
    size_t whole = count_vmas(a);

    for (int i = 0; i < 5; i++)
        assert_true(world_write(a, at + i * PAGE_SIZE, 10 + i));
    assert_int_equal(mm_munmap(a, at + 2 * PAGE_SIZE, PAGE_SIZE), 0);
    assert_int_equal(count_vmas(a), whole + 1);
    assert_int_equal(world_peek(a, at + PAGE_SIZE), 11);
    assert_int_equal(world_peek(a, at + 3 * PAGE_SIZE), 13);
    assert_int_equal(map(a, at + 2 * PAGE_SIZE, PAGE_SIZE, RW, MAP_HERE), at + 2 * PAGE_SIZE);
    assert_int_equal(count_vmas(a), whole);
    assert_int_equal(world_peek(a, at + 2 * PAGE_SIZE), 0);
    assert_int_equal(mm_munmap(a, at, 5 * PAGE_SIZE), 0);
    assert_int_equal(mm_munmap(a, at, 5 * PAGE_SIZE), 0); /* nothing there is no error */
    world_exit(a);
}

static void mapping_over_replaces(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = map(a, 0, 3 * PAGE_SIZE, RW, MAP_ANYWHERE);

    assert_true(world_write(a, at + PAGE_SIZE, 9));
    assert_int_equal(map(a, at + PAGE_SIZE, PAGE_SIZE, PROT_READ, MAP_OVER), at + PAGE_SIZE);
    assert_int_equal(world_peek(a, at + PAGE_SIZE), 0);
    assert_false(world_write(a, at + PAGE_SIZE, 1));
    assert_int_equal(map(a, 0x1000, PAGE_SIZE, RW, MAP_OVER), 0);
    world_exit(a);
}

static void protection_changes(void **state)
{
    struct mm *a = world_program(0), *child;
    vaddr_t at = map(a, 0, 3 * PAGE_SIZE, RW, MAP_ANYWHERE), mid = at + PAGE_SIZE;
    size_t whole = count_vmas(a);

    assert_true(world_write(a, mid, 7));
    assert_int_equal(mm_protect(a, mid, PAGE_SIZE, PROT_READ), 0);
    assert_int_equal(count_vmas(a), whole + 2);
    assert_int_equal(world_peek(a, mid), 7);
    assert_false(world_write(a, mid, 8));
    assert_int_equal(mm_protect(a, mid, PAGE_SIZE, PROT_NONE), 0);
    assert_false(world_write(a, mid, 8));
    uint64_t v;
    assert_false(world_read(a, mid, &v));
    assert_int_equal(mm_fork(a, &child), 0);
    world_load(child, 1);
    assert_int_equal(mm_protect(a, mid, PAGE_SIZE, RW), 0);
    assert_int_equal(count_vmas(a), whole);
    assert_true(world_write(a, mid, 9));
    assert_int_equal(mm_protect(child, mid, PAGE_SIZE, RW), 0);
    assert_int_equal(world_peek(child, mid), 7); /* fork's copy, whatever it could do with it */
    assert_int_equal(mm_protect(a, at, 4 * PAGE_SIZE, PROT_READ), -ENOMEM); /* past the end of it */
    assert_int_equal(mm_protect(a, 0x1000, PAGE_SIZE, PROT_READ), -EINVAL);
    assert_int_equal(mm_protect(a, at - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ), -ENOMEM);
    world_exit(child);
    world_exit(a);
}

/* No entry is there yet, and what is writable no more cannot be pinned as it is. */
static void an_untouched_page_made_read_only_is_lent(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    vaddr_t in_a = map(a, 0, PAGE_SIZE, RW, MAP_ANYWHERE), in_b;

    assert_int_equal(mm_protect(a, in_a, PAGE_SIZE, PROT_READ), 0);
    in_b = map_shared_pages(a, b, in_a, PAGE_SIZE);
    assert_int_not_equal(in_b, 0);
    assert_int_equal(world_peek(b, in_b), 0);
    assert_int_equal(mm_protect(a, in_a, PAGE_SIZE, RW), 0);
    assert_true(world_write(a, in_a, 3));
    assert_int_equal(world_peek(b, in_b), 3);
    world_exit(a);
    world_exit(b);
}

static void what_becomes_writable_is_promised(void **state)
{
    struct mm *a = world_program(0);
    vaddr_t at = map(a, 0, 100 * PAGE_SIZE, PROT_NONE, MAP_ANYWHERE);
    size_t before = world_available();

    assert_int_equal(mm_protect(a, at, 100 * PAGE_SIZE, PROT_READ), 0);
    assert_int_equal(world_peek(a, at + 5 * PAGE_SIZE), 0);
    assert_int_equal(mm_protect(a, at, 100 * PAGE_SIZE, RW), 0);
    assert_true(world_available() <= before - 100);
    world_check();
    assert_true(world_write(a, at + 5 * PAGE_SIZE, 1));
    assert_int_equal(mm_munmap(a, at, 100 * PAGE_SIZE), 0);
    world_exit(a);
}

static void shared_anonymous_memory_is_one(void **state)
{
    struct mm *a = world_program(0), *child;
    struct region *r = region_create_zero(3);
    struct map_request q = {.len = 3 * PAGE_SIZE, .prot = RW, .max_prot = ALL, .region = r};
    vaddr_t at;

    assert_int_equal(mm_map(a, &q, &at), 0);
    region_put(r);
    world_check();
    assert_int_equal(mm_fork(a, &child), 0);
    world_load(child, 1);
    assert_true(world_write(child, at + PAGE_SIZE, 21));
    assert_int_equal(world_peek(a, at + PAGE_SIZE), 21);
    assert_true(world_write(a, at, 22));
    assert_int_equal(world_peek(child, at), 22);
    world_exit(a);
    assert_int_equal(world_peek(child, at), 22);
    world_exit(child);
}

/* ---- files ---- */

static void shared_file_pages_are_written_back(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    struct region *r = open_file();
    vaddr_t in_a = map_file(a, r, RW, RW, SHARE),
            in_b = map_file(b, r, PROT_READ, PROT_READ, SHARE);

    region_put(r);
    assert_int_equal(world_peek(a, in_a + 2 * PAGE_SIZE), 0x0303030303030303);
    assert_int_equal(pages_in, 1);
    assert_true(world_write(a, in_a + 2 * PAGE_SIZE, 77));
    assert_int_equal(world_peek(b, in_b + 2 * PAGE_SIZE), 77);
    assert_false(world_write(b, in_b, 1));
    assert_int_equal(mm_protect(b, in_b, PAGE_SIZE, RW), -EACCES);
    assert_int_equal(mm_sync(a, in_a, FILE_PAGES * PAGE_SIZE), 0);
    assert_int_equal(file[2 * PAGE_SIZE], 77);
    assert_int_equal(synced, 1); /* the page that was stored to, no other */
    assert_true(world_write(a, in_a + 2 * PAGE_SIZE, 78));
    assert_true(world_write(a, in_a + 3 * PAGE_SIZE, 79));
    assert_int_equal(mm_munmap(a, in_a + 2 * PAGE_SIZE, PAGE_SIZE), 0);
    assert_int_equal(file[2 * PAGE_SIZE], 78);
    world_exit(a);
    assert_int_equal(file[3 * PAGE_SIZE], 79); /* at exit */
    assert_int_equal(released, 0);
    world_exit(b);
    assert_int_equal(released, 1);
}

static void private_file_pages_are_copied(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1), *child;
    struct region *r = open_file();
    vaddr_t in_a = map_file(a, r, RW, ALL, COPY), in_b = map_file(b, r, RW, RW, SHARE);

    region_put(r);
    assert_int_equal(world_peek(a, in_a), 0x0101010101010101);
    assert_true(world_write(b, in_b + 8, 5));
    assert_int_equal(world_peek(a, in_a + 8), 5); /* not stored to by a yet: the file's */
    assert_true(world_write(a, in_a, 6));
    assert_int_equal(world_peek(b, in_b), 0x0101010101010101);
    world_check();
    assert_int_equal(mm_fork(a, &child), 0);
    world_load(child, 2);
    assert_true(world_write(child, in_a, 7));
    assert_true(world_write(child, in_a + PAGE_SIZE, 8));
    assert_int_equal(world_peek(a, in_a), 6);
    assert_int_equal(world_peek(a, in_a + PAGE_SIZE), 0x0202020202020202);
    world_check();
    world_exit(a);
    world_exit(child);
    world_exit(b);
    assert_int_equal(file[0], 1);
}

static void a_private_file_page_can_be_lent(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    struct region *r = open_file();
    vaddr_t in_a = map_file(a, r, RW, ALL, COPY), at;

    region_put(r);
    assert_int_equal(world_peek(a, in_a), 0x0101010101010101);
    at = map_shared_pages(a, b, in_a, PAGE_SIZE);
    assert_int_not_equal(at, 0);
    assert_true(world_write(b, at, 4));
    assert_int_equal(world_peek(a, in_a), 4);
    assert_int_equal(file[0], 1);
    world_exit(a);
    assert_int_equal(world_peek(b, at), 4);
    world_exit(b);
}

static void a_shorter_file_faults_its_toucher(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    struct region *r = open_file();
    vaddr_t in_a = map_file(a, r, RW, RW, SHARE), in_b = map_file(b, r, RW, RW, SHARE);
    uint64_t v;

    assert_true(world_write(a, in_a, 1));
    assert_true(world_write(b, in_b + PAGE_SIZE, 1));
    assert_int_equal(world_peek(b, in_b), 1);
    file_pages = 0;
    region_empty(r);
    world_check();
    assert_int_equal(world_stale(), 0);
    assert_false(world_read(a, in_a, &v));
    assert_false(world_read(b, in_b, &v));
    file_pages = FILE_PAGES; /* it grows again: new pages */
    assert_int_equal(world_peek(a, in_a), 0x0101010101010101);
    region_put(r);
    world_exit(a);
    world_exit(b);
}

/* ---- ids ---- */

static void an_id_is_one_page_for_all(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1);
    struct region *r = region_create_zero(1);
    vaddr_t in_a, in_b;

    assert_int_equal(mm_attach(a, r, RW, &in_a), 0);
    assert_int_equal(mm_attach(b, r, RW, &in_b), 0);
    assert_int_equal(mm_size(a), HEAP + PAGE_SIZE);
    assert_true(world_write(a, in_a, 5));
    assert_int_equal(world_peek(b, in_b), 5);
    assert_int_equal(unmap_shared_pages(a, in_a, 1), (uint64_t)-1); /* closed, not unmapped */
    assert_int_equal(mm_detach(a, r, in_a + PAGE_SIZE), -EINVAL);
    assert_int_equal(mm_detach(a, r, in_a), 0);
    assert_int_equal(mm_size(a), HEAP);
    region_put(r);
    assert_int_equal(world_peek(b, in_b), 5);
    world_exit(a);
    world_exit(b);
}

/* ---- grants ---- */

static void a_grant_gives_no_more_and_can_be_taken_back(void **state)
{
    struct mm *a = world_program(0), *b = world_program(1), *c = world_program(2), *child;
    struct loans first = LOANS_INIT(first, false), second = LOANS_INIT(second, false);
    struct lend lend = {.prot = PROT_READ, .consent = &first.consent},
                on = {.prot = RW, .consent = &second.consent};
    vaddr_t in_b, in_c, own;
    uint64_t v;

    assert_true(world_write(a, 0x1000, 3));
    in_b = (map_shared_pages)(a, b, 0x1000, 8, lend);
    assert_int_equal(world_peek(b, in_b), 3);
    assert_false(world_write(b, in_b, 4));
    in_c = (map_shared_pages)(b, c, in_b, 8, on); /* lent on to a third family */
    assert_int_equal(world_peek(c, in_c), 3);
    assert_false(world_write(c, in_c, 4));
    on.lasting = true; /* a service must not lose what it was given */
    assert_int_equal((map_shared_pages)(b, c, in_b, 8, on), 0);
    own = map_shared_pages(a, a, 0x1000, 8);
    assert_int_equal(mm_fork(b, &child), 0);
    world_load(child, 3);
    assert_int_equal(world_peek(child, in_b), 3);
    loans_revoke(&first);
    world_check();
    assert_int_equal(world_stale(), 0);
    assert_false(world_read(b, in_b, &v));
    assert_false(world_read(c, in_c, &v));
    assert_false(world_read(child, in_b, &v));
    assert_int_equal(world_peek(a, own), 3);
    assert_int_equal(map_shared_pages(b, b, in_b, 8), 0);
    assert_int_equal(unmap_shared_pages(b, in_b, 8), 0); /* it is still there to be unmapped */
    assert_int_equal(mm_size(b), HEAP);
    world_exit(child);
    world_exit(a);
    world_exit(b);
    world_exit(c);
}

/* Harts that fetched from memory before code came there must fetch again. */
static void code_is_fetched_anew(void **state)
{
    struct mm *a = world_program(0), *b = world_program(0);
    vaddr_t data = map(a, 0, PAGE_SIZE, RW, MAP_ANYWHERE),
            code = map(a, 0, PAGE_SIZE, ALL, MAP_ANYWHERE);

    world_load(a, 0);
    world_load(b, 2);
    world_load(a, 0);
    port_tlb_reset();
    assert_true(world_write(a, data, 1));
    assert_int_equal(port_tlb.icache_syncs, 0);
    assert_true(world_write(a, code, 1)); /* a page that may be executed comes */
    assert_int_equal(port_tlb.icache_syncs, 1);
    assert_true(port_tlb.icache_mask & 1);
    assert_int_equal(mm_protect(a, data, PAGE_SIZE, PROT_READ), 0);
    assert_int_equal(port_tlb.icache_syncs, 1);
    assert_int_equal(mm_protect(a, data, PAGE_SIZE, PROT_READ | PROT_EXEC), 0);
    assert_int_equal(port_tlb.icache_syncs, 2);
    assert_true(port_tlb.icache_mask & 1);
    assert_int_not_equal(map_shared_pages(a, b, data, PAGE_SIZE), 0);
    assert_int_equal(port_tlb.icache_syncs, 3);
    assert_true(port_tlb.icache_mask & 4); /* where the borrower runs */
    world_exit(a);
    world_exit(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(two_argument_form),
        T(the_lower_part_goes),
        T(the_kernel_chooses),
        T(heap_and_mappings_meet_with_an_error),
        T(cuts_split_and_neighbours_merge),
        T(mapping_over_replaces),
        T(protection_changes),
        T(an_untouched_page_made_read_only_is_lent),
        T(what_becomes_writable_is_promised),
        T(shared_anonymous_memory_is_one),
        T(shared_file_pages_are_written_back),
        T(private_file_pages_are_copied),
        T(a_private_file_page_can_be_lent),
        T(a_shorter_file_faults_its_toucher),
        T(an_id_is_one_page_for_all),
        T(a_grant_gives_no_more_and_can_be_taken_back),
        T(code_is_fetched_anew),
    };

    world_start(8192);
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
