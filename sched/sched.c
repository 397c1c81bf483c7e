/*
 * The scheduler: which task runs on which hart.
 *
 * Owns the run queue, one for all harts, first come first served, and the idle tasks. A hart goes
 * from task to task directly; it takes its idle task only when the queue is empty.
 *
 * run_queue.lock guards the queue, the mask of idle harts and the [q] fields of every task. It is
 * not held across a context switch. What stands in for it is on_cpu: a task that has been given
 * up under the lock may be woken and chosen by another hart before its registers are saved, and
 * that hart waits for on_cpu to become 0. Nobody can wait in a circle: a hart waits only for a
 * task given up, in the order of the lock, before its own choice.
 *
 * Sleeping: the task sets its state itself (task_prepare_sleep()), while it still runs; whoever
 * wakes it in between only sets the state back, for it is still `current`, and task_block() then
 * returns at once. Kills take the same road: whether a killable sleeper has been killed is asked
 * under the lock, at the last moment.
 *
 * Waking an idle hart costs an interrupt to it. Each task queued has a hart coming for it as long as
 * there are idle ones, and each hart that comes takes one task:
 *   woken in an interrupt   the interrupt ends with one call to as many idle harts as are wanted, so
 *                           the tick that wakes n sleepers has called n harts when it returns; an
 *                           idle hart that was interrupted comes itself
 *   woken by a task         who wakes a task often sleeps right after (a pipe's two ends, fork and
 *                           wait), so its own hart comes for the first; if it has not after 20 us,
 *                           an idle one is called. For any more an idle one is called at once
 *   left in the queue       who takes a task calls idle harts for those that no hart is coming for
 *
 * Called by: wait queues, mutexes and timers (same directory), proc/. Read next: sched/waitqueue.c.
 */
#include "sched/task.h"

#include "asm/sbi.h"
#include "asm/timer.h"
#include "lib/assert.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "sched/timer.h"

/*
 * How long a task that a task has woken waits for this hart before an idle one is called: 20 us.
 * Much longer, and who wakes the waiters of a lock or of the log has taken it again before any of
 * them runs.
 */
#define HANDOFFS_PER_SECOND 50000

struct run_queue {
    struct spinlock lock;
    struct list ready;    /* [lock] tasks to run, in order */
    uint64_t idle_cpus;   /* [lock] harts in wfi, or on their way there */
    uint64_t coming_cpus; /* [lock] harts that will soon take one task: called, or see enqueue() */
};

/* What a hart keeps for itself; touched by that hart only, with interrupts off. */
struct hart {
    struct task idle;
    struct task *previous; /* whom the task running now must release */
    uint64_t slice_end;    /* the rest of a slice goes to the next task; TIMER_NEVER while idle */
    uint64_t call_at;      /* until when this hart comes for a task it has woken; else TIMER_NEVER */
    bool in_interrupt;
    bool queued;           /* the interrupt has queued a task */
};

static struct run_queue run_queue = {
    .lock = SPINLOCK_INIT("run queue", RANK_RUNQ),
    .ready = LIST_INIT(run_queue.ready),
};

static struct hart harts[NCPU_MAX];

static uint64_t slice_length(void)
{
    return timer_ms(1000 / TICKS_PER_SECOND);
}

/* What panic() prints of the running task. */
static void describe_current(char *buf, size_t size)
{
    struct task *t = current();

    if (t)
        snprintk(buf, size, "pid %d %s", t->pid, t->name);
}

void task_init(struct task *task, unsigned kstack_slot)
{
    memset(task, 0, sizeof(*task));
    list_init(&task->run_link);
    task->state = TASK_NEW;
    task->kstack_slot = kstack_slot;
}

void sched_init_hart(void)
{
    struct hart *h = &harts[cpu_id()];

    task_init(&h->idle, cpu_id());
    strlcpy(h->idle.name, "idle", sizeof(h->idle.name));
    h->idle.state = TASK_RUNNABLE;
    h->idle.idle = true;
    h->idle.current = true;
    h->idle.on_cpu = 1;
    h->idle.cpu = cpu_id();
    h->slice_end = TIMER_NEVER;
    h->call_at = TIMER_NEVER;
    this_cpu()->current = &h->idle;
    panic_set_describe(describe_current);
}

