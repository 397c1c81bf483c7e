/*
 * A session's running, its snapshots and its way back.
 *
 * A snapshot keeps only the pages that have changed since the one before. To go back to it, each page takes the newest
 * version that is not newer than the snapshot.
 * Read next: past.c.
 */
#include "session.h"

#define SAVED offsetof(struct machine, unsaved)

static void copy(void *to, const void *from, uint64_t n)
{
    __builtin_memcpy(to, from, n);
}

/* An array twice as long; the old one is not given back, and all of them together are twice the last. */
static bool grow(void **array, uint32_t *max, uint32_t n, size_t size)
{
    uint32_t more = *max ? 2 * *max : 64;
    void *larger;

    if (n < *max)
        return true;
    larger = host_memory(more * size);
    if (!larger)
        return false;
    if (n)
        copy(larger, *array, n * size);
    *array = larger;
    *max = more;
    return true;
}

/* ---- Snapshots ---- */

static bool save_page(struct session *s, uint64_t page)
{
    struct version *version = host_memory(sizeof(*version));

    if (!version || !(version->bytes = host_memory(PAGE_SIZE)))
        return false;
    copy(version->bytes, s->m.memory + page * PAGE_SIZE, PAGE_SIZE);
    version->snapshot = s->nsnapshots;
    version->older = s->newest[page];
    s->newest[page] = s->now[page] = version;
    s->m.dirty[page] = 0;
    return true;
}

static bool take_snapshot(struct session *s)
{
    struct snapshot *snapshot;

    if (!grow((void **)&s->snapshot, &s->max_snapshots, s->nsnapshots, sizeof(*snapshot)))
        return false;
    snapshot = &s->snapshot[s->nsnapshots];
    snapshot->step = s->m.steps;
    snapshot->written = s->m.written;
    snapshot->machine = host_memory(SAVED);
    s->m.written = host_memory(FILTER_BYTES);
    if (!snapshot->machine || !s->m.written)
        return false;
    copy(snapshot->machine, &s->m, SAVED);
    for (uint64_t page = 0; page < s->pages; page++)
        if (s->m.dirty[page] && !save_page(s, page))
            return false;
    s->nsnapshots++;
    return true;
}

static void load_page(struct session *s, uint64_t page, struct version *version)
{
    uint8_t *at = s->m.memory + page * PAGE_SIZE;

    if (version)
        copy(at, version->bytes, PAGE_SIZE);
    else
        __builtin_memset(at, 0, PAGE_SIZE);
    s->now[page] = version;
    s->m.dirty[page] = 0;
}

static void load_snapshot(struct session *s, uint32_t index)
{
    copy(&s->m, s->snapshot[index].machine, SAVED);
    for (uint64_t page = 0; page < s->pages; page++) {
        struct version *version = s->newest[page];

        while (version && version->snapshot > index)
            version = version->older;
        if (s->m.dirty[page] || s->now[page] != version)
            load_page(s, page, version);
    }
    for (unsigned i = 0; i < s->m.options.harts; i++)
        mmu_forget_fetch(&s->m.hart[i]);
}

/* ---- Running ---- */

/* Keeps an event, the first time that its step is run. */
static void keep(struct session *s, const struct event *e)
{
    struct record *record = &s->record[s->nrecords++ % s->max_records];

    *record = (struct record){.step = e->step,
                              .a = e->a,
                              .b = e->b,
                              .satp = s->m.hart[e->hart].satp,
                              .pc = (uint32_t)e->pc,
                              .hart = (uint8_t)e->hart,
                              .mode = e->mode,
                              .kind = e->kind};
}

bool host_event(struct machine *m, const struct event *event)
{
    struct session *s = (struct session *)m;

    if (!s->searching && event->step >= s->end && s->recorded & 1U << event->kind && s->max_records)
        keep(s, event);
    if (!(s->stop_on & 1U << event->kind) ||
        (event->kind == EVENT_CALL && s->stop_call && event->a != s->stop_call) ||
        (s->wanted && !s->wanted(event)))
        return false;
    s->last = *event;
    s->found = true;
    return !s->searching;
}

/* Runs to an instant, typing what was typed on the way: input_head says how much of it the machine has. */
static enum stop run(struct session *s, uint64_t until)
{
    enum stop stop = STOP_UNTIL;

    while (s->m.input_head < s->ntyped && s->typed[s->m.input_head].step <= until) {
        const struct typed *next = &s->typed[s->m.input_head];

        if (s->m.steps < next->step && (stop = machine_run(&s->m, next->step)) != STOP_UNTIL)
            return stop;
        machine_input(&s->m, next->byte);
    }
    return s->m.steps < until ? machine_run(&s->m, until) : stop;
}

enum stop session_run(struct session *s, uint64_t until)
{
    enum stop stop = STOP_UNTIL;

