/*
 * Memory order: the order in which a hart's loads and stores are done, when the hart is unkind.
 *
 * A hart takes its instructions one after the other. A store goes into the hart's own buffer and leaves for memory some
 * time later, in any order but for what the rules below say. A load may be left undone: its address is translated, its
 * register is marked, and memory is read only when an instruction needs the register, or when a rule or chance says so.
 * early.c does the opposite: it gives a load a value of some time ago. Together each of the four pairs of loads and stores
 * may be seen the other way round.
 *
 * What keeps the order, by the number of the rule in the unprivileged specification, section 14.1.3:
 *    1  a store waits for stores to the same bytes; loads of them are done before it is taken   order_store(), leave()
 *    2  loads of the same bytes are done in order, and early.c never goes back behind the last   order_load()
 *    3  what an AMO or SC stores is in memory at once, and early_note() says that we were there   order_atomic()
 *    4  fence                                                                                    order_fence()
 *    5-7  .aq ends the past; .rl waits for everything                                            order_atomic()
 *    8  LR and SC are done at once
 *    9-13  an instruction that needs a register waits for the load of it                         order_before()
 * A load whose bytes lie in the buffer takes them from there (the load value axiom, section 14.1.4). Everything leaves some
 * day (the progress axiom): each store and load has a step at which it goes by itself.
 */
#include "unkind.h"

enum {
    OPCODE_LOAD = 0x03,
    OPCODE_FENCE = 0x0f,
    OPCODE_IMM = 0x13,
    OPCODE_IMM32 = 0x1b,
    OPCODE_STORE = 0x23,
    OPCODE_OP = 0x33,
    OPCODE_OP32 = 0x3b,
    OPCODE_BRANCH = 0x63,
};

enum {
    FENCE_WRITES = 1,
    FENCE_READS = 2,
    FENCE_OUT = 4,
    FENCE_IN = 8,
    FENCE_TSO = 8
};

#define RELEASE (1U << 25)
#define ACQUIRE (1U << 26)

static bool overlap(uint64_t a, unsigned asize, uint64_t b, unsigned bsize)
{
    return a < b + bsize && b < a + asize;
}

/* Most go soon, some stay long: a store that stays while others leave is what finds mistakes. */
static uint64_t some_time(struct hart *h)
{
    struct machine *m = h->machine;

    return m->steps + 1 + machine_random(m, 1U << (2 + machine_random(m, 11)));
}

static void note_due(struct hart *h, uint64_t due)
{
    if (due < h->unkind.due)
        h->unkind.due = due;
}

/* ---- Stores ---- */

static bool must_wait(const struct store *later, const struct store *earlier)
{
    return earlier->epoch < later->epoch ||
           overlap(earlier->pa, earlier->size, later->pa, later->size);
}

/* A store leaves for memory, after those that it must wait for. */
static void leave(struct hart *h, uint32_t which)
{
    struct unkind_hart *u = &h->unkind;
    struct store store;

    for (uint32_t i = 0; i < which;) {
        uint32_t before = u->nstores;

        if (!must_wait(&u->store[which], &u->store[i])) {
            i++;
            continue;
        }
        leave(h, i);
        which -= before - u->nstores;
        i = 0;
    }
    store = u->store[which];
    u->nstores--;
    for (uint32_t i = which; i < u->nstores; i++)
        u->store[i] = u->store[i + 1];
    bus_store(h, store.pa, store.size, store.value);
}

void order_stores(struct hart *h)
{
    while (h->unkind.nstores)
        leave(h, 0);
}

static void leave_before(struct hart *h, uint64_t epoch)
{
    for (uint32_t i = 0; i < h->unkind.nstores;) {
        if (h->unkind.store[i].epoch < epoch) {
            leave(h, i);
            i = 0;
        } else {
            i++;
        }
    }
}

/* ---- Loads ---- */

static uint64_t with_sign(uint64_t value, uint32_t funct)
{
    unsigned unused = 64 - (8U << (funct & 3));

    return funct & 4 ? value << unused >> unused : (uint64_t)((int64_t)(value << unused) >> unused);
}

