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

#include "lib/annotate.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "lib/spinlock.h"
#include "sched/task.h"
#include "sched/waitqueue.h"

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

/* mutex_lock() of one that is taken, and mutex_unlock() of one that is waited for: the rare half of each. */
void mutex_wait(struct mutex *m);
void mutex_wake(struct mutex *m);

/* Takes the mutex if it is free. => whether it was */
static inline bool mutex_try(struct mutex *m)
{
    struct task *nobody = NULL;

    if (!compare_and_swap(&m->owner, &nobody, current()))
        return false;
    current()->mutexes++;
    return true;
}

/*
 * Takes the mutex, sleeping until it is free.
 * => may sleep: no spin lock held; not held by the caller already
 */
static inline void mutex_lock(struct mutex *m)
{
    assert_can_sleep();
    ASSERT(__atomic_load_n(&m->owner, __ATOMIC_RELAXED) != current());
    if (unlikely(!mutex_try(m)))
        mutex_wait(m);
}

/*
 * Lets the mutex go and wakes a task that waits for it.
 * => held by the caller; takes a lock of RANK_MUTEX
 */
static inline void mutex_unlock(struct mutex *m)
{
    ASSERT(__atomic_load_n(&m->owner, __ATOMIC_RELAXED) == current());
    current()->mutexes--;
    __atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
    if (unlikely(__atomic_load_n(&m->nwaiting, __ATOMIC_SEQ_CST) > 0))
        mutex_wake(m);
}

/* Whether the running task holds the mutex; for assertions. */
bool mutex_held(const struct mutex *m);

#endif
