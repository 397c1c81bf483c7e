/*
 * The past of memory: what a load may still see, although it has been overwritten.
 *
 * A hart may do a load early, before loads that come before it, if nothing orders the two. Here the load is done when its
 * turn comes, but may take a value of some time ago: as if it had been done then. Time is the count of stores that have
 * reached memory, and the last PAST of them are kept with what they overwrote. So all harts have one order of stores (the
 * specification's global memory order), and a load has its place in it.
 *
 * How far back a load may go: not behind the hart's floor (a fence with R behind it, an acquire, a walk of the page table,
 * an interrupt), not behind the loads that its address depends on, not behind this hart's last access to those bytes.
 *
 * Source: unprivileged specification, sections 14.1.3 and 14.1.4.
 */
#include "unkind.h"

#define GRAIN 8 /* bytes that are kept together; a load never crosses two of them here */

static unsigned slot(uint64_t pa)
{
    return (unsigned)((pa / GRAIN ^ pa / GRAIN / TOUCHED) % TOUCHED);
}

static uint64_t grain(const struct machine *m, uint64_t pa)
{
    const uint8_t *at = bus_ram(m, pa & ~(uint64_t)(GRAIN - 1), GRAIN);
    uint64_t value = 0;

    if (at)
        __builtin_memcpy(&value, at, GRAIN);
    return value;
}

static void note(struct hart *h, uint64_t pa)
{
    struct unkind_machine *u = &h->machine->unkind;

    u->past[u->npast % PAST] = (struct past){pa & ~(uint64_t)(GRAIN - 1), grain(h->machine, pa)};
    u->npast++;
    u->changed[slot(pa)] = h->unkind.touched[slot(pa)] = u->npast;
}

void early_note(struct hart *h, uint64_t pa, unsigned size)
{
    note(h, pa);
    if (pa / GRAIN != (pa + size - 1) / GRAIN)
        note(h, pa + size - 1);
}

void early_end(struct hart *h)
{
    h->unkind.floor = h->machine->unkind.npast;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The grain as it was when only `time` stores had been done. */
static uint64_t grain_at(const struct machine *m, uint64_t pa, uint64_t time)
{
    const struct unkind_machine *u = &m->unkind;
    uint64_t value = grain(m, pa);

    for (uint64_t i = u->npast; i-- > time;)
        if (u->past[i % PAST].pa == (pa & ~(uint64_t)(GRAIN - 1)))
            value = u->past[i % PAST].value;
    return value;
}

/* Now, or as early as may be, or between. */
static uint64_t some_time(struct machine *m, uint64_t first)
{
    uint64_t now = m->unkind.npast;

    switch (machine_random(m, 4)) {
    case 0:
        return first;
    case 1:
        return first + machine_random(m, (uint32_t)(now - first + 1));
    default:
        return now;
    }
}

uint64_t early_load(struct hart *h, uint64_t pa, unsigned size, uint64_t bound, uint64_t *at)
{
    const struct unkind_machine *u = &h->machine->unkind;
    struct unkind_hart *own = &h->unkind;
    bool whole = pa % GRAIN + size <= GRAIN;
    uint64_t first = later(own->floor, own->touched[slot(pa)]), value;

    *at = u->npast;
    first = later(first, bound);
    if (u->npast > PAST)
        first = later(first, u->npast - PAST);
    if (!whole) {
        bus_load(h->machine, pa, size, &value);
        own->touched[slot(pa)] = own->touched[slot(pa + size - 1)] = *at;
        return value;
    }
    if (u->changed[slot(pa)] > first)
        *at = some_time(h->machine, first);
    own->touched[slot(pa)] = *at;
    value = grain_at(h->machine, pa, *at) >> 8 * (pa % GRAIN);
    return size == GRAIN ? value : value & ((1ULL << 8 * size) - 1);
}
