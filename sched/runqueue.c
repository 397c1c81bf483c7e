/*
 * The run queue, and which hart is called for it.
 *
 * Owns run_queue: the tasks that are ready, first come first served, and which harts idle or come
 * for a task. Its lock (RANK_RUNQ) also guards the [run queue] fields of every task.
 *
 * Waking an idle hart costs an interrupt to it. Each task queued has a hart coming for it as long
 * as there are idle ones, and each hart that comes takes one task:
 *   queued in an interrupt  the interrupt ends with one call to as many idle harts as are wanted;
 *                           an idle hart that was interrupted comes itself
 *   queued by a task        a task often sleeps right after it has woken another (a pipe's two
 *                           ends, fork and wait), so its own hart comes for the first. If it has
 *                           not come after KEEP_US, an idle hart is called. For each further task
 *                           an idle hart is called at once
 *   left in the queue       a hart that takes a task calls idle harts for those that no hart is
 *                           coming for
 *
 * Called by task.c and sched.c.
 */
#include "runqueue.h"

#include "asm/timer.h"
#include "lib/assert.h"

/* Much longer, and a task that wakes the waiters of a lock has it again before any of them runs. */
#define KEEP_US 20

struct run_queue run_queue = {
    .lock = SPINLOCK_INIT("run queue", RANK_RUNQ),
    .ready = LIST_INIT(run_queue.ready),
};

uint64_t runqueue_claim(void)
{
    uint64_t coming = run_queue.coming_cpus, claimed = 0, chosen;
    struct list *pos;

    if (!run_queue.idle_cpus)
        return 0;
    list_for_each(pos, &run_queue.ready) {
        if (coming) {
            coming &= coming - 1;
            continue;
        }
        chosen = run_queue.idle_cpus & -run_queue.idle_cpus;
        run_queue.idle_cpus &= ~chosen;
        claimed |= chosen;
    }
    run_queue.coming_cpus |= claimed;
    return claimed;
}

uint64_t runqueue_add(struct task *task)
{
    struct cpu *c = this_cpu;

    CHECK_ASSERT(task->state == TASK_RUNNABLE && !task->current && !task->idle);
    CHECK_ASSERT(list_empty(&task->run_link));
    list_push_back(&run_queue.ready, &task->run_link);
    c->queued |= c->in_interrupt;
    if (c->in_interrupt || !run_queue.idle_cpus)
        return 0;
    if (run_queue.coming_cpus & (1UL << c->id))
        return runqueue_claim();
    run_queue.coming_cpus |= 1UL << c->id;
    c->keep_until = time_now() + timebase_hz * KEEP_US / 1000000;
    timer_arm(c->keep_until);
    return 0;
}

void runqueue_call(uint64_t not_coming)
{
    uint64_t here = 1UL << this_cpu->id, harts;

    spin_lock(&run_queue.lock);
    run_queue.coming_cpus &= ~not_coming;
    run_queue.coming_cpus |= run_queue.idle_cpus & here;
    run_queue.idle_cpus &= ~here;
    harts = runqueue_claim();
    spin_unlock(&run_queue.lock);
    if (harts)
        sbi_send_ipi(harts);
}