/*
 * The bytes of own stores that have not left lie over those of memory, which was read as of *at. What depends on the
 * value then depends on the loads that those stores depended on (rule 12).
 */
static void forward(const struct hart *h, uint64_t pa, unsigned size, uint64_t *value, uint64_t *at)
{
    uint64_t covered = 0, bound = 0;

    for (uint32_t i = 0; i < h->unkind.nstores; i++) {
        const struct store *s = &h->unkind.store[i];

        for (unsigned byte = 0; byte < s->size && overlap(pa, size, s->pa, s->size); byte++) {
            uint64_t place = s->pa + byte - pa;

            if (place < size) {
                *value &= ~(0xffULL << 8 * place);
                *value |= (s->value >> 8 * byte & 0xff) << 8 * place;
                covered |= 1ULL << place;
                bound = s->bound > bound ? s->bound : bound;
            }
        }
    }
    if (covered == (1ULL << size) - 1 || (covered && bound > *at))
        *at = bound;
}

static void finish(struct hart *h, unsigned reg)
{
    struct unkind_hart *u = &h->unkind;
    const struct late *late = &u->late[reg];
    unsigned size = 1U << (late->funct & 3);
    uint64_t value = early_load(h, late->pa, size, late->bound, &u->bound[reg]);

    u->late_mask &= ~(1U << reg);
    forward(h, late->pa, size, &value, &u->bound[reg]);
    h->x[reg] = with_sign(value, late->funct);
}

static void finish_some(struct hart *h, uint32_t mask)
{
    for (mask &= h->unkind.late_mask; mask; mask &= mask - 1)
        finish(h, (unsigned)__builtin_ctz(mask));
}

static void finish_overlapping(struct hart *h, uint64_t pa, unsigned size)
{
    for (uint32_t mask = h->unkind.late_mask; mask; mask &= mask - 1) {
        const struct late *late = &h->unkind.late[__builtin_ctz(mask)];

        if (overlap(pa, size, late->pa, 1U << (late->funct & 3)))
            finish(h, (unsigned)__builtin_ctz(mask));
    }
}

/* ---- Chance ---- */

void order_due(struct hart *h)
{
    struct unkind_hart *u = &h->unkind;
    uint64_t now = h->machine->steps;

    if (now < u->due)
        return;
    for (uint32_t mask = u->late_mask; mask; mask &= mask - 1)
        if (u->late[__builtin_ctz(mask)].due <= now)
            finish(h, (unsigned)__builtin_ctz(mask));
    for (uint32_t i = 0; i < u->nstores;) {
        if (u->store[i].due <= now) {
            leave(h, i);
            i = 0;
        } else {
            i++;
        }
    }
    u->due = NEVER;
    for (uint32_t mask = u->late_mask; mask; mask &= mask - 1)
        note_due(h, u->late[__builtin_ctz(mask)].due);
    for (uint32_t i = 0; i < u->nstores; i++)
        note_due(h, u->store[i].due);
}

/* ---- What an instruction needs ---- */

/* Which loads the value of rd depends on: those of its operands. A load says it by itself. */
static void carry(struct hart *h, uint32_t insn)
{
    struct unkind_hart *u = &h->unkind;
    uint64_t rs1 = u->bound[insn >> 15 & 31], rs2 = u->bound[insn >> 20 & 31];

    switch (insn & 127) {
    case OPCODE_LOAD:
    case OPCODE_STORE:
    case OPCODE_BRANCH:
        return;
    case OPCODE_IMM:
    case OPCODE_IMM32:
        rs2 = 0;
        break;
    case OPCODE_OP:
    case OPCODE_OP32:
        break;
    default: /* atomics and control registers: as if it were read now */
        rs1 = h->machine->unkind.npast;
    }
    u->bound[insn >> 7 & 31] = rs1 > rs2 ? rs1 : rs2;
    u->bound[0] = 0;
}

