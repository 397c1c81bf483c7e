/*
 * Which task runs on which hart, and what an interrupt changes in that.
 *
 * Owns the idle tasks, and the upcalls trap_interrupt() and task_first_run() (asm/trap.h). A hart
 * goes from task to task directly; it takes its idle task only when the run queue is empty.
 *
 * run_queue.lock is not held across a context switch. What stands in for it is on_cpu: a task that
 * has been given up under the lock may be woken and chosen by another hart before its registers are
 * saved, and that hart waits for on_cpu to become 0. No cycle of waiting harts is possible: a hart
 * waits only for a task that was given up under the lock before the hart made its own choice.
 *
 * Called by task.c and arch/riscv, by proc/ and syscall/ on the way to user mode, and by mm/ in the
 * rests of long calls. Read next: runqueue.c.
 */
#include "asm/csr.h"
#include "asm/timer.h"
#include "lib/assert.h"
#include "runqueue.h"
#include "sched/stop.h"
#include "sched/ticks.h"

/* How long a task runs while others wait, in time units: one tick. */
#define SLICE (timebase_hz / TICKS_PER_SECOND)

static struct task idle_tasks[NCPU_MAX];

void sched_init_hart(void)
{
    struct cpu *c = this_cpu;
    struct task *idle = &idle_tasks[c->id];

    *idle = (struct task){
        .name = "idle",
        .state = TASK_RUNNABLE,
        .idle = true,
        .current = true,
        .on_cpu = 1,
        .cpu = c->id,
        .kstack_slot = c->id,
    };
    c->slice_end = TIMER_NEVER;
    c->keep_until = TIMER_NEVER;
    c->current = idle;
}

/* ---- From task to task ---- */

/* Leaves prev for next, both chosen under the lock; returns when somebody switches back to prev. */
static void switch_to(struct task *prev, struct task *next)
{
    struct cpu *c = this_cpu;

    while (__atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE))
        cpu_relax();
    __atomic_store_n(&next->on_cpu, 1, __ATOMIC_RELAXED);
    c->previous = prev;
    c->current = next;
    mm_activate(next->mm);
    if (c->slice_end == TIMER_NEVER && !next->idle) {
        c->slice_end = time_now() + SLICE;
        timer_arm(c->slice_end);
    }
    context_switch(&prev->ctx, &next->ctx);
    /* Another hart, perhaps: the stack of the task that ran here before is let go of. */
    __atomic_store_n(&this_cpu->previous->on_cpu, 0, __ATOMIC_RELEASE);
}

void schedule(void)
{
    struct cpu *c = this_cpu;
    struct task *prev = c->current, *next = &idle_tasks[c->id];
    struct list *first;
    uint64_t harts;

    ASSERT(c->irq_depth == 0);
    c->keep_until = TIMER_NEVER;
    spin_lock(&run_queue.lock);
    if (prev->state == TASK_SLEEPING_KILLABLE && task_killed(prev))
        prev->state = TASK_RUNNABLE;
    first = list_pop_front(&run_queue.ready);
    if (first)
        next = list_entry(first, struct task, run_link);
    else if (prev->state == TASK_RUNNABLE)
        next = prev;
    if (next != prev) {
        prev->current = false;
        if (prev->state == TASK_RUNNABLE && !prev->idle)
            list_push_back(&run_queue.ready, &prev->run_link);
        next->current = true;
        next->cpu = c->id;
    }
    run_queue.coming_cpus &= ~(1UL << c->id);
    harts = runqueue_claim();
    spin_unlock(&run_queue.lock);
    if (harts)
        sbi_send_ipi(harts);
    if (next != prev)
        switch_to(prev, next);
}

void sched_yield(void)
{
    uint64_t irqs = irq_disable_save();

    if (!current()->idle)
        schedule();
    irq_restore(irqs);
}