/* Claim an idle hart for each task queued that no hart is coming for. => their mask. */
static uint64_t claim_idle_harts(void) __must_hold(&run_queue.lock)
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

static void interrupt_harts(uint64_t mask)
{
    if (mask)
        sbi_send_ipi(mask);
}

/*
 * Queue a runnable task. A task that wakes one keeps it for this hart at first (head of this file).
 * => the mask of harts to interrupt; none from an interrupt, which calls them when it ends.
 */
static uint64_t enqueue(struct task *task) __must_hold(&run_queue.lock)
{
    struct hart *h = &harts[cpu_id()];

    CHECK_ASSERT(task->state == TASK_RUNNABLE && !task->current && !task->idle);
    CHECK_ASSERT(list_empty(&task->run_link));
    list_push_back(&run_queue.ready, &task->run_link);
    if (h->in_interrupt)
        h->queued = true;
    if (h->in_interrupt || !run_queue.idle_cpus)
        return 0;
    if (run_queue.coming_cpus & (1UL << cpu_id()))
        return claim_idle_harts();
    run_queue.coming_cpus |= 1UL << cpu_id();
    h->call_at = time_now() + timebase_hz / HANDOFFS_PER_SECOND;
    timer_arm(h->call_at);
    return 0;
}

void task_start(struct task *task)
{
    uint64_t interrupt;

    ASSERT(task->state == TASK_NEW);
    task->ctx.ra = (uint64_t)trap_return_first;
    task->ctx.sp = (uint64_t)task_frame(task);
    spin_lock(&run_queue.lock);
    task->state = TASK_RUNNABLE;
    interrupt = enqueue(task);
    spin_unlock(&run_queue.lock);
    interrupt_harts(interrupt);
}

/* Make a task that sleeps runnable. => the mask of harts to interrupt. */
static uint64_t wake_locked(struct task *task) __must_hold(&run_queue.lock)
{
    task->state = TASK_RUNNABLE;
    if (task->idle)
        return (1UL << task->cpu) & ~(1UL << cpu_id());
    /* If it is still on its way to task_block(), it will notice there. */
    return task->current ? 0 : enqueue(task);
}

void task_wake(struct task *task)
{
    uint64_t interrupt = 0;

    /* The caller's news must be visible before the state is read: task_prepare_sleep() pairs. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    spin_lock(&run_queue.lock);
    if (task->state == TASK_SLEEPING || task->state == TASK_SLEEPING_KILLABLE)
        interrupt = wake_locked(task);
    spin_unlock(&run_queue.lock);
    interrupt_harts(interrupt);
}

void task_kill(struct task *task)
{
    uint64_t interrupt = 0;

    spin_lock(&run_queue.lock);
    __atomic_fetch_or(&task->pending, TASK_PENDING_KILL, __ATOMIC_SEQ_CST);
    if (task->state == TASK_SLEEPING_KILLABLE)
        interrupt = wake_locked(task);
    else if (task->current)
        /* It may be in user mode: an interrupt brings it in now, not at the end of its slice. */
        interrupt = (1UL << task->cpu) & ~(1UL << cpu_id());
    spin_unlock(&run_queue.lock);
    interrupt_harts(interrupt);
}

