/*
 * Wait queues: tasks that wait for one condition. A wake-up touches only the waiters.
 *
 * The condition is guarded by a spin lock of the caller's; the queue has its own, inner lock
 * (RANK_WAITQ), so a waker may have let the caller's lock go. The pattern:
 *
 *     spin_lock(&x->lock);
 *     while (!condition)
 *         if (wait_on_killable(&x->wq, &x->lock)) {
 *             spin_unlock(&x->lock);
 *             return -EINTR;
 *         }
 *     ...
 *
 * and the waker: lock, make it true, wake_all(&x->wq), unlock.
 */
#ifndef SCHED_WAITQUEUE_H
#define SCHED_WAITQUEUE_H

#include <stdint.h>

#include "lib/list.h"
#include "lib/spinlock.h"

struct waitqueue {
    struct spinlock lock;
    struct list waiters; /* [lock] struct waiter, in order of arrival */
};

#define WAITQUEUE_INIT(wq)                                                                 \
    {                                                                                      \
        .lock = SPINLOCK_INIT("waitqueue", RANK_WAITQ), .waiters = LIST_INIT((wq).waiters) \
    }

/* Makes a wait queue empty. */
void waitqueue_init(struct waitqueue *wq);

/*
 * Sleeps until woken. May return early: the caller tests its condition again. Kills do not end it.
 * => may sleep: holds `held` and no other spin lock; let go while asleep, held again on return
 */
void wait_on(struct waitqueue *wq, struct spinlock *held);

/*
 * Sleeps until woken or killed.
 * => as wait_on(); 0, or -EINTR when the task has been killed; held is held either way
 */
int wait_on_killable(struct waitqueue *wq, struct spinlock *held);

/*
 * Sleeps until woken or killed, or until time_now() reaches `deadline`.
 * => as wait_on_killable(); -ETIMEDOUT when the deadline has passed before the sleep
 */
int wait_on_until(struct waitqueue *wq, struct spinlock *held, uint64_t deadline);

/*
 * Wakes all waiters; where there is none, it costs next to nothing.
 * => the caller holds the lock that the waiters pass to wait_on(), or has held it since the
 *    condition came true: every task already waiting is on the queue
 * => callable from interrupts, and with locks before RANK_WAITQ held
 */
void wake_all(struct waitqueue *wq);

/* Wakes the task that waits longest. => as wake_all() */
void wake_one(struct waitqueue *wq);

#endif