void task_yield_if_due(void)
{
    struct task *me = current();

    if (!(__atomic_load_n(&me->pending, __ATOMIC_RELAXED) & TASK_PENDING_YIELD))
        return;
    __atomic_fetch_and(&me->pending, ~(uint32_t)TASK_PENDING_YIELD, __ATOMIC_RELAXED);
    sched_yield();
}

/* ---- On the way to user mode ---- */

void task_pending_work(void)
{
    struct task *me = this_cpu->current;
    uint32_t pending;

    /*
     * With interrupts off: one that came between the last look and user mode would leave its wish
     * unheard until the next trap.
     */
    while ((pending = __atomic_load_n(&me->pending, __ATOMIC_RELAXED)) != 0) {
        if (pending & TASK_PENDING_KILL) {
            irq_on();
            task_end_killed();
        }
        __atomic_fetch_and(&me->pending, ~(uint32_t)TASK_PENDING_YIELD, __ATOMIC_RELAXED);
        schedule();
    }
}

void task_first_run(void)
{
    __atomic_store_n(&this_cpu->previous->on_cpu, 0, __ATOMIC_RELEASE); /* as in switch_to() */
    task_pending_work();
}

/* ---- Interrupts ---- */

/*
 * The timer interrupt: timers that are due, a task kept for too long, the end of a slice. While it
 * runs the hart's deadline counts as passed, so the hardware is set once, at the end.
 */
static void timer_tick(void)
{
    struct cpu *c = this_cpu;
    uint64_t now = time_now(), next;

    c->timer_deadline = 0;
    next = ktimer_run(now);
    if (now >= c->keep_until) {
        c->keep_until = TIMER_NEVER;
        runqueue_call(1UL << c->id);
    }
    if (!c->current || c->current->idle) {
        c->slice_end = TIMER_NEVER;
    } else if (now >= c->slice_end) {
        c->slice_end = now + SLICE;
        __atomic_fetch_or(&c->current->pending, TASK_PENDING_YIELD, __ATOMIC_RELAXED);
    }
    if (c->slice_end < next)
        next = c->slice_end;
    timer_set(c->keep_until < next ? c->keep_until : next);
}

void trap_interrupt(uint64_t irq, enum trap_from from)
{
    struct cpu *c = this_cpu;

    c->in_interrupt = true;
    if (irq == IRQ_TIMER)
        timer_tick();
    else if (irq == IRQ_EXTERNAL)
        plic_dispatch();
    else
        stop_interrupt();
    c->in_interrupt = false;
    if (c->queued)
        runqueue_call(0);
    c->queued = false;
    if (from == TRAP_FROM_USER)
        task_pending_work();
}

/* ---- Idle harts ---- */

/*
 * One turn of an idle hart: runs what is queued, or waits for an interrupt.
 * => interrupts off on entry and return; let in meanwhile. An interrupt that comes after the queue
 *    was found empty is pending, and wfi returns at once: no wake-up is lost.
 */
static void idle_turn(void)
{
    uint64_t here = 1UL << this_cpu->id;
    bool empty;

    spin_lock(&run_queue.lock);
    empty = list_empty(&run_queue.ready);
    if (empty) {
        run_queue.idle_cpus |= here;
        run_queue.coming_cpus &= ~here;
    }
    spin_unlock(&run_queue.lock);
    if (!empty) {
        schedule();
        return;
    }
    cpu_wait();
    irq_on();
    irq_off();
    spin_lock(&run_queue.lock);
    run_queue.idle_cpus &= ~here;
    spin_unlock(&run_queue.lock);
}

/* The boot flow is its hart's idle task: it cannot be switched out, so it runs others meanwhile. */
void idle_until_woken(void)
{
    const struct task *me = current();

    while (__atomic_load_n(&me->state, __ATOMIC_ACQUIRE) != TASK_RUNNABLE)
        idle_turn();
    runqueue_call(1UL << this_cpu->id);
}

void sched_idle(void)
{
    ASSERT(current()->idle);
    irq_off();
    for (;;)
        idle_turn();
}
