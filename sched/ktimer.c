/*
 * One-shot timers.
 *
 * Owns one list of timers for each hart, sorted by deadline. A timer is on the list of the hart
 * that added it, and that hart's interrupt runs it. queue->lock (RANK_TIMER) guards the list and
 * the timers on it; it is not held while fn runs: `running` says which one does, so that
 * ktimer_cancel() can wait for its end.
 *
 * Called by waits with an end, drivers and watchdogs; ktimer_run() by sched.c.
 */
#include "sched/ktimer.h"

#include "asm/cpu.h"
#include "asm/timer.h"
#include "lib/assert.h"
#include "lib/spinlock.h"
#include "runqueue.h"

struct timer_queue {
    struct spinlock lock;
    struct ktimer *first;         /* [lock] */
    const struct ktimer *running; /* [lock] the timer whose fn runs; NULL = none */
};

static struct timer_queue queues[NCPU_MAX] = {
    [0 ... NCPU_MAX - 1] = {.lock = SPINLOCK_INIT("timer", RANK_TIMER)},
};

static void queue_remove(struct timer_queue *q, struct ktimer *t) __must_hold(&q->lock)
{
    struct ktimer **at = &q->first;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->queued = false;
}

void ktimer_add(struct ktimer *t, uint64_t deadline, void (*fn)(struct ktimer *t))
{
    uint64_t irqs = irq_disable_save();
    struct timer_queue *q = &queues[this_cpu->id];
    struct ktimer **at = &q->first;

    ASSERT(!t->queued);
    spin_lock(&q->lock);
    while (*at && (*at)->deadline <= deadline)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    t->deadline = deadline;
    t->fn = fn;
    t->cpu = this_cpu->id;
    t->queued = true;
    spin_unlock(&q->lock);
    timer_arm(deadline);
    irq_restore(irqs);
}

void ktimer_cancel(struct ktimer *t)
{
    struct timer_queue *q = &queues[t->cpu];
    bool running = true;

    while (running) {
        spin_lock(&q->lock);
        if (t->queued)
            queue_remove(q, t);
        running = q->running == t;
        spin_unlock(&q->lock);
        if (running)
            cpu_relax();
    }
}

uint64_t ktimer_run(uint64_t now)
{
    struct timer_queue *q = &queues[this_cpu->id];
    struct ktimer *t;
    uint64_t next;

    spin_lock(&q->lock);
    while ((t = q->first) && t->deadline <= now) {
        queue_remove(q, t);
        q->running = t;
        spin_unlock(&q->lock);
        t->fn(t); /* *t may be gone from here on */
        spin_lock(&q->lock);
        q->running = NULL;
    }
    next = t ? t->deadline : TIMER_NEVER;
    spin_unlock(&q->lock);
    return next;
}
