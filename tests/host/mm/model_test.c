/*
 * model_test.c - long random sequences of every operation, against a small reference model.
 *
 * The model knows, for each program and page, which cell of memory it must see and what
 * value is in it. After each operation the machine-wide audit runs, no TLB may hold what
 * the tables no longer grant, and now and then every page of every program is compared.
 *     model_test [seed [operations]]
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAMS 6
#define PAGES    96 /* a program's pages, from address 0 */
#define MAPS     32 /* and its pages from MAP_BASE on, where only mmap is used */
#define MAP_BASE 0x10000000UL
#define GRANTS   6
#define CELLS    200000

enum page_state {
    HOLE,
    GUARD,
    PRIVATE,
    READ_ONLY,
    SHARED,
    SHARED_READ_ONLY,
    REVOKED
};

struct mapped {
    bool there, shared, promised;
    uint8_t prot;
    uint32_t cell;
};

struct program {
    struct mm *mm;
    uint8_t state[PAGES];
    uint32_t cell[PAGES];
    uint8_t grants[PAGES]; /* by which a shared page came: bit = slot of loans */
    struct mapped maps[MAPS];
};

static struct program programs[PROGRAMS];
static uint64_t cells[CELLS];
static uint32_t ncells;
static uint64_t rng = 1;
static unsigned done[32];
static struct loans loans[GRANTS];

static uint32_t pick(uint32_t n)
{
    rng = rng * 6364136223846793005UL + 1442695040888963407UL;
    return (uint32_t)(rng >> 33) % n;
}

static uint32_t new_cell(uint64_t value)
{
    assert_true(ncells < CELLS);
    cells[ncells] = value;
    return ncells++;
}

static bool readable(uint8_t s)
{
    return s != HOLE && s != GUARD && s != REVOKED;
}

static bool writable(uint8_t s)
{
    return s == PRIVATE || s == SHARED;
}

static void start(struct program *p)
{
    p->mm = world_program((int)(p - programs));
    assert_non_null(p->mm);
    memset(p->state, HOLE, sizeof(p->state));
    memset(p->maps, 0, sizeof(p->maps));
    p->state[0] = READ_ONLY;
    p->state[1] = p->state[3] = PRIVATE;
    p->state[2] = GUARD;
    p->cell[0] = new_cell(0);
    p->cell[1] = new_cell(0);
    p->cell[3] = new_cell(0);
}

static void check_page(struct program *p, uint32_t i)
{
    uint64_t value;
    bool ok = world_read(p->mm, i * PAGE_SIZE + 8, &value);

    if (ok != readable(p->state[i]))
        fail_msg("page %u of program %d: readable %d, model says %d", i, (int)(p - programs), ok,
                 p->state[i]);
    if (ok)
        assert_int_equal(value, cells[p->cell[i]]);
}

static void op_touch(struct program *p)
{
    uint32_t i = pick(PAGES);
    uint64_t value = pick(1u << 30);

    check_page(p, i);
    if (world_write(p->mm, i * PAGE_SIZE + 8, value)) {
        assert_true(writable(p->state[i]));
        cells[p->cell[i]] = value;
    } else {
        assert_false(writable(p->state[i]));
    }
}

/* Sets pages [from, to) of the model to fresh zero memory. */
static void fresh(struct program *p, vaddr_t from, vaddr_t to)
{
    for (vaddr_t va = page_down(from); va < to; va += PAGE_SIZE)
        if (p->state[va / PAGE_SIZE] == HOLE) {
            p->state[va / PAGE_SIZE] = PRIVATE;
            p->cell[va / PAGE_SIZE] = new_cell(0);
        }
}

static void op_grow(struct program *p)
{
    vaddr_t size = mm_size(p->mm);
    long n = pick(2) ? pick(5 * PAGE_SIZE) : pick(3) * (long)PAGE_SIZE;

    if (size + (vaddr_t)n > (PAGES - 30) * PAGE_SIZE)
        return;
    assert_int_equal(world_sbrk(p->mm, n, pick(2) ? BRK_EAGER : BRK_LAZY), size);
    if (n)
        fresh(p, size, size + (vaddr_t)n);
}

