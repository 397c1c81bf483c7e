/*
 * Sleeping locks, for what is held across disk input and output.
 *
 * Waiting for one is not ended by a kill. Not for interrupt handlers. A mutex has no rank: its
 * users write their order down (fs/log.h).
 */
#ifndef SCHED_MUTEX_H
#define SCHED_MUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/spinlock.h"
#include "sched/waitqueue.h"

struct task;

struct mutex {
    struct task *owner;    /* [a] NULL = free */
    uint32_t nwaiting;     /* [a] changed under guard */
    struct spinlock guard; /* orders going to sleep with unlocking */
    struct waitqueue wq;
};

#define MUTEX_INIT(m)                                                             \
    {                                                                             \
        .guard = SPINLOCK_INIT("mutex", RANK_MUTEX), .wq = WAITQUEUE_INIT((m).wq) \
    }

/* Makes a mutex, free. */
void mutex_init(struct mutex *m);

/*
 * Takes the mutex, sleeping until it is free.
 * => may sleep: no spin lock held; not held by the caller already
 */
void mutex_lock(struct mutex *m);

/*
 * Lets the mutex go and wakes a task that waits for it.
 * => held by the caller; takes a lock of RANK_MUTEX
 */
void mutex_unlock(struct mutex *m);

/* Whether the running task holds the mutex; for assertions. */
bool mutex_held(const struct mutex *m);

#endif
