/*
 * sync_single.c - sleeping for one thread: who would sleep waits for ever, which is a failure.
 */
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
    fprintf(stderr, "deadlock: one thread waits with %s\n", held->name);
    _exit(1);
}

void wake_all(struct waitqueue *wq)
{
}
