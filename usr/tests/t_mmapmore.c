/*
 * usr/tests/t_mmapmore.c: mmap beside the heap, with little memory, lent on, and against a model.
 */
#include "t_mmap.h"

/* ---- heap and mappings ---- */

static void heap_meets_mapping(void)
{
    char *top = t_align_break();
    char *p = mmap(top + 4 * PAGE, PAGE);

    CHECK(p == top + 4 * PAGE);
    *p = 9;
    CHECK(sbrk(3 * PAGE) == top);
    CHECK(sbrk(PAGE) == top + 3 * PAGE);
    CHECK_EQ(sbrk(1), SBRK_ERROR);
    CHECK_EQ(sbrklazy(1), SBRK_ERROR);
    CHECK_EQ(openshmem(7002), (char *)-1);
    CHECK_EQ(map_to(getpid(), buffer, 1), NO_ADDRESS);
    CHECK(sbrk(0) == top + 4 * PAGE);
    CHECK_EQ(*p, 9);
    CHECK(malloc(1 << 20) == 0 || *p == 9);
    CHECK_EQ(munmap(p, PAGE), 0);
    CHECK(sbrk(PAGE) == top + 4 * PAGE);
}

static void mapping_meets_heap(void)
{
    char *top = t_align_break();

    CHECK(sbrk(4 * PAGE) == top);
    CHECK_ERRNO(mmap(top, PAGE), EEXIST);
    CHECK_ERRNO(mmap(top + 3 * PAGE, 2 * PAGE), EEXIST);
    CHECK(sbrk(-4 * (int)PAGE) != SBRK_ERROR);
    CHECK(mmap(top, PAGE) == top);
    CHECK_EQ(sbrk(1), SBRK_ERROR);
    CHECK_EQ(munmap(top, PAGE), 0);
}

/* ---- memory runs out ---- */

static void too_much(void)
{
    long before = t_free_pages();
    uint64 all = ((uint64)before + 100) * PAGE;

    CHECK_ERRNO(mmap(0, all, BOTH, PRIVATE, -1, 0), ENOMEM);
    CHECK_ERRNO(mmap(0, all, BOTH, SHARED, -1, 0), ENOMEM);
    CHECK_ERRNO(mmap(0, 1UL << 36, BOTH, PRIVATE, -1, 0), ENOMEM);
    CHECK(t_free_pages() >= before);
    CHECK_EQ(audit(), 0);
}

/* What is promised is there when it is touched, whoever else wants memory; and no more. */
static void promised(void)
{
    uint64 n = (uint64)t_free_pages() / 2;
    char *p = mmap(0, n * PAGE, BOTH, PRIVATE, -1, 0);

    CHECK(p != MAP_FAILED);
    for (int step = 1 << 26; step >= (int)PAGE; step /= 4)
        while (sbrk(step) != SBRK_ERROR)
            ;
    for (uint64 i = 0; i < n; i++)
        p[i * PAGE] = 1;
    CHECK_ERRNO(mmap(0, 64 * PAGE, BOTH, PRIVATE, -1, 0), ENOMEM);
    CHECK_EQ(munmap(p, n * PAGE), 0);
    CHECK(mmap(0, 64 * PAGE, BOTH, PRIVATE, -1, 0) != MAP_FAILED);
}

/* ---- lending what was mapped ---- */

static void borrow(struct t_peer *parent, uint64 arg)
{
    t_put(parent, 1);
    for (int i = 0; i < 2; i++) {
        char *p = (char *)t_get(parent);

        CHECK(t_is_pattern(p, 2 * PAGE, 5));
        t_fill(p, 2 * PAGE, 6);
        t_put(parent, 1);
        t_get(parent); /* the owner has unmapped it */
        CHECK(t_is_pattern(p, 2 * PAGE, 6));
        CHECK_EQ(unmap_shared_pages(p, 2 * PAGE), 0);
        t_put(parent, 1);
    }
}

