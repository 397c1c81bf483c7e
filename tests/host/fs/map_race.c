/*
 * map_race.c - everything at once to one mapped file, by many schedules, and a judge who says of
 * each value read whether it may have been there.
 *
 * The file has BYTES bytes or none, so that growing is one step; all of it lies in one page. Its
 * words are registers that several programs write. What was done to one is a list of events with
 * the time when it began and when it was over; a value read may not be one that was replaced before
 * the read began. "None" is what a truncation writes.
 *
 * Environment: MAP_SCHEDULES (default 300), MAP_SEED (one schedule).
 */
#include "map_test.h"

enum {
    ACTORS = 4,
    STEPS = 120,
    WORDS = 4,
    BYTES = 3000,
    EVENTS = ACTORS * STEPS + 8
};

static const uint64_t word_off[WORDS] = {8, 1024, 2040, 2992};

#define NONE 0UL

struct event {
    uint64_t value;
    unsigned begin, end; /* end 0: not over yet */
};

static struct event event[WORDS][EVENTS];
static unsigned nevents[WORDS], clock_now, last_value;

static struct program {
    struct mm *mm;
    struct file *f;
    vaddr_t at;   /* its mapping of the file, or 0 */
    vaddr_t lent; /* a part of somebody's mapping, or 0 */
} program[ACTORS];

static struct event *begin_write(int w, uint64_t value)
{
    struct event *e = &event[w][nevents[w]++];

    CHECK(nevents[w] <= EVENTS);
    *e = (struct event){value, ++clock_now, 0};
    return e;
}

static void end_write(struct event *e)
{
    e->end = ++clock_now;
}

/* Takes back what did not happen. */
static void no_write(struct event *e)
{
    *e = (struct event){~0UL, 0, 1};
}

static bool replaced(int w, const struct event *e, unsigned when)
{
    for (unsigned i = 0; i < nevents[w]; i++) {
        const struct event *later = &event[w][i];

        if (e->end && later->begin > e->end && later->end && later->end < when)
            return true;
    }
    return false;
}

/* The judge. => the read of word w began at `when` */
static void check_read(int w, uint64_t value, unsigned when)
{
    for (unsigned i = 0; i < nevents[w]; i++)
        if (event[w][i].value == value && !replaced(w, &event[w][i], when))
            return;
    fprintf(stderr, "word %d was %lu at %u\n", w, value, when);
    for (unsigned i = 0; i < nevents[w]; i++)
        fprintf(stderr, "  %u-%u: %lu\n", event[w][i].begin, event[w][i].end, event[w][i].value);
    _exit(1);
}

static void act_map(struct program *p)
{
    if (p->at) {
        CHECK(mm_munmap(p->mm, p->at, PAGE_SIZE) == 0);
        p->at = 0;
    } else {
        p->at = map_at(p->mm, p->f, RW, SHARE, 1);
    }
}

static void act_borrow(struct program *p, struct program *from)
{
    if (p->lent) {
        CHECK(unmap_shared_pages(p->mm, p->lent, PAGE_SIZE) == 0);
        p->lent = 0;
    } else if (from->at) {
        p->lent = map_shared_pages(from->mm, p->mm, from->at, PAGE_SIZE);
    }
}

static vaddr_t view_of(struct program *p)
{
    return p->lent && (!p->at || world_random() % 2) ? p->lent : p->at;
}

static void act_store(struct program *p, int w)
{
    vaddr_t view = view_of(p);
    struct event *e;

    if (!view)
        return;
    e = begin_write(w, ++last_value);
    if (world_write(p->mm, view + word_off[w], e->value))
        end_write(e);
    else
        no_write(e);
}

static void act_load(struct program *p, int w)
{
    unsigned when = ++clock_now;
    vaddr_t view = view_of(p);
    uint64_t value;

    if (view)
        check_read(w, world_read(p->mm, view + word_off[w], &value) ? value : NONE, when);
}

static void act_read(struct program *p, int w)
{
    unsigned when = ++clock_now;
    uint64_t value = NONE;
    long n = read_at(p->f, word_off[w], BUF, 8);

    CHECK(n == 8 || n == 0);
    if (n)
        CHECK(world_read(p->mm, BUF, &value));
    check_read(w, value, when);
}

