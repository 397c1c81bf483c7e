/*
 * scene.c - see scene.h.
 */
#include "scene.h"

#include "rest.h"

#include <stdio.h>
#include <string.h>

struct mm *a, *b, *c;
struct region *file;
struct loans loans, onward;
vaddr_t at, second;
uint64_t len;

vaddr_t map(struct mm *mm, vaddr_t addr, uint64_t n, unsigned prot, struct region *r, bool copies)
{
    struct map_request q = {.addr = addr,
                            .len = n,
                            .prot = prot,
                            .max_prot = ALL,
                            .region = r,
                            .private_copy = copies,
                            .place = addr ? MAP_OVER : MAP_ANYWHERE};
    vaddr_t va;
    int err = mm_map(mm, &q, &va);

    return err ? (vaddr_t)err : va;
}

void fill(struct mm *mm, vaddr_t va, size_t npages, uint64_t first)
{
    for (size_t i = 0; i < npages; i++)
        assert_true(world_write(mm, va + PAGES(i), first + i));
}

void holds(struct mm *mm, vaddr_t va, size_t npages, uint64_t first)
{
    for (size_t i = 0; i < npages; i++)
        assert_int_equal(world_peek(mm, va + PAGES(i)), first + i);
}

/* ---- what must not have changed ---- */

#define VMAS_MAX 2200

struct vma_state {
    vaddr_t start, end;
    struct region *region;
    size_t first, size_before;
    unsigned kind, prot, max_prot, promised;
};

struct state {
    size_t nvmas, available;
    vaddr_t size;
    struct vma_state vmas[VMAS_MAX];
};

static struct state before[2], after[2];

static void take_state(struct mm *mm, struct state *s)
{
    struct list *pos;

    memset(s, 0, sizeof(*s));
    s->available = world_available();
    if (!mm)
        return;
    s->size = mm->size;
    list_for_each(pos, &mm->vmas) {
        const struct vma *v = list_entry(pos, struct vma, link);

        assert_true(s->nvmas < VMAS_MAX);
        s->vmas[s->nvmas++] =
            (struct vma_state){v->start, v->end,  v->region,   v->first,   v->size_before,
                               v->kind,  v->prot, v->max_prot, v->promised};
    }
}

static void nothing_has_changed(const struct scene *s)
{
    take_state(a, &after[0]);
    take_state(b, &after[1]);
    for (int i = 0; i < 2; i++) {
        assert_true(s->brings_up || before[i].available <= after[i].available);
        after[i].available = before[i].available;
        assert_int_equal(before[i].nvmas, after[i].nvmas);
        assert_memory_equal(&before[i], &after[i], sizeof(before[i]));
    }
    assert_int_equal(a->set_aside, 0);
}

/* ---- playing a scene ---- */

static const struct scene *scene;
static bool playing; /* others act at rests */

static void at_a_rest(void)
{
    assert_int_equal(mm_audit(), 0);
    if (!scene->remembers)
        assert_int_equal(world_stale(), 0);
    if (!playing || !scene->others)
        return;
    scene->others();
    assert_int_equal(mm_audit(), 0);
    if (!scene->remembers)
        assert_int_equal(world_stale(), 0);
}

static void set_stage(const struct scene *s)
{
    a = world_program(0);
    b = c = NULL;
    file = NULL;
    loans = (struct loans)LOANS_INIT(loans, false);
    onward = (struct loans)LOANS_INIT(onward, false);
    rest_begin(0);
    s->set();
    take_state(a, &before[0]);
    take_state(b, &before[1]);
}

static void clear_stage(const struct scene *s, size_t available)
{
    rest_begin(0);
    if (c)
        world_exit(c);
    if (!s->ends_a || a)
        world_exit(a);
    if (b)
        world_exit(b);
    region_put(file);
    world_check();
    assert_int_equal(world_stale(), 0);
    assert_int_equal(world_available(), available);
}

/* Plays s; killed at the n-th rest if kill_at. => how often it rested. */
static unsigned play(const struct scene *s, unsigned kill_at)
{
    size_t available = world_available();
    unsigned rests;
    int err;

    set_stage(s);
    rest_begin(kill_at);
    rest_play = kill_at ? NULL : at_a_rest;
    err = s->call();
    rest_play = NULL;
    rests = rest_count;
    rest_begin(0);
    world_check();
    if (err) {
        assert_true(kill_at && !s->always_ends);
        assert_int_equal(err, -EINTR);
        nothing_has_changed(s);
    } else if (s->check) {
        s->check();
    }
    clear_stage(s, available);
    return rests;
}

void play_scene(const struct scene *s)
{
    unsigned rests;

    scene = s;
    playing = false;
    rests = play(s, 0);
    if (rests < 2)
        fail_msg("%s rests %u times", s->name, rests);
    for (unsigned n = 1; n <= rests; n += rests / 24 + 1)
        play(s, n);
    playing = true;
    if (s->others)
        play(s, 0);
    playing = false;
}

/* ---- scenery ---- */

static const struct region_ops pager = WORLD_FILE(world_bring);

void nothing_set(void)
{
}

void set_touched_heap(void)
{
    at = world_sbrk(a, (long)PAGES(2000), BRK_EAGER);
    fill(a, at, 2000, 100);
}

void set_file_of(size_t npages)
{
    file = region_create_demand(npages, &pager, NULL);
    assert_non_null(file);
}

void set_file(void)
{
    set_file_of(4096);
}

/* 600 vmas of two permissions, with pages in them, and gaps. */
void set_many(void)
{
    at = map(a, 0, PAGES(2400), RW, NULL, false);
    len = PAGES(2400);
    fill(a, at, 2400, 1);
    for (size_t i = 0; i < 2400; i += 8)
        assert_int_equal(mm_protect(a, at + PAGES(i), PAGES(4), PROT_READ), 0);
    for (size_t i = 6; i < 2400; i += 80)
        assert_int_equal(mm_munmap(a, at + PAGES(i), PAGES(1)), 0);
}

static const struct scene *all_scenes;
static size_t nscenes;

static void each_rest_of_each_long_call(void **state)
{
    for (size_t i = 0; i < nscenes; i++)
        play_scene(&all_scenes[i]);
}

int play_scenes(const char *name, const struct scene *scenes, size_t n)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_rest_of_each_long_call, world_begin, world_end),
    };

    all_scenes = scenes;
    nscenes = n;
    world_start(65536);
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
