/*
 * Sleeping locks.
 *
 * Owns struct mutex, and task->mutexes, by which a fault knows whether it may sleep. The owner
 * field is the lock: taken by one compare-and-swap when free (sched/mutex.h). A waiter counts itself in
 * nwaiting under guard, then tries once more before it sleeps. The unlocker clears owner first and
 * reads nwaiting second. Both are sequentially consistent, so one of the two sees the other.
 *
 * Called by fs/, drivers/, ipc/. Read next: waitqueue.c.
 */
#include "sched/mutex.h"

#include "asm/cpu.h"

#define SPINS_MAX 200 /* looks at a taken mutex before its waiter sleeps */

void mutex_init(struct mutex *m)
{
    *m = (struct mutex)MUTEX_INIT(*m);
}

/* Most are held for a moment, by a task on another hart: to wait for that costs less than sleep. */
static bool spin_for(struct mutex *m)
{
    for (unsigned i = cpu_count > 1 ? SPINS_MAX : 0; i > 0; i--) {
        if (!__atomic_load_n(&m->owner, __ATOMIC_RELAXED) && mutex_try(m))
            return true;
        cpu_relax();
    }
    return false;
}

void mutex_wait(struct mutex *m)
{
    if (spin_for(m))
        return;
    spin_lock(&m->guard);
    __atomic_fetch_add(&m->nwaiting, 1, __ATOMIC_SEQ_CST);
    while (!mutex_try(m))
        wait_on(&m->wq, &m->guard);
    __atomic_fetch_sub(&m->nwaiting, 1, __ATOMIC_RELAXED);
    spin_unlock(&m->guard);
}

/* Through guard: a waiter that has tried in vain is on the queue once the lock is had. */
void mutex_wake(struct mutex *m)
{
    spin_lock(&m->guard);
    wake_one(&m->wq);
    spin_unlock(&m->guard);
}

bool mutex_held(const struct mutex *m)
{
    return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == current();
}
