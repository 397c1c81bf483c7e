/*
 * The machine as a whole: its making, whose turn it is, and time.
 *
 * One hart runs at a time, for some instructions; then the next one's turn comes. The count of all instructions is the
 * machine's clock and the name of an instant. When every hart waits, time goes on to whatever comes next: that counts as
 * one step.
 * Read next: hart.c.
 */
#include "unkind.h"

/* ---- Making one ---- */

static bool options_valid(const struct options *o)
{
    return o->harts >= 1 && o->harts <= HARTS_MAX && o->boot_hart < o->harts && o->slice >= 1 &&
           o->steps_per_time >= 1 && o->steps_per_time <= 1 << 16 && o->timebase >= 1 &&
           o->ram >= (4 << 20) && o->ram % PAGE_SIZE == 0 && o->ram <= (64ULL << 30);
}

uint64_t machine_plan(struct machine *m, const struct options *options, uint64_t disk_size)
{
    uint64_t size = options->ram;

    if (!options_valid(options))
        return 0;
    __builtin_memset(m, 0, sizeof(*m)); /* too large for a value on the stack */
    m->options = *options;
    m->device_due = NEVER;
    m->stop = STOP_OFF;
    m->nbanks = 1;
    m->bank[0] = (struct bank){RAM_BASE, options->ram, 0};
    for (unsigned i = 0; i < BANKS_MAX - 1 && options->further[i].size; i++) {
        m->bank[m->nbanks] = options->further[i];
        m->bank[m->nbanks++].offset = size;
        size += options->further[i].size;
    }
    m->disk_size = disk_size;
    m->disk_offset = size;
    m->random = (options->seed + 1) * 0x9e3779b97f4a7c15ULL;
    if (unkind(m, UNKIND_DISK_CACHE | UNKIND_DISK_TEARS))
        size = disk_kept(m);
    m->memory_size = (size + disk_size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    compressed_init();
    return m->memory_size;
}

void machine_give(struct machine *m, uint8_t *memory, uint8_t *dirty)
{
    m->memory = memory;
    m->dirty = dirty;
}

struct elf {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum;
};

struct segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

uint64_t machine_load(struct machine *m, const uint8_t *file, size_t size)
{
    struct elf elf;
    struct segment s;

    if (size < sizeof(elf))
        return 0;
    __builtin_memcpy(&elf, file, sizeof(elf));
    if (elf.ident[0] != 0x7f || elf.ident[1] != 'E' || elf.machine != 243 ||
        elf.phoff + (uint64_t)elf.phnum * sizeof(s) > size)
        return 0;
    for (unsigned i = 0; i < elf.phnum; i++) {
        __builtin_memcpy(&s, file + elf.phoff + i * sizeof(s), sizeof(s));
        if (s.type != 1 || s.memsz == 0)
            continue;
        if (s.offset > size || s.filesz > size - s.offset || s.filesz > s.memsz ||
            !bus_ram(m, s.paddr, s.memsz))
            return 0;
        __builtin_memcpy(bus_ram(m, s.paddr, s.memsz), file + s.offset, s.filesz);
        bus_dirty(m, s.paddr, s.memsz);
    }
    return elf.entry;
}

/* What a machine with firmware has ready when the kernel begins: the tree, the initrd, one hart in S-mode. */
bool machine_boot(struct machine *m, uint64_t entry)
{
    uint32_t boot = m->options.boot_hart;
    uint64_t room = 64 << 10, at = (RAM_BASE + m->options.ram - room) & ~0x1fffffULL, initrd = 0;

    for (unsigned i = 0; i < m->options.harts; i++) {
        struct hart *h = &m->hart[i];

        h->machine = m;
        h->id = (uint32_t)(m->options.hartid_base + i * (m->options.hartid_stride + 1));
        hart_reset(h, 0, 0, 0);
        h->state = HART_STOPPED;
    }
    if (unkind(m, UNKIND_DISK_CACHE | UNKIND_DISK_TEARS))
        disk_settle(m, 0, m->disk_size);
    if (m->options.disk_is_ram) {
        initrd = KERNEL_BASE + m->options.ram / 2;
        if (!bus_ram(m, initrd, m->disk_size) || initrd + m->disk_size > at)
            return false;
        __builtin_memcpy(bus_ram(m, initrd, m->disk_size), m->memory + m->disk_offset,
                         m->disk_size);
        bus_dirty(m, initrd, m->disk_size);
    }
    if (!bus_ram(m, at, room) || !tree_build(m, bus_ram(m, at, room), room, initrd))
        return false;
    bus_dirty(m, at, room);
    hart_reset(&m->hart[boot], entry, m->hart[boot].id, at);
    m->stop = STOP_UNTIL;
    return true;
}

/* ---- Time and chance ---- */

uint64_t machine_time(const struct machine *m)
{
    return m->steps / m->options.steps_per_time + m->time_skip;
}

/* The first step at which it is `time`. */
static uint64_t step_of(const struct machine *m, uint64_t time)
{
    uint64_t skipped = time - m->time_skip;

    if (time <= m->time_skip)
        return 0;
    return skipped >> 44 ? NEVER : skipped * m->options.steps_per_time; /* at most 2^16 of them */
}

uint32_t machine_random(struct machine *m, uint32_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (uint32_t)(((m->random >> 32) * below) >> 32);
}

/* A device has something to do at `time`. */
void machine_due(struct machine *m, uint64_t time)
{
    if (time < m->device_due)
        m->device_due = time;
    m->turn_end = 0;
}

uint64_t machine_next_time(const struct machine *m)
{
    uint64_t next = m->device_due;

    for (unsigned i = 0; i < m->options.harts; i++) {
        const struct hart *h = &m->hart[i];
        uint64_t due = h->sie & 1U << IRQ_TIMER ? h->timecmp : NEVER;

        if (unkind(m, UNKIND_INTERRUPTS))
            due = interrupts_due(h);
        if (h->state == HART_STARTED && due < next)
            next = due;
    }
    return next;
}

/* ---- Turns ---- */

void machine_event(struct hart *h, enum event_kind kind, uint64_t a, uint64_t b)
{
    struct machine *m = h->machine;
    struct event event = {.step = m->steps,
                          .a = a,
                          .b = b,
                          .pc = h->pc,
                          .hart = (uint16_t)(h - m->hart),
                          .mode = (uint8_t)h->mode,
                          .kind = (uint8_t)kind};

    if (host_event(m, &event)) {
        m->stop = STOP_EVENT;
        m->turn_end = 0;
    }
}

static bool can_run(struct hart *h)
{
    if (h->state != HART_STARTED)
        return false;
    if (h->waiting && hart_pending(h) & h->sie)
        h->waiting = false;
    return !h->waiting;
}

/* The hart that goes on, or the next one when its turn is over or it waits. NULL: all wait. */
static struct hart *whose_turn(struct machine *m)
{
    if (m->turn_left && can_run(&m->hart[m->turn]))
        return &m->hart[m->turn];
    if (unkind(m, UNKIND_HARTS))
        return unkind_turn(m, can_run);
    for (unsigned i = 1; i <= m->options.harts; i++) {
        unsigned next = (m->turn + i) % m->options.harts;

        if (can_run(&m->hart[next])) {
            m->turn = next;
            m->turn_left = m->options.slice;
            return &m->hart[next];
        }
    }
    return NULL;
}

static void run_turn(struct machine *m, struct hart *h, uint64_t until)
{
    uint64_t start = m->steps, due = h->timecmp;

    if (unkind(m, UNKIND_INTERRUPTS))
        due = interrupts_due(h);
    if (m->device_due < due)
        due = m->device_due;
    m->turn_end = until < start + m->turn_left ? until : start + m->turn_left;
    if (step_of(m, due) > start && step_of(m, due) < m->turn_end)
        m->turn_end = step_of(m, due);
    h->look = true;
    while (m->steps < m->turn_end) {
        if (h->look)
            hart_interrupt(h);
        if (m->watch & 1U << EVENT_BREAK && machine_marked(m, h->pc)) {
            machine_event(h, EVENT_BREAK, h->pc, 0);
            if (m->stop != STOP_UNTIL)
                break;
        }
        hart_step(h);
        m->steps++;
    }
    m->turn_left -= (uint32_t)(m->steps - start);
    if (m->unkind.met)
        m->turn_left = 0;
    m->unkind.met = false;
    if (m->options.unkind && m->turn_left == 0)
        unkind_pass(m);
}

/* All harts wait: time goes on to what comes next. => false: nothing does */
bool machine_skip(struct machine *m)
{
    uint64_t next = machine_next_time(m), now = machine_time(m);

    if (next == NEVER)
        return false;
    if (unkind(m, UNKIND_ORDER))
        unkind_idle(m);
    m->steps++;
    if (next > now)
        m->time_skip += next - now;
    return true;
}

enum stop machine_run(struct machine *m, uint64_t until)
{
    if (m->stop == STOP_EVENT)
        m->stop = STOP_UNTIL;
    while (m->steps < until && m->stop == STOP_UNTIL) {
        struct hart *h;

        if (machine_time(m) >= m->device_due) {
            m->device_due = NEVER;
            disk_run(m);
        }
        h = whose_turn(m);
        if (h)
            run_turn(m, h, until);
        else if (m->paced || !machine_skip(m))
            return STOP_IDLE;
    }
    return m->stop;
}
