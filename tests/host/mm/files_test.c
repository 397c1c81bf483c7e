/*
 * files_test.c - random operations on mapped files, loans and little memory; the audit after each.
 *
 * Where model_test.c compares contents with a model, this one only looks for what is out of order: any mixture of
 * files that shrink, private copies, loans given and revoked, forks, mappings over others and changes of rights, at
 * the edges of tables, with memory running out at any point.
 *
 *     files_test [SEED [OPERATIONS]]
 */
#include "world.h"

#include "mm/region.h"
#include "../../../mm/frames.h"
#include "../../../mm/vma.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRAMES = 6000,
    FILES = 3,
    FILE_PAGES = 300,
    PROGRAMS = 5,
    GRANTS = 4
};

static uint64_t random_state = 2;
static unsigned long operations = 3000;

static struct {
    struct region *region;
    size_t pages;
} files[FILES];
static struct mm *programs[PROGRAMS];
static struct loans loans[GRANTS];
static struct page *hog; /* frames taken away, chained */

static uint32_t pick(uint32_t n)
{
    random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
    return (uint32_t)(random_state >> 33) % n;
}

/* ---- files ---- */

static int page_in(struct region *r, size_t i)
{
    size_t f = (size_t)r->owner;
    struct page *page;

    if (i >= files[f].pages)
        return -1;
    if (region_page(r, i))
        return 0;
    page = region_take(r);
    if (!page)
        return -1;
    memset(page_addr(page), (int)f + 1, PAGE_SIZE);
    region_fill(r, i, page);
    return 0;
}

static int sync_pages(struct region *r, size_t first, size_t n)
{
    return 0;
}

static void release(struct region *r)
{
    files[(size_t)r->owner].region = NULL;
}

static const struct region_ops pager = {
    .give = region_give_brought,
    .bring = page_in,
    .write_back = sync_pages,
    .let_go = release,
};

/* => a file's region, held; NULL without memory. */
static struct region *any_file(void)
{
    size_t f = pick(FILES);

    if (files[f].region) {
        region_get(files[f].region);
    } else {
        files[f].region = region_create_demand(FILE_PAGES, &pager, (void *)f);
        files[f].pages = pick(FILE_PAGES);
    }
    return files[f].region;
}

/* ---- what to do, where ---- */

static void take_memory(size_t left)
{
    struct page *p;

    while (world_available() > left && (p = page_alloc())) {
        *(struct page **)page_addr(p) = hog;
        hog = p;
    }
}

static void give_memory(void)
{
    for (struct page *p; (p = hog); page_put(p))
        hog = *(struct page **)page_addr(p);
}

static vaddr_t any_place(void)
{
    static const vaddr_t near[] = {
        /* the end of a table, of a gigabyte, of nothing, of user space */
        0x40000000UL - 40 * PAGE_SIZE,
        (5UL << 30) - 30 * PAGE_SIZE,
        (16UL << 20) - 100 * PAGE_SIZE,
        USER_BREAK_MAX - 200 * PAGE_SIZE,
    };

    return near[pick(4)] + pick(150) * PAGE_SIZE;
}

static unsigned any_prot(void)
{
    static const uint8_t prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                    PROT_READ | PROT_EXEC};

    return prots[pick(4)];
}

static uint64_t any_length(void)
{
    return (1 + pick(pick(4) ? 20 : 160)) * PAGE_SIZE;
}

/* => an address in one of the first vmas of mm; it has some. */
static vaddr_t any_mapped(struct mm *mm)
{
    struct vma *v = vma_first_above(mm, 0), *next;

    for (uint32_t n = pick(12); n > 0 && (next = vma_next(mm, v)); n--)
        v = next;
    return v->start + pick((uint32_t)vma_pages(v)) * PAGE_SIZE;
}

static void touch(struct mm *mm)
{
    vaddr_t va = any_mapped(mm);
    uint64_t v;

    for (uint32_t n = 1 + pick(20); n > 0; n--, va += PAGE_SIZE)
        if (pick(2))
            world_read(mm, va, &v);
        else
            world_write(mm, va, pick(1000));
}