static void act_write(struct program *p, int w)
{
    struct event *e = begin_write(w, ++last_value);

    CHECK(world_write(p->mm, BUF, e->value));
    long n = write_at(p->f, word_off[w], BUF, 8);
    CHECK(n == 8 || n == -EINVAL); /* past the end: it was truncated */
    if (n == 8)
        end_write(e);
    else
        no_write(e);
}

/* Writes the whole file, in one step. */
static void act_fill(struct program *p)
{
    uint64_t value = ++last_value;
    struct event *e[WORDS];

    for (int w = 0; w < WORDS; w++) {
        e[w] = begin_write(w, value);
        CHECK(world_write(p->mm, BUF + word_off[w], value));
    }
    CHECK(write_at(p->f, 0, BUF, BYTES) == BYTES);
    for (int w = 0; w < WORDS; w++)
        end_write(e[w]);
}

static void act_truncate(void)
{
    struct event *e[WORDS];

    for (int w = 0; w < WORDS; w++)
        e[w] = begin_write(w, NONE);
    file_close(opened("m", O_RDWR | O_TRUNC));
    for (int w = 0; w < WORDS; w++)
        end_write(e[w]);
}

/* A copy of the program that ends at once, perhaps while somebody empties the file it maps. */
static void act_fork(struct program *p)
{
    struct mm *child;

    if (mm_fork(p->mm, &child))
        return;
    baton_yield();
    mm_release(child);
}

static void act(int me)
{
    struct program *p = &program[me];

    for (int step = 0; step < STEPS; step++) {
        uint32_t r = world_random();
        int w = r / 64 % WORDS;

        switch (r % 16) {
        case 0:
        case 1:
            act_map(p);
            break;
        case 2:
            act_borrow(p, &program[r / 1024 % ACTORS]);
            break;
        case 3:
        case 4:
        case 5:
            act_store(p, w);
            break;
        case 6:
        case 7:
            act_load(p, w);
            break;
        case 8:
        case 9:
            act_read(p, w);
            break;
        case 10:
            act_write(p, w);
            break;
        case 11:
        case 12:
            act_fill(p);
            break;
        case 13:
            if (r / 1024 % 2)
                act_truncate();
            else
                CHECK(fs_sync() == 0);
            break;
        case 14:
            act_fork(p);
            break;
        case 15:
            if (p->at)
                CHECK(mm_sync(p->mm, p->at, PAGE_SIZE) == 0);
            break;
        }
        baton_yield();
    }
}

static void run_schedule(void *arg)
{
    world_seed = *(uint64_t *)arg;
    mount();
    size_t start = frames();
    for (int i = 0; i < ACTORS; i++)
        program[i].mm = world_program(i);
    for (int i = 0; i < ACTORS; i++)
        program[i].f = opened("m", O_CREATE | O_RDWR);
    for (int w = 0; w < WORDS; w++)
        event[w][nevents[w]++] = (struct event){NONE, 0, 0};
    clock_now = 1;
    for (int w = 0; w < WORDS; w++)
        event[w][0].end = clock_now;
    baton_run(ACTORS, act);
    for (int w = 0; w < WORDS; w++)
        act_read(&program[0], w);
    for (int i = ACTORS; i-- > 0;) { /* the first reads once more */
        file_close(program[i].f);
        if (i)
            world_exit(program[i].mm);
    }
    program[0].f = opened("m", 0);
    for (int w = 0; w < WORDS; w++)
        act_read(&program[0], w);
    file_close(program[0].f);
    world_exit(program[0].mm);
    CHECK(fs_unlink(root, "m") == 0);
    CHECK(mm_audit() == 0 && port_locks_held() == 0 && frames() == start);
    CHECK(image_fsck(FSCK_REPLAY) == 0);
}

void test_schedules(void **state)
{
    const char *wanted = getenv("MAP_SCHEDULES"), *one = getenv("MAP_SEED");
    uint64_t n = wanted ? strtoul(wanted, NULL, 10) : 300;

    image_make(NULL, NULL);
    for (uint64_t seed = one ? strtoul(one, NULL, 10) : 1; seed <= n || one; seed++) {
        if (!world_run(run_schedule, &seed))
            fail_msg("MAP_SEED=%lu", seed);
        if (one)
            break;
    }
}