void order_before(struct hart *h, uint32_t insn)
{
    struct unkind_hart *u = &h->unkind;

    if (h->machine->steps >= u->due)
        order_due(h);
    u->insn = insn;
    if (u->late_mask)
        finish_some(h, 1U << (insn >> 15 & 31) | 1U << (insn >> 20 & 31) | 1U << (insn >> 7 & 31));
    carry(h, insn);
}

bool order_load(struct hart *h, uint64_t pa, unsigned size, uint64_t *value)
{
    struct unkind_hart *u = &h->unkind;
    struct machine *m = h->machine;
    unsigned rd = u->insn >> 7 & 31;
    bool plain = (u->insn & 127) == OPCODE_LOAD;
    uint64_t bound = u->bound[u->insn >> 15 & 31], at;

    if (!bus_ram(m, pa, size)) {
        leave_before(h, u->device_epoch);
        return false;
    }
    finish_overlapping(h, pa, size);
    if (plain && rd && pa % size == 0 && machine_random(m, 4) == 0) {
        u->late[rd] = (struct late){pa, some_time(h), bound, u->insn >> 12 & 7};
        u->late_mask |= 1U << rd;
        note_due(h, u->late[rd].due);
        *value = 0;
        return true;
    }
    *value = early_load(h, pa, size, bound, &at);
    forward(h, pa, size, value, &at);
    if (rd && plain)
        u->bound[rd] = at;
    return true;
}

bool order_store(struct hart *h, uint64_t pa, unsigned size, uint64_t value)
{
    struct unkind_hart *u = &h->unkind;
    uint64_t bound;

    if (!bus_ram(h->machine, pa, size)) {
        leave_before(h, u->device_epoch);
        return false;
    }
    finish_overlapping(h, pa, size);
    if (u->nstores == LATE_STORES)
        leave(h, machine_random(h->machine, LATE_STORES));
    bound = u->bound[u->insn >> 15 & 31];
    if (u->bound[u->insn >> 20 & 31] > bound)
        bound = u->bound[u->insn >> 20 & 31];
    u->store[u->nstores] = (struct store){pa, value, some_time(h), u->epoch, bound, size};
    note_due(h, u->store[u->nstores++].due);
    return true;
}

/* ---- Fences ---- */

void order_fence(struct hart *h, uint32_t insn)
{
    struct unkind_hart *u = &h->unkind;
    uint32_t before = insn >> 24 & 15, after = insn >> 20 & 15;
    bool tso = insn >> 28 == FENCE_TSO;

    if (!before || !after)
        return;
    if (before & FENCE_READS)
        finish_some(h, ~0U);
    if (before & FENCE_WRITES) {
        if (after & FENCE_READS && !tso)
            order_stores(h);
        u->epoch++;
        if (after & (FENCE_IN | FENCE_OUT))
            u->device_epoch = u->epoch;
    }
    if (after & FENCE_READS)
        early_end(h);
}

void order_atomic(struct hart *h, uint64_t pa, unsigned size)
{
    struct unkind_hart *u = &h->unkind;

    finish_overlapping(h, pa, size);
    if (u->insn & RELEASE)
        order_all(h);
    leave_before(h, u->epoch);
    for (uint32_t i = 0; i < u->nstores;) {
        if (overlap(pa, size, u->store[i].pa, u->store[i].size)) {
            leave(h, i);
            i = 0;
        } else {
            i++;
        }
    }
    if (u->insn & ACQUIRE) /* not before the store that comes now, either */
        u->floor = h->machine->unkind.npast + 1;
}

void order_call(struct hart *h)
{
    const uint32_t arguments = 0xff << 10;

    finish_some(h, arguments);
    early_end(h);
}

void order_all(struct hart *h)
{
    finish_some(h, ~0U);
    order_stores(h);
}

void order_reset(struct hart *h)
{
    h->unkind.late_mask = 0;
    order_stores(h);
    h->unkind.due = NEVER;
    early_end(h);
}
