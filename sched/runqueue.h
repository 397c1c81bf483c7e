/*
 * The run queue, for the files of sched/.
 */
#ifndef SCHED_RUNQUEUE_H
#define SCHED_RUNQUEUE_H

#include <stdint.h>

#include "asm/sbi.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "sched/task.h"

struct run_queue {
    struct spinlock lock;
    struct list ready;  /* [lock] tasks to run, in order */
    uint64_t idle_cpus; /* [lock] harts in wfi, or on their way there */
    /* [lock] harts that will soon take one task: called, or see runqueue_add() */
    uint64_t coming_cpus;
};

extern struct run_queue run_queue;

/*
 * Queues a runnable task. A task that queues one keeps it for this hart at first (runqueue.c).
 * => the mask of harts to call; none from an interrupt, which calls them when it ends
 */
uint64_t runqueue_add(struct task *task) __must_hold(&run_queue.lock);

/* Claims an idle hart for each task queued that no hart is coming for. => the mask of harts to call */
uint64_t runqueue_claim(void) __must_hold(&run_queue.lock);

/*
 * Calls idle harts for what is queued; where this hart idles, it comes itself.
 * => not_coming: the mask of harts that were to come and do not. Takes run_queue.lock.
 */
void runqueue_call(uint64_t not_coming);

/*
 * Gives the hart to the task that has waited longest (sched.c).
 * => interrupts off, no spin lock held
 */
void schedule(void);

/* Runs other tasks on the boot flow's hart, which is an idle task, until it is woken (sched.c). */
void idle_until_woken(void);

/*
 * Runs the timers of this hart that are due by `now` (ktimer.c).
 * => when the next one is due; TIMER_NEVER: there is none. Interrupts off.
 */
uint64_t ktimer_run(uint64_t now);

#endif
