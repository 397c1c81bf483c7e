/*
 * Wait queues: which tasks wait for what.
 *
 * Owns struct waitqueue. Its lock (RANK_WAITQ) guards the list, and more: a waiter's node lies on
 * the waiter's stack, and the waiter leaves only after it has held the lock once more. So a waker,
 * which holds the lock while it touches node and task, never sees either go away.
 *
 * No wake-up is lost: the waiter is on the list, and its state is set, before it lets go of the
 * caller's lock; a waker that has changed the condition after that finds it.
 *
 * Called by everything that sleeps. Read next: task.c.
 */
#include "sched/waitqueue.h"

#include "asm/timer.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "runqueue.h"
#include "sched/ktimer.h"

struct waiter {
    struct list link;  /* [wq lock] */
    struct task *task; /* [I] */
};

void waitqueue_init(struct waitqueue *wq)
{
    *wq = (struct waitqueue)WAITQUEUE_INIT(*wq);
}

/* Sleeps on wq once, in the given state; held is let go meanwhile. */
static void sleep_on(struct waitqueue *wq, struct spinlock *held,
                     enum task_state how) __no_lock_analysis
{
    struct task *me = current();
    struct waiter w = {.task = me};

    CHECK_ASSERT(spin_held(held) && this_cpu->irq_depth == 1);
    spin_lock(&wq->lock);
    list_push_back(&wq->waiters, &w.link);
    __atomic_store_n(&me->state, (uint32_t)how, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* task_wake() pairs */
    spin_unlock(&wq->lock);
    spin_unlock(held);
    assert_can_sleep();
    irq_off();
    if (me->idle)
        idle_until_woken();
    else
        schedule();
    irq_on();
    spin_lock(held);
    spin_lock(&wq->lock);
    list_remove(&w.link);
    spin_unlock(&wq->lock);
}

void wait_on(struct waitqueue *wq, struct spinlock *held)
{
    sleep_on(wq, held, TASK_SLEEPING);
}

int wait_on_killable(struct waitqueue *wq, struct spinlock *held)
{
    if (!task_killed(current()))
        sleep_on(wq, held, TASK_SLEEPING_KILLABLE);
    return task_killed(current()) ? -EINTR : 0;
}

/* The end of the wait of a task that does not want to wait longer. */
struct alarm {
    struct ktimer timer;
    struct task *task; /* [I] */
};

static void ring_alarm(struct ktimer *t)
{
    task_wake(container_of(t, struct alarm, timer)->task);
}

int wait_on_until(struct waitqueue *wq, struct spinlock *held, uint64_t deadline)
{
    struct alarm alarm = {.task = current()};
    int err;

    if (time_now() >= deadline)
        return -ETIMEDOUT;
    /* `held` keeps interrupts out: the alarm cannot ring before the task is about to sleep. */
    ktimer_add(&alarm.timer, deadline, ring_alarm);
    err = wait_on_killable(wq, held);
    ktimer_cancel(&alarm.timer);
    return err;
}

/*
 * The first look is without the queue's lock: a waiter that came under the caller's lock is seen.
 * Whoever is woken leaves the list here, or the next wake would find it again.
 */
void wake_all(struct waitqueue *wq)
{
    struct list *first;

    if (__atomic_load_n(&wq->waiters.next, __ATOMIC_RELAXED) == &wq->waiters)
        return;
    spin_lock(&wq->lock);
    while ((first = list_pop_front(&wq->waiters)))
        task_wake(list_entry(first, struct waiter, link)->task);
    spin_unlock(&wq->lock);
}

void wake_one(struct waitqueue *wq)
{
    struct list *first;

    if (__atomic_load_n(&wq->waiters.next, __ATOMIC_RELAXED) == &wq->waiters)
        return;
    spin_lock(&wq->lock);
    first = list_pop_front(&wq->waiters);
    if (first)
        task_wake(list_entry(first, struct waiter, link)->task);
    spin_unlock(&wq->lock);
}
