/*
 * rest.c - what happens when a call of mm/ rests: whatever a test plays.
 *
 * One thread plays all harts, so nobody else can have an mm closed: who would wait for it waits
 * for ever, which is a failure, unless the test expects it.
 */
#include "rest.h"

#include "sched/task.h"
#include "sched/waitqueue.h"

#include <stdio.h>
#include <stdlib.h>

void (*rest_play)(void);
jmp_buf *rest_wait;
unsigned rest_count;
unsigned rest_kill_at;

static struct task task;

__attribute__((constructor)) static void give_tasks(void)
{
    for (unsigned i = 0; i < NCPU_MAX; i++) {
        cpus[i].current = &task;
        cpus[i].irq_were_on = true; /* who faults may sleep */
    }
}

void task_yield_if_due(void)
{
    void (*play)(void) = rest_play;

    rest_count++;
    if (rest_kill_at && rest_count == rest_kill_at)
        task.pending |= TASK_PENDING_KILL;
    rest_play = NULL; /* what it plays may rest, too */
    if (play)
        play();
    rest_play = play;
}

void rest_begin(unsigned kill_at)
{
    task.pending = 0;
    rest_count = 0;
    rest_kill_at = kill_at;
}

void rest_kill(void)
{
    task.pending |= TASK_PENDING_KILL;
}

void waitqueue_init(struct waitqueue *wq)
{
    list_init(&wq->waiters);
}

void wait_on(struct waitqueue *wq, struct spinlock *held)
{
    if (rest_wait) {
        spin_unlock(held);
        longjmp(*rest_wait, 1);
    }
    fprintf(stderr, "deadlock: one thread waits with %s\n", held->name);
    abort();
}

int wait_on_killable(struct waitqueue *wq, struct spinlock *held)
{
    wait_on(wq, held);
    return 0;
}

void wake_all(struct waitqueue *wq)
{
}