static void op_shrink(struct program *p)
{
    vaddr_t size = mm_size(p->mm);
    long n = pick(4 * PAGE_SIZE);
    bool in_the_way = false;

    if (size < 4 * PAGE_SIZE + (vaddr_t)n)
        return;
    for (vaddr_t va = page_down(size - (vaddr_t)n); va < page_up(size); va += PAGE_SIZE)
        in_the_way |= p->state[va / PAGE_SIZE] >= SHARED;
    if ((size - (vaddr_t)n) % PAGE_SIZE == 0 && n == 0)
        in_the_way = false;
    if (world_sbrk(p->mm, -n, BRK_EAGER) == SBRK_FAILED) {
        assert_true(in_the_way);
        return;
    }
    assert_false(in_the_way && n > 0);
    for (vaddr_t va = page_up(size - (vaddr_t)n); va < page_up(size); va += PAGE_SIZE)
        p->state[va / PAGE_SIZE] = HOLE;
}

static void op_exit(struct program *p)
{
    world_exit(p->mm);
    start(p);
}

static void op_fork(struct program *p)
{
    struct program *child = &programs[pick(PROGRAMS)];

    if (child == p)
        return;
    world_exit(child->mm);
    assert_int_equal(mm_fork(p->mm, &child->mm), 0);
    assert_int_equal(mm_size(child->mm), mm_size(p->mm));
    world_load(child->mm, (int)(child - programs));
    for (uint32_t i = 0; i < PAGES; i++) {
        child->state[i] = p->state[i];
        child->grants[i] = p->grants[i];
        child->cell[i] = p->state[i] >= SHARED   ? p->cell[i]
                         : readable(p->state[i]) ? new_cell(cells[p->cell[i]])
                                                 : 0;
    }
    for (uint32_t i = 0; i < MAPS; i++) {
        child->maps[i] = p->maps[i];
        if (p->maps[i].there && !p->maps[i].shared)
            child->maps[i].cell = new_cell(cells[p->maps[i].cell]);
    }
}

/* Lends pages to anyone, by one of the grants or, with GRANTS, as within a family. */
static void share(struct program *src, unsigned slot)
{
    struct program *dst = &programs[pick(PROGRAMS)];
    struct lend lend = LEND_FAMILY;
    uint32_t first = pick(PAGES), n = 1 + pick(6), at;
    vaddr_t va = first * PAGE_SIZE + pick(PAGE_SIZE), got;
    uint64_t size = (first + n) * PAGE_SIZE - va;
    bool ok = first + n <= PAGES;
    vaddr_t before = mm_size(dst->mm);
    struct program source = *src; /* an alias changes it on the way */

    if (slot < GRANTS)
        lend = (struct lend){.prot = pick(2) ? PROT_READ : PROT_READ | PROT_WRITE,
                             .consent = &loans[slot].consent};
    for (uint32_t i = first; ok && i < first + n; i++)
        ok = readable(src->state[i]);
    at = (uint32_t)(page_up(before) / PAGE_SIZE);
    if (at + n > PAGES)
        return;
    got = (map_shared_pages)(src->mm, dst->mm, va, size, lend);
    assert_int_equal(got, ok ? at * PAGE_SIZE + va % PAGE_SIZE : 0);
    assert_int_equal(mm_size(dst->mm), ok ? (at + n) * PAGE_SIZE : before);
    for (uint32_t i = 0; ok && i < n; i++) {
        bool shared = source.state[first + i] >= SHARED;

        dst->state[at + i] = writable(source.state[first + i]) && (lend.prot & PROT_WRITE)
                                 ? SHARED
                                 : SHARED_READ_ONLY;
        dst->cell[at + i] = source.cell[first + i];
        dst->grants[at + i] =
            (uint8_t)((shared ? source.grants[first + i] : 0) | (slot < GRANTS ? 1u << slot : 0));
    }
}

static void op_share(struct program *src)
{
    share(src, GRANTS);
}

static void op_grant(struct program *src)
{
    share(src, pick(GRANTS));
}

