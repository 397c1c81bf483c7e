/*
 * rest_test.c - the long calls on a program's own memory: sbrk, mmap, munmap, mprotect, exec's segments.
 */
#include "scene.h"

/* ---- the break ---- */

static int call_grow(void)
{
    vaddr_t old;

    return mm_sbrk(a, (long)MIB(160), BRK_EAGER, &old);
}

static int call_shrink(void)
{
    vaddr_t old;

    return mm_sbrk(a, -(long)PAGES(1900), BRK_EAGER, &old);
}

static void check_shrink(void)
{
    assert_int_equal(a->size, at + PAGES(100));
    holds(a, at, 100, 100);
    assert_false(world_read(a, at + PAGES(100), &(uint64_t){0}));
}

/* ---- mmap ---- */

static int call_map(void)
{
    vaddr_t va = map(a, 0, MIB(160), RW, NULL, false);

    return (long)va < 0 ? (int)va : 0;
}

static void set_large_file(void)
{
    set_file_of(40000);
}

static int call_map_file(void)
{
    vaddr_t va = map(a, 0, PAGES(40000), RW, file, false);

    return (long)va < 0 ? (int)va : 0;
}

static int call_map_over(void)
{
    vaddr_t va = map(a, at, len, RW, NULL, false);

    return (long)va < 0 ? (int)va : 0;
}

static void check_zeros(void)
{
    for (size_t i = 0; i < 2400; i += 7)
        assert_int_equal(world_peek(a, at + PAGES(i)), 0);
}

static int call_map_over_nothing(void)
{
    vaddr_t va = map(a, at, len, PROT_NONE, NULL, false);

    return (long)va < 0 ? (int)va : 0;
}

static int call_munmap(void)
{
    return mm_munmap(a, at, len);
}

static int call_munmap_middle(void)
{
    return mm_munmap(a, at + PAGES(3), len - PAGES(9));
}

static void set_touched_map(void)
{
    at = map(a, 0, PAGES(2000), RW, NULL, false);
    len = PAGES(2000);
    fill(a, at, 2000, 1);
}

/* ---- mprotect ---- */

static void set_read_only(void)
{
    at = map(a, 0, MIB(160), PROT_READ, NULL, false);
    len = MIB(160);
    for (size_t i = 0; i < 1500; i++)
        assert_int_equal(world_peek(a, at + PAGES(i)), 0);
}

static int call_protect_rw(void)
{
    return mm_protect(a, at, len, RW);
}

static int call_protect_none(void)
{
    return mm_protect(a, at + PAGES(1), len - PAGES(2), PROT_NONE);
}

static int call_protect_back(void)
{
    return mm_protect(a, at + PAGES(1), len - PAGES(2), RW);
}

static void set_none(void)
{
    set_touched_map();
    assert_int_equal(mm_protect(a, at + PAGES(1), len - PAGES(2), PROT_NONE), 0);
}

static void check_none(void)
{
    assert_false(world_read(a, at + PAGES(1), &(uint64_t){0}));
    assert_false(world_read(a, at + PAGES(1998), &(uint64_t){0}));
    assert_int_equal(world_peek(a, at), 1);
    assert_int_equal(mm_protect(a, at, len, PROT_READ), 0);
    holds(a, at, 2000, 1);
    assert_false(world_write(a, at, 0));
}

static void check_back(void)
{
    holds(a, at, 2000, 1);
    fill(a, at, 2000, 5);
    holds(a, at, 2000, 5);
}

/* A private view of a file, half of it stored to. */
static void set_private_file(void)
{
    set_file();
    at = map(a, 0, PAGES(2000), RW, file, true);
    len = PAGES(2000);
    for (size_t i = 0; i < 2000; i += 2)
        assert_true(world_write(a, at + PAGES(i), 7000 + i));
    holds(a, at, 2000, 7000);
    assert_int_equal(mm_protect(a, at, len, PROT_NONE), 0);
}

static int call_protect_read(void)
{
    return mm_protect(a, at, len, PROT_READ);
}

static void check_private_file(void)
{
    holds(a, at, 2000, 7000);
}

/* A relative copies from here: its call brings the pages of a file before it waits for the mm. */
static void relative_brings(void)
{
    for (size_t i = 0; i < 2000; i += 97)
        mm_fault(a, at + PAGES(i), ACCESS_READ);
}

/* ---- exec ---- */

static int call_segment(void)
{
    return mm_add_segment(b, 0, PAGES(300), PROT_EXEC);
}

/* What exec does with the mm of a failed step: it goes. */
static int call_build(void)
{
    int err;

    b = mm_create();
    err = call_segment();
    if (!err)
        return 0;
    mm_release(b);
    b = NULL;
    return err;
}

static void check_segment(void)
{
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(world_peek(b, PAGES(i)), 0);
    assert_false(world_write(b, 0, 1));
}

static const struct scene scenes[] = {
    {.name = "grow", .set = nothing_set, .call = call_grow},
    {.name = "shrink", .set = set_touched_heap, .call = call_shrink, .check = check_shrink},
    {.name = "map", .set = nothing_set, .call = call_map},
    {.name = "map a file", .set = set_large_file, .call = call_map_file},
    {.name = "map over many", .set = set_many, .call = call_map_over, .check = check_zeros},
    {.name = "map nothing over many", .set = set_many, .call = call_map_over_nothing},
    {.name = "unmap many", .set = set_many, .call = call_munmap},
    {.name = "unmap all but the ends", .set = set_touched_map, .call = call_munmap_middle},
    {.name = "make writable", .set = set_read_only, .call = call_protect_rw},
    {.name = "forbid", .set = set_touched_map, .call = call_protect_none, .check = check_none},
    {.name = "allow again", .set = set_none, .call = call_protect_back, .check = check_back},
    {.name = "allow a private file",
     .set = set_private_file,
     .call = call_protect_read,
     .check = check_private_file,
     .others = relative_brings},
    {.name = "segment", .set = nothing_set, .call = call_build, .check = check_segment},
};

int main(void)
{
    return play_scenes("rest", scenes, sizeof(scenes) / sizeof(scenes[0]));
}
