/*
 * How long interrupts are kept waiting.
 *
 * A timer interrupt that is due waits as long as its hart runs with interrupts off. So a timer that
 * is always due again soon, and each time notes how late it is, finds the longest such stretch,
 * whatever code it is in. Owns `sampler`. Called by syscall/.
 * What keeps such stretches short: mm/space.h, mm_work().
 */
#include "sched/latency.h"

#include "asm/timer.h"
#include "sched/task.h"
#include "sched/ktimer.h"

static struct {
    struct ktimer timer;
    uint64_t every; /* [a] 0: stopped */
    uint64_t worst; /* [a] time units */
} sampler;

static void sample(struct ktimer *t)
{
    uint64_t now = time_now(), late = now - t->deadline;

    /* An idle hart waits with interrupts let in; how long it took to wake is the machine's affair. */
    if (!current()->idle && late > __atomic_load_n(&sampler.worst, __ATOMIC_RELAXED))
        __atomic_store_n(&sampler.worst, late, __ATOMIC_RELAXED);
    ktimer_add(t, now + __atomic_load_n(&sampler.every, __ATOMIC_RELAXED), sample);
}

uint64_t latency_sample(uint64_t every)
{
    ktimer_cancel(&sampler.timer);
    __atomic_store_n(&sampler.every, every, __ATOMIC_RELAXED);
    if (every)
        ktimer_add(&sampler.timer, time_now() + every, sample);
    return __atomic_exchange_n(&sampler.worst, 0, __ATOMIC_RELAXED);
}