    while (stop == STOP_UNTIL && s->m.steps < until) {
        uint64_t border = (s->m.steps / INTERVAL + 1) * INTERVAL,
                 to = border < until ? border : until;
        bool live = s->m.steps >= s->end;

        if (!live && to > s->end)
            to = s->end;
        s->m.watch = s->recorded | s->stop_on;
        s->m.paced = live && s->paced;
        stop = run(s, to);
        if (s->m.steps > s->end)
            s->end = s->m.steps;
        if (live && s->m.steps == border && !s->full)
            s->full = !take_snapshot(s);
    }
    return stop;
}

bool session_skip(struct session *s)
{
    bool live = s->m.steps >= s->end, skipped = machine_skip(&s->m);

    if (live)
        s->end = s->m.steps;
    if (live && skipped && s->m.steps % INTERVAL == 0 && !s->full)
        s->full = !take_snapshot(s);
    return skipped;
}

bool session_will_type(struct session *s, uint64_t step, uint8_t byte)
{
    if (!grow((void **)&s->typed, &s->max_typed, s->ntyped, sizeof(*s->typed)))
        return false;
    s->typed[s->ntyped++] = (struct typed){step, byte};
    return true;
}

bool session_type(struct session *s, uint8_t byte)
{
    if (s->m.steps < s->end)
        session_forget(s);
    while (s->ntyped > s->m.input_head && s->typed[s->ntyped - 1].step > s->m.steps)
        s->ntyped--;
    if (s->m.input_head - s->m.input_tail + (s->ntyped - s->m.input_head) >= CONSOLE_MAX)
        return false;
    return session_will_type(s, s->m.steps, byte);
}

void session_forget(struct session *s)
{
    s->end = s->m.steps;
    s->ntyped = s->m.input_head;
    while (s->snapshot[s->nsnapshots - 1].step > s->end)
        s->nsnapshots--;
    for (uint64_t page = 0; page < s->pages; page++)
        while (s->newest[page] && s->newest[page]->snapshot >= s->nsnapshots)
            s->newest[page] = s->newest[page]->older;
    while (s->nrecords && s->record[(s->nrecords - 1) % s->max_records].step >= s->end)
        s->nrecords--;
    s->full = false;
}

/* ---- Going back ---- */

uint32_t session_snapshot(const struct session *s, uint64_t step)
{
    uint32_t i = s->nsnapshots - 1;

    while (i > 0 && s->snapshot[i].step > step)
        i--;
    return i;
}

enum stop session_replay(struct session *s, uint32_t index, uint64_t until, uint32_t watch)
{
    enum stop stop;

    load_snapshot(s, index);
    s->m.paced = false;
    s->m.watch = watch;
    s->searching = true;
    s->replayed += until - s->m.steps;
    stop = run(s, until);
    s->searching = false;
    return stop;
}

bool session_seek(struct session *s, uint64_t step)
{
    if (step > s->end)
        return false;
    if (step != s->m.steps)
        session_replay(s, session_snapshot(s, step), step, 0);
    return s->m.steps == step;
}

bool session_begin(struct session *s, const uint8_t *kernel, size_t size, const uint8_t *image)
{
    struct machine *m = &s->m;
    uint64_t entry;

    s->pages = m->memory_size / PAGE_SIZE;
    s->newest = host_memory(s->pages * sizeof(*s->newest));
    s->now = host_memory(s->pages * sizeof(*s->now));
    s->m.written = host_memory(FILTER_BYTES);
    machine_give(m, host_memory(m->memory_size), host_memory(s->pages));
    if (!s->newest || !s->now || !m->written || !m->memory || !m->dirty)
        return false;
    copy(m->memory + m->disk_offset, image, m->disk_size);
    for (uint64_t page = m->disk_offset / PAGE_SIZE; page < s->pages; page++)
        m->dirty[page] = 1;
    entry = machine_load(m, kernel, size);
    return entry && machine_boot(m, entry) && take_snapshot(s);
}

/* FNV-1a, by words. */
static uint64_t hash_words(uint64_t hash, const void *bytes, uint64_t size)
{
    const uint64_t *word = bytes;

    for (uint64_t i = 0; i < size / 8; i++)
        hash = (hash ^ word[i]) * 0x100000001b3ULL;
    return hash;
}

/* The host's pointers lie among a hart's fields: they are no part of the state. */
uint64_t session_hash(const struct session *s)
{
    uint64_t hash = hash_words(0xcbf29ce484222325ULL, s->m.memory, s->m.memory_size);

    for (unsigned i = 0; i < s->m.options.harts; i++) {
        const struct hart *h = &s->m.hart[i];

        hash = hash_words(hash, h->x, offsetof(struct hart, look));
        hash = hash_words(hash, h->tlb, sizeof(h->tlb));
    }
    return hash_words(hash, &s->m.plic,
                      offsetof(struct machine, input) - offsetof(struct machine, plic));
}