void task_prepare_sleep(enum task_state how)
{
    __atomic_store_n(&current()->state, (uint32_t)how, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void task_cancel_sleep(void)
{
    /* No lock: a late task_wake() finds either state, and does nothing that matters. */
    __atomic_store_n(&current()->state, TASK_RUNNABLE, __ATOMIC_RELAXED);
}

/* Let go of the stack of the task that ran here before; the first thing after a switch. */
static void finish_switch(void)
{
    __atomic_store_n(&harts[cpu_id()].previous->on_cpu, 0, __ATOMIC_RELEASE);
}

void task_begin(void)
{
    finish_switch();
}

/* Leave prev for next, both chosen under the lock; returns when somebody switches back to prev. */
static void switch_to(struct task *prev, struct task *next)
{
    struct hart *h = &harts[cpu_id()];

    while (__atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE))
        cpu_relax();
    __atomic_store_n(&next->on_cpu, 1, __ATOMIC_RELAXED);
    h->previous = prev;
    this_cpu()->current = next;
    mm_activate(next->mm);
    if (h->slice_end == TIMER_NEVER && !next->idle) {
        h->slice_end = time_now() + slice_length();
        timer_arm(h->slice_end);
    }
    context_switch(&prev->ctx, &next->ctx);
    finish_switch();
}

/* Who shall run here now? => prev itself when it may go on and nobody else wants to. */
static struct task *choose_next(struct task *prev) __must_hold(&run_queue.lock)
{
    struct list *first = list_pop_front(&run_queue.ready);

    if (first)
        return list_entry(first, struct task, run_link);
    return prev->state == TASK_RUNNABLE ? prev : &harts[cpu_id()].idle;
}

/* Give the hart to the task that has waited longest. => interrupts off, no spin lock held. */
static void schedule(void)
{
    struct task *prev = current(), *next;
    struct hart *h = &harts[cpu_id()];
    uint64_t interrupt;

    ASSERT(this_cpu()->irq_depth == 0);
    h->call_at = TIMER_NEVER;
    spin_lock(&run_queue.lock);
    if (prev->state == TASK_SLEEPING_KILLABLE && task_killed(prev))
        prev->state = TASK_RUNNABLE;
    next = choose_next(prev);
    if (next != prev) {
        prev->current = false;
        if (prev->state == TASK_RUNNABLE && !prev->idle)
            list_push_back(&run_queue.ready, &prev->run_link);
        next->current = true;
        next->cpu = cpu_id();
    }
    run_queue.coming_cpus &= ~(1UL << cpu_id());
    interrupt = claim_idle_harts();
    spin_unlock(&run_queue.lock);
    interrupt_harts(interrupt);
    if (next != prev)
        switch_to(prev, next);
}

/*
 * One turn of an idle hart: run what is queued, or wait for an interrupt.
 * => interrupts off on entry and return; let in meanwhile. An interrupt that comes after the queue
 *    was found empty is pending, and wfi returns at once: no wake-up is lost.
 */
static void idle_turn(void)
{
    uint64_t here = 1UL << cpu_id();
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

/* Call idle harts for what is queued, where this one, if it idles, comes itself. */
static void call_idle_harts(uint64_t not_coming)
{
    uint64_t here = 1UL << cpu_id(), interrupt;

    spin_lock(&run_queue.lock);
    run_queue.coming_cpus &= ~not_coming;
    run_queue.coming_cpus |= run_queue.idle_cpus & here;
    run_queue.idle_cpus &= ~here;
    interrupt = claim_idle_harts();
    spin_unlock(&run_queue.lock);
    interrupt_harts(interrupt);
}

void sched_idle(void)
{
    ASSERT(current()->idle);
    irq_off();
    for (;;)
        idle_turn();
}

void task_block(void)
{
    struct task *me = current();
    uint64_t irqs = irq_disable_save();

    if (!me->idle) {
        schedule();
    } else {
        /* The boot flow has no hart to give up, only one to lend. */
        while (__atomic_load_n(&me->state, __ATOMIC_ACQUIRE) != TASK_RUNNABLE)
            idle_turn();
        call_idle_harts(1UL << cpu_id());
    }
    irq_restore(irqs);
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

void task_exit(void)
{
    struct task *me = current();

    ASSERT(me->mm == NULL && !me->idle);
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

void sched_interrupt_begin(void)
{
    harts[cpu_id()].in_interrupt = true;
}

void sched_interrupt_end(void)
{
    struct hart *h = &harts[cpu_id()];

    h->in_interrupt = false;
    if (h->queued)
        call_idle_harts(0);
    h->queued = false;
}

uint64_t sched_tick(uint64_t now)
{
    struct hart *h = &harts[cpu_id()];
    struct task *t = current();

    if (now >= h->call_at) {
        h->call_at = TIMER_NEVER;
        call_idle_harts(1UL << cpu_id());
    }
    if (!t || t->idle) {
        h->slice_end = TIMER_NEVER;
    } else if (now >= h->slice_end) {
        h->slice_end = now + slice_length();
        __atomic_fetch_or(&t->pending, TASK_PENDING_YIELD, __ATOMIC_RELAXED);
    }
    return h->slice_end < h->call_at ? h->slice_end : h->call_at;
}
