/*
 * What is done to a task: started, woken, killed; and what it does itself: sleeps, ends.
 *
 * Owns struct task. run_queue.lock guards the [run queue] fields.
 *
 * Sleeping: a task sets its state itself (waitqueue.c), while it still runs. A waker that comes in
 * between only sets the state back, since the task is still `current`, and schedule() then returns
 * at once. Kills take the same road: schedule() asks under the lock, at the last moment, whether a
 * killable sleeper has been killed.
 *
 * Called by wait queues and proc/. Read next: sched.c.
 */
#include "sched/task.h"

#include "asm/trap.h"
#include "lib/assert.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "runqueue.h"

void task_init(struct task *task, unsigned kstack_slot)
{
    memset(task, 0, sizeof(*task));
    list_init(&task->run_link);
    task->state = TASK_NEW;
    task->kstack_slot = kstack_slot;
    task->frame = (struct trapframe *)kstack_top(kstack_slot) - 1;
}

void task_start(struct task *task)
{
    uint64_t harts;

    ASSERT(task->state == TASK_NEW);
    task->ctx.ra = (uint64_t)trap_return_first;
    task->ctx.sp = (uint64_t)task->frame;
    spin_lock(&run_queue.lock);
    task->state = TASK_RUNNABLE;
    harts = runqueue_add(task);
    spin_unlock(&run_queue.lock);
    if (harts)
        sbi_send_ipi(harts);
}

void task_wake(struct task *task)
{
    uint64_t harts = 0;

    /* The caller's news must be visible before the state is read: waitqueue.c pairs. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    spin_lock(&run_queue.lock);
    if (task->state == TASK_SLEEPING || task->state == TASK_SLEEPING_KILLABLE) {
        task->state = TASK_RUNNABLE;
        if (task->idle)
            harts = (1UL << task->cpu) & ~(1UL << this_cpu->id);
        else if (!task->current) /* else it is on its way to schedule(), and will notice there */
            harts = runqueue_add(task);
    }
    spin_unlock(&run_queue.lock);
    if (harts)
        sbi_send_ipi(harts);
}

void task_kill(struct task *task)
{
    uint64_t harts = 0;

    spin_lock(&run_queue.lock);
    __atomic_fetch_or(&task->pending, TASK_PENDING_KILL, __ATOMIC_SEQ_CST);
    if (task->current) {
        /* It may be in user mode: an interrupt brings it in now, not at the end of its slice. */
        harts = (1UL << task->cpu) & ~(1UL << this_cpu->id);
    } else if (task->state == TASK_SLEEPING_KILLABLE) {
        task->state = TASK_RUNNABLE;
        harts = runqueue_add(task);
    }
    spin_unlock(&run_queue.lock);
    if (harts)
        sbi_send_ipi(harts);
}

void task_exit(void)
{
    struct task *me = current();

    ASSERT(!me->mm && !me->idle);
    irq_off();
    __atomic_store_n(&me->state, TASK_DEAD, __ATOMIC_RELAXED);
    schedule();
    panic("a dead task runs");
}

void task_wait_off_cpu(const struct task *task)
{
    while (__atomic_load_n(&task->on_cpu, __ATOMIC_ACQUIRE))
        cpu_relax();
}

enum task_state task_snapshot(const struct task *task, bool *on_hart)
{
    enum task_state state;

    spin_lock(&run_queue.lock);
    state = (enum task_state)task->state;
    *on_hart = task->current;
    spin_unlock(&run_queue.lock);
    return state;
}

void task_set_mm(struct mm *mm)
{
    uint64_t irqs = irq_disable_save();

    current()->mm = mm;
    mm_activate(mm);
    irq_restore(irqs);
}

void task_describe_current(char *buf, size_t size)
{
    struct task *t = current();

    if (t)
        snprintk(buf, size, "pid %d %s", t->pid, t->name);
}