static void op_revoke(struct program *ignored)
{
    unsigned slot = pick(GRANTS);

    loans_revoke(&loans[slot]);
    loans[slot] = (struct loans)LOANS_INIT(loans[slot], false);
    for (struct program *p = programs; p < programs + PROGRAMS; p++)
        for (uint32_t i = 0; i < PAGES; i++)
            if (p->state[i] >= SHARED && (p->grants[i] >> slot & 1))
                p->state[i] = REVOKED;
}

/* ---- mmap ---- */

static void check_map(struct program *p, uint32_t i)
{
    struct mapped *m = &p->maps[i];
    uint64_t value;
    bool ok = world_read(p->mm, MAP_BASE + i * PAGE_SIZE + 8, &value);

    assert_int_equal(ok, m->there && m->prot);
    if (ok)
        assert_int_equal(value, cells[m->cell]);
}

static void op_touch_map(struct program *p)
{
    uint32_t i = pick(MAPS);
    struct mapped *m = &p->maps[i];
    uint64_t value = pick(1u << 30);
    bool ok;

    check_map(p, i);
    ok = world_write(p->mm, MAP_BASE + i * PAGE_SIZE + 8, value);
    assert_int_equal(ok, m->there && (m->prot & PROT_WRITE));
    if (ok)
        cells[m->cell] = value;
}

static unsigned pick_prot(void)
{
    static const unsigned prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                     PROT_READ | PROT_WRITE};

    return prots[pick(4)];
}

static void pick_range(uint32_t *first, uint32_t *n)
{
    *first = pick(MAPS);
    *n = 1 + pick(MAPS - *first < 8 ? MAPS - *first : 8);
}

static void op_map(struct program *p)
{
    struct map_request q = {
        .prot = pick_prot(), .max_prot = 7, .place = pick(2) ? MAP_HERE : MAP_OVER};
    uint32_t first, n;
    bool ok = true, shared = pick(2);
    vaddr_t va;

    pick_range(&first, &n);
    q.addr = MAP_BASE + first * PAGE_SIZE;
    q.len = n * PAGE_SIZE;
    if (shared)
        q.region = region_create_zero(n);
    for (uint32_t i = first; q.place == MAP_HERE && i < first + n; i++)
        ok &= !p->maps[i].there;
    assert_int_equal(mm_map(p->mm, &q, &va) == 0, ok);
    if (shared)
        region_put(q.region);
    for (uint32_t i = first; ok && i < first + n; i++)
        p->maps[i] = (struct mapped){true, shared, !shared && (q.prot & PROT_WRITE),
                                     (uint8_t)q.prot, new_cell(0)};
}

static void op_munmap(struct program *p)
{
    uint32_t first, n;

    pick_range(&first, &n);
    assert_int_equal(mm_munmap(p->mm, MAP_BASE + first * PAGE_SIZE, n * PAGE_SIZE), 0);
    memset(p->maps + first, 0, n * sizeof(p->maps[0]));
}

static void op_protect(struct program *p)
{
    unsigned prot = pick_prot();
    uint32_t first, n;
    bool ok = true;

    pick_range(&first, &n);
    for (uint32_t i = first; i < first + n; i++)
        ok &= p->maps[i].there;
    assert_int_equal(mm_protect(p->mm, MAP_BASE + first * PAGE_SIZE, n * PAGE_SIZE, prot) == 0, ok);
    for (uint32_t i = first; ok && i < first + n; i++) {
        p->maps[i].prot = (uint8_t)prot;
        p->maps[i].promised |= !p->maps[i].shared && (prot & PROT_WRITE);
    }
}