static void lent(void)
{
    struct t_peer child;

    t_start(&child, borrow, 0);
    t_get(&child);
    for (int i = 0; i < 2; i++) {
        char *p = get(2, BOTH, i ? SHARED : PRIVATE);

        t_fill(p, 2 * PAGE, 5);
        t_put(&child, map_to(child.pid, p, 2 * PAGE));
        t_get(&child);
        CHECK(t_is_pattern(p, 2 * PAGE, 6));
        CHECK_EQ(munmap(p, 2 * PAGE), 0);
        t_put(&child, 1);
        t_get(&child);
    }
    CHECK_EQ(t_join(&child), 0);
}

/* What may not be read cannot be lent, and what is read-only is lent so. */
static void lent_protected(void)
{
    char *p = get(2, BOTH, PRIVATE);
    uint64 alias;

    t_fill(p, 2 * PAGE, 5);
    CHECK_EQ(mprotect(p, PAGE, PROT_NONE), 0);
    CHECK_EQ(map_to(getpid(), p, PAGE), NO_ADDRESS);
    CHECK_EQ(map_to(getpid(), p, 2 * PAGE), NO_ADDRESS);
    CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
    alias = map_to(getpid(), p, 2 * PAGE);
    CHECK(alias != NO_ADDRESS);
    CHECK(t_is_pattern((char *)alias, 2 * PAGE, 5));
    CHECK_EQ(t_status(only_store_at, alias), -1);
    CHECK_EQ(t_status(only_store_at, alias + PAGE), 0);
    CHECK_EQ(unmap_shared_pages(alias, 2 * PAGE), 0);
}

/* ---- against a model ---- */

enum {
    MODEL_PAGES = 24,
    MODEL_STEPS = 3000
};

static struct {
    char mapped, prot, value;
} model[MODEL_PAGES];

static int pipe_ends[2];

/* Whether the kernel may load from page i, and what is there. */
static void check_page(int i)
{
    char *p = PLACE + (uint64)i * PAGE + 100;
    int want = model[i].mapped && (model[i].prot & BOTH);
    char c = 0;
    int got = write(pipe_ends[1], p, 1) == 1;

    CHECK_EQ(got, want);
    if (!got)
        return;
    CHECK_EQ(read(pipe_ends[0], &c, 1), 1);
    CHECK_EQ(c, model[i].value);
    if (model[i].prot & PROT_WRITE)
        *p = model[i].value = (char)(c + 1);
}

static void model_step(uint *seed)
{
    int first = (int)(t_random(seed) % MODEL_PAGES);
    int n = 1 + (int)(t_random(seed) % 6);
    int prot = (int)(t_random(seed) % 4);
    int what = (int)(t_random(seed) % 4);
    char *p = PLACE + (uint64)first * PAGE;
    int all = 1;

    if (first + n > MODEL_PAGES)
        n = MODEL_PAGES - first;
    for (int i = first; i < first + n; i++)
        all = all && model[i].mapped;
    if (what == 0)
        CHECK(mmap(p, (uint64)n * PAGE, prot, PRIVATE | MAP_FIXED, -1, 0) == p);
    else if (what == 1)
        CHECK_EQ(munmap(p, (uint64)n * PAGE), 0);
    else
        CHECK_EQ(mprotect(p, (uint64)n * PAGE, prot), all ? 0 : -1);
    for (int i = first; i < first + n; i++) {
        if (what < 2)
            model[i].value = 0;
        if (what < 2)
            model[i].mapped = what == 0;
        if (what == 0 || (what > 1 && all))
            model[i].prot = (char)prot;
    }
    check_page((int)(t_random(seed) % MODEL_PAGES));
    check_page(first);
}

static void against_model(void)
{
    uint seed = 20;

    CHECK_EQ(pipe(pipe_ends), 0);
    for (int i = 0; i < MODEL_STEPS; i++) {
        model_step(&seed);
        if (i % 500 == 0)
            CHECK_EQ(audit(), 0);
    }
    for (int i = 0; i < MODEL_PAGES; i++)
        check_page(i);
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"heap_meets_mapping", heap_meets_mapping},
    {"mapping_meets_heap", mapping_meets_heap},
    {"too_much", too_much},
    {"promised", promised},
    {"lent", lent},
    {"lent_protected", lent_protected},
    {"against_model", against_model},
};

int main(int argc, char **argv)
{
    t_main("t_mmapmore", cases, COUNT(cases), argc, argv);
}
