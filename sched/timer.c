/*
 * Time and timers.
 *
 * Owns one list of timers for each hart, sorted by deadline. A timer is on the list of the hart
 * that added it, and that hart's interrupt runs it. queue->lock (RANK_TIMER) guards the list and
 * the timers on it; it is not held while fn runs: `running` says which one does, so that
 * ktimer_cancel() can wait for its end.
 *
 * Called by sleep (syscall/), drivers that poll, the boot watchdog. Read next: sched/sched.c.
 */
#include "sched/timer.h"

#include "asm/cpu.h"
#include "asm/timer.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "sched/task.h"

struct timer_queue {
    struct spinlock lock;
    struct ktimer *first;         /* [lock] */
    const struct ktimer *running; /* [lock] the timer whose fn runs; NULL = none */
};

/* A task in sleep_ticks(). */
struct sleeper {
    struct ktimer timer;
    struct task *task; /* [I] */
    bool over;         /* [a] */
};

static struct timer_queue queues[NCPU_MAX] = {
    [0 ... NCPU_MAX - 1] = { .lock = SPINLOCK_INIT("timer", RANK_TIMER) },
};

static uint64_t boot_time;   /* [I] after timer_start() */
static uint64_t tick_length; /* [I] in time units; 0 before timer_start() */

void timer_start(void)
{
    boot_time = time_now();
    tick_length = timebase_hz / TICKS_PER_SECOND;
}

static uint64_t ticks_long(void)
{
    return tick_length ? (time_now() - boot_time) / tick_length : 0;
}

uint32_t ticks(void)
{
    return (uint32_t)ticks_long();
}

uint64_t timer_ms(uint64_t ms)
{
    return ms * timebase_hz / 1000;
}

void timer_arm(uint64_t deadline)
{
    if (deadline < this_cpu()->timer_deadline)
        timer_set(deadline);
}

static void queue_insert(struct timer_queue *q, struct ktimer *t) __must_hold(&q->lock)
{
    struct ktimer **at = &q->first;

    while (*at && (*at)->deadline <= t->deadline)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    t->queued = true;
}

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
    struct timer_queue *q = &queues[cpu_id()];

    ASSERT(!t->queued);
    spin_lock(&q->lock);
    t->deadline = deadline;
    t->fn = fn;
    t->cpu = cpu_id();
    queue_insert(q, t);
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

/* Run one timer that is due. => false when there is none; *next is the deadline to come. */
static bool run_due(struct timer_queue *q, uint64_t now, uint64_t *next)
{
    struct ktimer *t;

    spin_lock(&q->lock);
    t = q->first;
    if (!t || t->deadline > now) {
        *next = t ? t->deadline : TIMER_NEVER;
        spin_unlock(&q->lock);
        return false;
    }
    queue_remove(q, t);
    q->running = t;
    spin_unlock(&q->lock);
    t->fn(t);
    /* *t may be gone from here on. */
    spin_lock(&q->lock);
    q->running = NULL;
    spin_unlock(&q->lock);
    return true;
}

void timer_run(void)
{
    struct timer_queue *q = &queues[cpu_id()];
    uint64_t now = time_now(), next, wanted;

    while (run_due(q, now, &next))
        ;
    wanted = sched_tick(now);
    timer_arm(wanted < next ? wanted : next);
}

static void end_sleep(struct ktimer *t)
{
    struct sleeper *s = container_of(t, struct sleeper, timer);

    __atomic_store_n(&s->over, true, __ATOMIC_SEQ_CST);
    /* ktimer_cancel() in the sleeper waits for the end of this function: s and task are there. */
    task_wake(s->task);
}

int sleep_ticks(uint64_t n)
{
    struct sleeper s = { .task = current() };
    uint64_t end = boot_time + (ticks_long() + n) * tick_length;

    assert_can_sleep();
    if (n == 0)
        return 0;
    ktimer_add(&s.timer, end, end_sleep);
    for (;;) {
        task_prepare_sleep(TASK_SLEEPING_KILLABLE);
        if (__atomic_load_n(&s.over, __ATOMIC_SEQ_CST) || task_killed(s.task))
            break;
        task_block();
    }
    task_cancel_sleep();
    ktimer_cancel(&s.timer);
    return task_killed(s.task) ? -EINTR : 0;
}
