/*
 * A task is what a hart runs: a kernel stack, a saved register context and an address space.
 *
 * sched/ owns tasks. A process (proc/proc.h) is a task with more around it, and each hart has an
 * idle task. The kernel is not preemptible: while a task runs kernel code, it leaves its hart only
 * where it asks to (task_block(), sched_yield()), so this_cpu() and current() stay valid between
 * those points. Interrupts are on in system calls; what they want of the running task they leave
 * in task->pending, which is looked at on the way back to user mode.
 *
 * One lock, run_queue.lock (RANK_RUNQ, sched/sched.c), guards every field marked [q].
 */
#ifndef SCHED_TASK_H
#define SCHED_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "asm/cpu.h"
#include "asm/kstack.h"
#include "asm/switch.h"
#include "asm/trap.h"
#include "lib/assert.h"
#include "lib/list.h"

struct mm;

#define TASK_NAME_SIZE 16

enum task_state {
    TASK_NEW,             /* never started, or its slot is free */
    TASK_RUNNABLE,        /* running, or on the run queue */
    TASK_SLEEPING,        /* waits; only task_wake() ends it */
    TASK_SLEEPING_KILLABLE, /* waits; a kill ends it too */
    TASK_DEAD,            /* will never run again */
};

/* Bits of task->pending: what the task must do before it is back in user mode. */
enum task_pending {
    TASK_PENDING_KILL = 1,
    TASK_PENDING_YIELD = 2,
};

struct task {
    struct context ctx;        /* [on_cpu] registers while it is off its hart */
    struct list run_link;      /* [q] in the run queue while queued */
    uint32_t state;            /* [q] enum task_state; the task itself sets SLEEPING without it */
    uint32_t pending;          /* [a] enum task_pending bits */
    uint32_t mutexes;          /* how many it holds; changed by the task itself only */
    uint32_t on_cpu;           /* [a] its stack is in use by a hart */
    bool current;              /* [q] chosen by a hart, and not yet given up */
    bool idle;                 /* [I] a hart's idle task: never queued */
    uint32_t cpu;              /* [q] hart it ran on last */
    int pid;                   /* [I] while it lives; 0 for idle tasks */
    unsigned kstack_slot;      /* [I] */
    struct mm *mm;             /* changed by the task itself only; NULL = kernel only */
    char name[TASK_NAME_SIZE]; /* changed by the task itself only */
};

/*
 * The task that runs on this hart; NULL before sched_init_hart().
 */
static inline struct task *current(void)
{
    return cpu_current();
}

/*
 * The user trapframe of a task, at the top of its kernel stack.
 */
static inline struct trapframe *task_frame(const struct task *task)
{
    return (struct trapframe *)kstack_top(task->kstack_slot) - 1;
}

/*
 * True once the task has been killed: it must unwind to user mode, where it ends.
 * => a system call that loops or sleeps asks this and gives up with -EINTR.
 */
static inline bool task_killed(const struct task *task)
{
    return (__atomic_load_n(&task->pending, __ATOMIC_RELAXED) & TASK_PENDING_KILL) != 0;
}

/*
 * Asserts, in the checking build, that the caller may sleep: it holds no spin lock, and interrupts are on.
 * => first in each function that may sleep, also where this time it will not
 */
static inline void assert_can_sleep(void)
{
    CHECK_ASSERT(this_cpu()->irq_depth == 0 && irqs_enabled());
}

/*
 * Make the calling flow of control this hart's idle task.
 * => called once on each hart, with interrupts off, after mm_init(); the boot flow may sleep from
 *    then on (waiting for a disk, for a mutex): other tasks run meanwhile.
 */
void sched_init_hart(void);

/*
 * Run tasks for ever, waiting in wfi when there are none. Does not return.
 */
void sched_idle(void) __attribute__((noreturn));

/*
 * Fill in a fresh task: no context yet, not on the run queue.
 * => the slot names its kernel stack (kstack_top()).
 */
void task_init(struct task *task, unsigned kstack_slot);

/*
 * Put a new task on the run queue; it enters user mode with the frame task_frame().
 * => task_init(), frame, mm and pid are ready; nothing of it is touched afterwards by the caller.
 */
void task_start(struct task *task);

/*
 * Make a sleeping task runnable; nothing happens when it does not sleep.
 * => callable from interrupts and with locks up to RANK_RUNQ held; takes the run queue's lock.
 * => the caller knows by other means that the task still exists.
 */
void task_wake(struct task *task);

/*
 * Mark a task killed and end its killable sleep.
 * => same rules as task_wake(); harmless on a dead task.
 */
void task_kill(struct task *task);

/*
 * Announce that the running task is about to sleep. A task_wake() from here on is not lost.
 * => follow with task_block(); used by wait queues, rarely directly.
 */
void task_prepare_sleep(enum task_state how);

/*
 * Take task_prepare_sleep() back: the task need not sleep after all.
 */
void task_cancel_sleep(void);

/*
 * Leave the hart until woken, if task_prepare_sleep() has not been undone by a wake-up already.
 * => no spin lock held. May return early; callers test their condition again.
 */
void task_block(void);

/*
 * Let other tasks run, if there are any.
 * => no spin lock held.
 */
void sched_yield(void);

/*
 * End the running task. Its stack may be reused after task_wait_off_cpu() by another task.
 * => no spin lock held; task->mm is NULL already.
 */
void task_exit(void) __attribute__((noreturn));

/*
 * Wait until a dead task has left its stack; short, since the task is on its way out.
 */
void task_wait_off_cpu(const struct task *task);

/*
 * Give the running task its new address space and load it on this hart.
 * => the previous one is no longer loaded here on return. NULL: kernel only.
 */
void task_set_mm(struct mm *mm);

/*
 * Load an address space on this hart, or the kernel's own table when it is NULL. No-op when it is
 * loaded. Defined in mm/space.c: the scheduler says when, mm what that takes.
 * => interrupts off.
 */
void mm_activate(struct mm *mm);

/*
 * What a task is doing, for listings: its state, and whether a hart runs it at this moment.
 * => takes the run queue's lock; out of date on return.
 */
enum task_state task_snapshot(const struct task *task, bool *on_hart);

/*
 * The first thing a new task does, called by task_first_run(): lets go of the task before it.
 * => interrupts off.
 */
void task_begin(void);

/*
 * Do what interrupts and kills have left for the running task to do before it goes back to user
 * mode, as far as scheduling goes: let others run when its slice is over.
 * => no spin lock held. The caller looks at TASK_PENDING_KILL itself.
 */
void task_yield_if_due(void);

/*
 * An interrupt begins and ends: idle harts are called once, at its end, for all that it has woken.
 * => interrupts off; called by trap_interrupt() around what the interrupt is for.
 */
void sched_interrupt_begin(void);
void sched_interrupt_end(void);

/*
 * Timer interrupt of the scheduler: ends the time slice of the running task when it is over.
 * => called by timer_run() with interrupts off; returns when it wants to be called next, in time
 *    units (UINT64_MAX: an idle hart needs it not).
 */
uint64_t sched_tick(uint64_t now);

#endif
