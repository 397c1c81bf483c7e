/*
 * Sleeping locks, for what is held across disk input and output.
 *
 * Waiting for one is not ended by a kill. Not for interrupt handlers. A mutex has no rank: its
 * users write their order down (fs/inode.h).
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

#define MUTEX_INIT(m)                                                                              \
    {                                                                                              \
        .guard = SPINLOCK_INIT("mutex", RANK_WAITQ - 1),                                           \
        .wq = WAITQUEUE_INIT((m).wq),                                                              \
    }

/*
 * Make a mutex, free.
 */
void mutex_init(struct mutex *m);

/*
 * Take the mutex, sleeping until it is free.
 * => no spin lock held; not held by the caller already.
 */
void mutex_lock(struct mutex *m);

/*
 * Take the mutex if that needs no waiting.
 * => true: taken. Allowed under spin locks.
 */
bool mutex_trylock(struct mutex *m);

/*
 * Let the mutex go and wake one who waits for it.
 * => held by the caller. Allowed under spin locks of a rank below RANK_WAITQ - 1.
 */
void mutex_unlock(struct mutex *m);

/*
 * True when the running task holds the mutex; for assertions.
 */
bool mutex_held(const struct mutex *m);

#endif