static void map(struct mm *mm, struct region *r, bool copies)
{
    struct map_request q = {.addr = any_place(),
                            .len = any_length(),
                            .prot = any_prot(),
                            .max_prot = 7,
                            .region = r,
                            .private_copy = copies,
                            .first = r ? pick(100) : 0};
    vaddr_t va;

    q.place = (enum map_place)pick(3);
    if (!r && pick(6) == 0) { /* more than there is */
        q.len = 3UL << 30;
        q.prot = PROT_NONE;
    }
    mm_map(mm, &q, &va);
}

static void map_some(struct mm *mm)
{
    struct region *r = NULL;
    uint32_t kind = pick(4);

    if (kind < 2)
        r = any_file();
    else if (kind == 2)
        r = region_create_zero(1 + pick(160));
    map(mm, r, r && kind == 1);
    region_put(r);
}

static void fork_into(struct mm *mm, uint32_t place)
{
    struct mm *child;

    if (programs[place] == mm || mm_fork(mm, &child))
        return;
    world_exit(programs[place]);
    programs[place] = child;
    world_load(child, (int)place);
}

static void lend(struct mm *from, struct mm *to)
{
    struct lend lend = LEND_FAMILY;

    if (pick(2)) {
        lend.consent = &loans[pick(GRANTS)].consent;
        lend.prot = pick(2) ? PROT_READ : lend.prot;
        lend.lasting = pick(2);
    }
    (map_shared_pages)(from, to, any_mapped(from), any_length(), lend);
}

static void unmap_loan(struct mm *mm)
{
    for (struct vma *v = vma_first_above(mm, 0); v; v = vma_next(mm, v)) {
        uint32_t pages = (uint32_t)vma_pages(v), first = pick(pages);

        if (v->kind != VMA_SHARED || pick(2))
            continue;
        unmap_shared_pages(mm, v->start + first * PAGE_SIZE, (1 + pick(pages - first)) * PAGE_SIZE);
        return;
    }
}

static void cut_or_revoke(void)
{
    size_t f = pick(FILES), g = pick(GRANTS);

    if (pick(2)) {
        loans_revoke(&loans[g]);
        loans[g] = (struct loans)LOANS_INIT(loans[g], false);
    } else if (files[f].region) {
        struct region *r = files[f].region;

        region_get(r);
        files[f].pages = 0;
        region_empty(r);
        world_check();
        files[f].pages = pick(FILE_PAGES);
        region_put(r);
    }
}

static void change_program(struct mm *mm, uint32_t place)
{
    if (pick(4)) {
        world_sbrk(mm, pick(2) ? (long)pick(40000) : -(long)pick(24000),
                   pick(2) ? BRK_EAGER : BRK_LAZY);
        return;
    }
    give_memory();
    world_exit(mm);
    programs[place] = world_program((int)place);
}

static void operate(uint32_t place)
{
    struct mm *mm = programs[place];

    switch (pick(12)) {
    case 0:
    case 1:
    case 2:
        touch(mm);
        break;
    case 3:
    case 4:
        map_some(mm);
        break;
    case 5:
        mm_munmap(mm, any_place(), pick(5) ? any_length() : 2UL << 30);
        break;
    case 6:
        mm_protect(mm, any_place(), any_length(), any_prot());
        break;
    case 7:
        fork_into(mm, pick(PROGRAMS));
        break;
    case 8:
        lend(mm, programs[pick(PROGRAMS)]);
        break;
    case 9:
        unmap_loan(mm);
        break;
    case 10:
        cut_or_revoke();
        break;
    case 11:
        change_program(mm, place);
        break;
    }
}

static void random_operations(void **state)
{
    size_t before = world_available();

    for (uint32_t i = 0; i < PROGRAMS; i++)
        programs[i] = world_program((int)i);
    for (unsigned long n = 0; n < operations; n++) {
        if (pick(3) == 0)
            take_memory(pick(pick(2) ? 6 : 150));
        operate(pick(PROGRAMS));
        world_check();
        assert_int_equal(world_stale(), 0);
        give_memory();
    }
    for (uint32_t i = 0; i < PROGRAMS; i++)
        world_exit(programs[i]);
    world_check();
    assert_int_equal(world_available(), before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations)};

    if (argc > 1)
        random_state = strtoul(argv[1], NULL, 0);
    if (argc > 2)
        operations = strtoul(argv[2], NULL, 0);
    world_start(FRAMES);
    for (unsigned i = 0; i < GRANTS; i++)
        loans[i] = (struct loans)LOANS_INIT(loans[i], false);
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
