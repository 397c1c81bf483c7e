/*
 * sync_single.c - sleeping for one thread: while it waits, the disk works. If that has nothing to
 * do, the wait has no end, which is a failure.
 */
#include "lib/spinlock.h"
#include "sched/mutex.h"
#include "sched/waitqueue.h"
#include "world.h"

void world_lock(void)
{
}

void world_unlock(void)
{
}

void mutex_init(struct mutex *m)
{
    *m = (struct mutex)MUTEX_INIT(*m);
}

void mutex_lock(struct mutex *m)
{
    CHECK(m->nwaiting == 0);
    m->nwaiting = 1;
}

void mutex_unlock(struct mutex *m)
{
    CHECK(m->nwaiting == 1);
    m->nwaiting = 0;
}

void wait_on(struct waitqueue *wq, struct spinlock *held)
{
    spin_unlock(held);
    if (!world_complete_one()) {
        fprintf(stderr, "deadlock: one thread waits with %s\n", held->name);
        _exit(1);
    }
    spin_lock(held);
}

void wake_all(struct waitqueue *wq)
{
}