/* Lends what mmap has mapped, but for memory that was never writable (docs/sharing.md). */
static void op_share_map(struct program *src)
{
    struct program *dst = &programs[pick(PROGRAMS)];
    uint32_t first, n, at = (uint32_t)(page_up(mm_size(dst->mm)) / PAGE_SIZE);
    unsigned slot = pick(GRANTS + 2);
    struct lend lend = LEND_FAMILY;
    bool ok = true;

    pick_range(&first, &n);
    if (at + n > PAGES)
        return;
    for (uint32_t i = first; i < first + n; i++) {
        if (src->maps[i].there && !src->maps[i].shared && !src->maps[i].promised)
            return;
        ok &= src->maps[i].there && src->maps[i].prot;
    }
    if (slot < GRANTS)
        lend.consent = &loans[slot].consent;
    assert_int_equal(
        (map_shared_pages)(src->mm, dst->mm, MAP_BASE + first * PAGE_SIZE, n * PAGE_SIZE, lend),
        ok ? at * PAGE_SIZE : 0);
    for (uint32_t i = 0; ok && i < n; i++) {
        dst->state[at + i] = src->maps[first + i].prot & PROT_WRITE ? SHARED : SHARED_READ_ONLY;
        dst->cell[at + i] = src->maps[first + i].cell;
        dst->grants[at + i] = (uint8_t)(slot < GRANTS ? 1u << slot : 0);
    }
}

static void op_unshare(struct program *p)
{
    uint32_t first = pick(PAGES), n = 1 + pick(6);
    bool ok = first + n <= PAGES;
    vaddr_t size = mm_size(p->mm);

    while (first < PAGES - 1 && p->state[first] < SHARED && pick(8))
        first++;
    ok = first + n <= PAGES;
    for (uint32_t i = first; ok && i < first + n; i++)
        ok = p->state[i] >= SHARED;
    assert_int_equal(unmap_shared_pages(p->mm, first * PAGE_SIZE, n * PAGE_SIZE),
                     ok ? 0 : (uint64_t)-1);
    if (!ok)
        assert_int_equal(mm_size(p->mm), size);
    for (uint32_t i = first; ok && i < first + n; i++)
        p->state[i] = HOLE;
    /* What is mapped lies below the size, and the size goes up by no unmap. */
    assert_true(mm_size(p->mm) <= size);
    for (uint32_t i = (uint32_t)(page_up(mm_size(p->mm)) / PAGE_SIZE); i < PAGES; i++)
        assert_int_equal(p->state[i], HOLE);
}

static void check_all(void)
{
    for (struct program *p = programs; p < programs + PROGRAMS; p++)
        for (uint32_t i = 0; i < PAGES; i++)
            check_page(p, i);
    for (struct program *p = programs; p < programs + PROGRAMS; p++)
        for (uint32_t i = 0; i < MAPS; i++)
            check_map(p, i);
}

static unsigned long operations = 100000;

static void random_operations(void **state)
{
    static void (*const ops[])(struct program *) = {
        op_touch,  op_touch,   op_touch,     op_touch,     op_grow,      op_shrink,
        op_share,  op_share,   op_unshare,   op_unshare,   op_fork,      op_exit,
        op_grant,  op_revoke,  op_touch_map, op_touch_map, op_touch_map, op_map,
        op_munmap, op_protect, op_protect,   op_share_map,
    };
    size_t before = world_available();

    for (struct program *p = programs; p < programs + PROGRAMS; p++)
        start(p);
    for (unsigned long n = 0; n < operations; n++) {
        uint32_t op = pick(sizeof(ops) / sizeof(ops[0]));

        /* Exits are rare, so that what is mapped grows old. */
        if (ops[op] == op_exit && pick(6))
            continue;
        done[op]++;
        ops[op](&programs[pick(PROGRAMS)]);
        world_check();
        assert_int_equal(world_stale(), 0);
        if (n % 16 == 0)
            check_all();
        if (ncells > CELLS - 1000) { /* begin again with a short memory */
            ncells = 0;
            for (struct program *p = programs; p < programs + PROGRAMS; p++)
                op_exit(p);
        }
    }
    for (struct program *p = programs; p < programs + PROGRAMS; p++)
        world_exit(p->mm);
    world_check();
    assert_int_equal(world_available(), before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations)};

    if (argc > 1)
        rng = strtoul(argv[1], NULL, 0);
    if (argc > 2)
        operations = strtoul(argv[2], NULL, 0);
    world_start(8000);
    for (unsigned i = 0; i < GRANTS; i++)
        loans[i] = (struct loans)LOANS_INIT(loans[i], false);
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
