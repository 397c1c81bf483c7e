/*
 * Interrupts that come late, harts of unlike speed, instructions that are remembered: the smaller freedoms.
 *
 * unkind.h names who permits each. Read next: order.c.
 */
#include "unkind.h"

enum {
    SC_LOST_MAX = 16,
    IPI_LATE = 2000, /* units of time, at most */
    TIMER_LATE = 5000,
    STILL_ONE_IN = 5000, /* turns */
    STILL_MAX = 1 << 22, /* steps */
};

void unkind_reset(struct hart *h)
{
    order_reset(h);
    line_forget(h);
    table_forget(h, false);
}

/* ---- Harts that meet ---- */

bool machine_meet(struct hart *h, uint64_t pa)
{
    (void)pa;
    return machine_random(h->machine, 4) == 0;
}

static void touch(struct hart *h, uint64_t pa)
{
    struct machine *m = h->machine;
    uint8_t *last = &m->unkind.toucher[(pa / 64 ^ pa / 64 / LINES_WATCHED) % LINES_WATCHED];
    uint8_t self = (uint8_t)(h - m->hart + 1);

    if (*last && *last != self && machine_meet(h, pa)) {
        m->unkind.met = true;
        m->turn_end = 0;
    }
    *last = self;
}

bool unkind_load(struct hart *h, uint64_t pa, unsigned size, uint64_t *value)
{
    if (unkind(h->machine, UNKIND_MEETINGS))
        touch(h, pa);
    return unkind(h->machine, UNKIND_ORDER) && order_load(h, pa, size, value);
}

bool unkind_store(struct hart *h, uint64_t pa, unsigned size, uint64_t value)
{
    if (unkind(h->machine, UNKIND_MEETINGS))
        touch(h, pa);
    return unkind(h->machine, UNKIND_ORDER) && order_store(h, pa, size, value);
}

void unkind_atomic(struct hart *h, uint64_t pa, unsigned size)
{
    if (unkind(h->machine, UNKIND_MEETINGS))
        touch(h, pa);
    if (unkind(h->machine, UNKIND_ORDER))
        order_atomic(h, pa, size);
}

/* Section 8.2 wants no reason of an SC that fails; 8.3 wants a constrained loop to end. */
bool sc_fails(struct hart *h)
{
    if (h->unkind.sc_lost < SC_LOST_MAX && machine_random(h->machine, 4) == 0) {
        h->unkind.sc_lost++;
        return true;
    }
    h->unkind.sc_lost = 0;
    return false;
}

/* ---- Instructions ---- */

/* A line that is remembered stays so for long: what has been stored there since is not fetched. */
uint16_t line_half(struct hart *h, const uint8_t *at)
{
    struct machine *m = h->machine;
    uint64_t number = (uint64_t)(at - m->memory) / LINE_SIZE;
    struct line_kept *line = &h->unkind.line[number % LINES_KEPT];
    uint16_t half;

    if (line->number != number && machine_random(m, line->number == NEVER ? 4 : 64) == 0) {
        line->number = number;
        __builtin_memcpy(line->bytes, m->memory + number * LINE_SIZE, LINE_SIZE);
    }
    if (line->number == number)
        at = line->bytes + (uint64_t)(at - m->memory) % LINE_SIZE;
    __builtin_memcpy(&half, at, 2);
    return half;
}

void line_forget(struct hart *h)
{
    for (unsigned i = 0; i < LINES_KEPT; i++)
        h->unkind.line[i].number = NEVER;
}

/* ---- Interrupts ---- */

/* An IPI to a hart that has not seen the last one becomes one with it. */
void ipi_sent(struct hart *h)
{
    if (!h->unkind.ipi_at)
        h->unkind.ipi_at = machine_time(h->machine) + 1 + machine_random(h->machine, IPI_LATE);
    h->machine->turn_end = 0;
}

void timer_set(struct hart *h)
{
    h->unkind.timer_late = machine_random(h->machine, TIMER_LATE);
}

uint64_t interrupts_seen(struct hart *h)
{
    uint64_t now = machine_time(h->machine);

    if (h->unkind.ipi_at && h->unkind.ipi_at <= now) {
        h->unkind.ipi_at = 0;
        h->sip |= 1ULL << IRQ_SOFTWARE;
    }
    return now >= h->timecmp && now - h->timecmp >= h->unkind.timer_late ? NEVER
                                                                         : ~(1ULL << IRQ_TIMER);
}

uint64_t interrupts_due(const struct hart *h)
{
    uint64_t next = NEVER;

    if (h->sie & 1U << IRQ_TIMER && h->timecmp < NEVER - TIMER_LATE)
        next = h->timecmp + h->unkind.timer_late;
    if (h->sie & 1U << IRQ_SOFTWARE && h->unkind.ipi_at && h->unkind.ipi_at < next)
        next = h->unkind.ipi_at;
    return next;
}

bool wfi_returns(struct hart *h)
{
    return machine_random(h->machine, 4) == 0;
}

/* ---- Turns ---- */

void unkind_pass(struct machine *m)
{
    for (unsigned i = 0; i < m->options.harts; i++) {
        if (unkind(m, UNKIND_ORDER))
            order_due(&m->hart[i]);
        if (unkind(m, UNKIND_TLB_SPECULATES) && machine_random(m, 4) == 0)
            tlb_speculate(&m->hart[i]);
    }
}

void unkind_idle(struct machine *m)
{
    for (unsigned i = 0; i < m->options.harts; i++)
        order_all(&m->hart[i]);
}

/* One hart is slower than the others, which one the seed says; each stands still at times. */
static uint32_t turn_length(struct machine *m, unsigned index)
{
    uint32_t slice = m->options.slice;

    if (index == m->options.seed % m->options.harts && slice >= 8)
        slice /= 8;
    return 1 + machine_random(m, slice);
}

static bool stands_still(struct machine *m, struct hart *h)
{
    if (m->steps < h->unkind.still_until)
        return true;
    if (machine_random(m, STILL_ONE_IN))
        return false;
    h->unkind.still_until = m->steps + machine_random(m, STILL_MAX);
    return true;
}

struct hart *unkind_turn(struct machine *m, bool (*can_run)(struct hart *h))
{
    struct hart *can[HARTS_MAX], *chosen;
    uint32_t n = 0, first;

    for (unsigned i = 0; i < m->options.harts; i++)
        if (can_run(&m->hart[i]))
            can[n++] = &m->hart[i];
    if (n == 0)
        return NULL;
    first = machine_random(m, n);
    for (uint32_t i = 0; i < n; i++) {
        chosen = can[(first + i) % n];
        if (!stands_still(m, chosen))
            break;
    }
    m->turn = (uint32_t)(chosen - m->hart);
    m->turn_left = turn_length(m, m->turn);
    return chosen;
}
