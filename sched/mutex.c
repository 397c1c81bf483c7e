/*
 * Sleeping locks.
 *
 * Owns struct mutex, and task->mutexes, by which a fault knows whether it may sleep. The owner
 * field is the lock: taken by one compare-and-swap when free. Who finds it taken counts itself in
 * nwaiting, under guard, and tries again before it sleeps; who unlocks clears the owner first and
 * looks at nwaiting afterwards. Both sides are sequentially consistent, so one of them sees the
 * other.
 *
 * Called by fs/, drivers/. Read next: sched/ktimer.c.
 */
#include "sched/mutex.h"

#include "asm/cpu.h"
#include "lib/assert.h"
#include "lib/atomic.h"
#include "sched/task.h"

#define SPINS_MAX 200 /* looks at a taken mutex before its waiter sleeps */

void mutex_init(struct mutex *m)
{
    m->owner = NULL;
    m->nwaiting = 0;
    spin_init(&m->guard, "mutex", RANK_WAITQ - 1);
    waitqueue_init(&m->wq);
}

bool mutex_trylock(struct mutex *m)
{
    struct task *nobody = NULL;

    if (!compare_and_swap(&m->owner, &nobody, current()))
        return false;
    current()->mutexes++;
    return true;
}

/* Most are held for a moment, by a task on another hart: to wait for that costs less than sleep. */
static bool spin_for(struct mutex *m)
{
    for (unsigned i = cpu_count > 1 ? SPINS_MAX : 0; i > 0; i--) {
        if (!__atomic_load_n(&m->owner, __ATOMIC_RELAXED) && mutex_trylock(m))
            return true;
        cpu_relax();
    }
    return false;
}

static void lock_slowly(struct mutex *m)
{
    if (spin_for(m))
        return;
    spin_lock(&m->guard);
    __atomic_fetch_add(&m->nwaiting, 1, __ATOMIC_SEQ_CST);
    while (!mutex_trylock(m))
        wait_on(&m->wq, &m->guard);
    __atomic_fetch_sub(&m->nwaiting, 1, __ATOMIC_RELAXED);
    spin_unlock(&m->guard);
}

void mutex_lock(struct mutex *m)
{
    assert_can_sleep();
    ASSERT(!mutex_held(m));
    if (!mutex_trylock(m))
        lock_slowly(m);
}

void mutex_unlock(struct mutex *m)
{
    ASSERT(mutex_held(m));
    current()->mutexes--;
    __atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&m->nwaiting, __ATOMIC_SEQ_CST) == 0)
        return;
    /* Through guard: a waiter that has tried in vain is on the queue once we have it. */
    spin_lock(&m->guard);
    wake_one(&m->wq);
    spin_unlock(&m->guard);
}

bool mutex_held(const struct mutex *m)
{
    return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == current();
}
