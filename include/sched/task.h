/*
 * A task is what a hart runs: a kernel stack, a saved register context and an address space.
 *
 * sched/ owns tasks. A process (proc/proc.h) is a task with more around it, and each hart has an
 * idle task. The kernel is not preemptible: while a task runs kernel code, it leaves its hart only
 * where it asks to (by a wait, or sched_yield()), so this_cpu and current() stay valid between
 * those points. Interrupts are on in system calls; what they want of the running task they leave
 * in task->pending, which is looked at on the way back to user mode.
 *
 * One lock, run_queue.lock (RANK_RUNQ, sched/runqueue.c), guards every field marked [run queue].
 */
#ifndef SCHED_TASK_H
#define SCHED_TASK_H

#include <stdbool.h>
#include <stddef.h>
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
    TASK_NEW,               /* never started, or its slot is free */
    TASK_RUNNABLE,          /* running, or on the run queue */
    TASK_SLEEPING,          /* waits; only task_wake() ends it */
    TASK_SLEEPING_KILLABLE, /* waits; a kill ends it too */
    TASK_DEAD,              /* will never run again */
};

/* Bits of task->pending: what the task must do before it is back in user mode. */
enum task_pending {
    TASK_PENDING_KILL = 1,
    TASK_PENDING_YIELD = 2,
};

struct task {
    struct context ctx;        /* [on_cpu] registers while it is off its hart */
    struct list run_link;      /* [run queue] in the run queue while queued */
    uint32_t state;            /* [run queue] enum task_state; SLEEPING is set without it */
    uint32_t pending;          /* [a] enum task_pending bits */
    uint32_t mutexes;          /* [self] how many it holds */
    uint32_t on_cpu;           /* [a] its stack is in use by a hart */
    bool current;              /* [run queue] chosen by a hart, and not yet given up */
    bool idle;                 /* [I] a hart's idle task: never queued */
    uint32_t cpu;              /* [run queue] hart it ran on last */
    int pid;                   /* [I] while it lives; 0 for idle tasks */
    unsigned kstack_slot;      /* [I] */
    struct trapframe *frame;   /* [I] its registers in user mode, at the top of its kernel stack */
    struct mm *mm;             /* [self] NULL = kernel only; proc/ also guards it by p->lock */
    char name[TASK_NAME_SIZE]; /* [self] the same */
};

/* The task that runs on this hart; NULL before sched_init_hart(). */
#define current() (this_cpu->current)

/*
 * Whether the task has been killed: it must unwind to user mode, where it ends.
 * => a system call that loops or sleeps asks this and gives up with -EINTR
 */
static inline bool task_killed(const struct task *task)
{
    return (__atomic_load_n(&task->pending, __ATOMIC_RELAXED) & TASK_PENDING_KILL) != 0;
}

/*
 * Asserts, in the checking build, that the caller may sleep: it holds no spin lock, and interrupts
 * are on.
 * => first in each function that may sleep, also where this time it will not
 */
static inline void assert_can_sleep(void)
{
    CHECK_ASSERT(this_cpu->irq_depth == 0 && irqs_enabled());
}

/*
 * Makes the calling flow of control this hart's idle task. The boot flow may sleep from then on
 * (waiting for a disk, for a mutex): other tasks run meanwhile.
 * => once on each hart, with interrupts off, after mm_init()
 */
void sched_init_hart(void);

/* Runs tasks for ever, waiting in wfi when there are none. Does not return. */
__noreturn void sched_idle(void);

/*
 * Fills in a fresh task: no context yet, not on the run queue.
 * => the slot names its kernel stack (kstack_top())
 */
void task_init(struct task *task, unsigned kstack_slot);

/*
 * Puts a new task on the run queue; it enters user mode with the registers in task->frame.
 * => task_init() was called; frame, mm and pid are ready. The caller must not touch the task
 *    afterwards. Takes the run queue's lock.
 */
void task_start(struct task *task);

/*
 * Makes a sleeping task runnable; nothing happens when it does not sleep.
 * => takes the run queue's lock; callable from interrupts, and with locks before RANK_RUNQ held
 * => the caller knows by other means that the task still exists
 */
void task_wake(struct task *task);

/*
 * Marks a task killed and ends its killable sleep.
 * => as task_wake(); harmless on a dead task
 */
void task_kill(struct task *task);

/*
 * Lets other tasks run, if there are any.
 * => no spin lock held; other tasks run meanwhile
 */
void sched_yield(void);

/*
 * Lets others run if the running task's slice is over.
 * => as sched_yield()
 */
void task_yield_if_due(void);

/*
 * Does what is pending for the running task before it is back in user mode: ends it, if it has been
 * killed; lets others run, if its slice is over.
 * => interrupts off, no lock held; on return they are still off, and nothing is pending
 */
void task_pending_work(void);

/*
 * Ends the running task. Its stack may be used again after another task's task_wait_off_cpu().
 * => no spin lock held; task->mm is NULL already
 */
__noreturn void task_exit(void);

/* Waits until a dead task has left its stack; short, since the task is on its way out. */
void task_wait_off_cpu(const struct task *task);

/*
 * Gives the running task its new address space and loads it on this hart. NULL: kernel only.
 * => the previous one is no longer loaded here on return
 */
void task_set_mm(struct mm *mm);

/*
 * What a task is doing, for listings: its state, and whether a hart runs it at this moment.
 * => takes the run queue's lock; out of date on return
 */
enum task_state task_snapshot(const struct task *task, bool *on_hart);

/* Describes the running task ("pid 3 sh") in the size bytes at buf, if there is one: for panic(). */
void task_describe_current(char *buf, size_t size);

/*
 * Upcalls: declared here, defined above sched.
 */

/*
 * Loads an address space on this hart, or the kernel's own table when it is NULL. No-op when it is
 * loaded. In mm/space.c: the scheduler says when, mm what that takes.
 * => interrupts off
 */
void mm_activate(struct mm *mm);

/*
 * Serves every pending device interrupt of this hart. In drivers/plic.c.
 * => interrupts off, no lock held
 */
void plic_dispatch(void);

/*
 * Ends the running task, which has been killed, before it is back in user mode. In proc/trap.c.
 * => interrupts on, no lock held
 */
__noreturn void task_end_killed(void);

#endif
