/*
 * sched_test.c - who is called for a task that becomes runnable, and when.
 *
 * One thread plays all harts and all tasks. context_switch() returns at once: the test goes on as the task that runs
 * then. An idle hart leaves sched_idle() by a jump, when it waits for an interrupt or has got a task. Time stands still
 * unless the test moves it.
 */
#include "../port/port.h"

#include "asm/cpu.h"
#include "asm/csr.h"
#include "asm/timer.h"
#include "asm/trap.h"
#include "lib/printk.h"
#include "sched/ktimer.h"
#include "sched/waitqueue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../../sched/sched.c"

#define HARTS 8
#define TASKS 24
#define US    10 /* time units in a microsecond: 10 MHz */

char __stacks_start[1];
uint64_t timebase_hz = 10000000;
uint64_t port_time;

struct sleeper {
    struct task task;
    struct ktimer timer;
};

static struct spinlock bed_lock = SPINLOCK_INIT("bed", RANK_PIPE);
static struct waitqueue bed = WAITQUEUE_INIT(bed); /* nobody wakes it: tasks are woken one by one */
static struct sleeper sleepers[TASKS];
static unsigned nsleepers;
static uint64_t called;       /* harts that were sent an interrupt and have not come yet */
static uint64_t awake;        /* idle harts that an interrupt of their own has brought out of wfi */
static unsigned calls;        /* sbi_send_ipi() */
static unsigned hardware_set; /* timer_set() */
static jmp_buf idle_left;

/* ---- what sched/ calls ---- */

void sbi_send_ipi(uint64_t mask)
{
    assert_int_equal(mask & (1UL << this_cpu->id), 0);
    called |= mask;
    calls++;
}

void timer_set(uint64_t deadline)
{
    this_cpu->timer_deadline = deadline;
    hardware_set++;
}

static void leave_idle(void)
{
    longjmp(idle_left, 1);
}

void context_switch(struct context *from, struct context *to)
{
    if (from == &idle_tasks[this_cpu->id].ctx)
        leave_idle();
}

void mm_activate(struct mm *mm)
{
}

void trap_return_first(void)
{
}

void stop_interrupt(void)
{
}

void plic_dispatch(void)
{
}

void task_end_killed(void)
{
    panic("nothing ends here");
}

/* ---- harts ---- */

/* Hart `cpu`, which has nothing to run, looks at the queue. => it runs a task, or waits in wfi */
static void look(unsigned cpu)
{
    port_set_cpu(cpu);
    assert_true(current()->idle);
    called &= ~(1UL << cpu);
    awake &= ~(1UL << cpu);
    run_queue.idle_cpus &= ~(1UL << cpu); /* the rest of the turn that it left by a jump */
    if (setjmp(idle_left) == 0)
        sched_idle();
    if (!current()->idle)
        __atomic_store_n(&this_cpu->previous->on_cpu, 0, __ATOMIC_RELEASE);
}

/* The timer interrupt of a hart, if it is due by now. */
static void tick(unsigned cpu)
{
    port_set_cpu(cpu);
    if (this_cpu->timer_deadline > port_time)
        return;
    hardware_set = 0;
    trap_interrupt(IRQ_TIMER, TRAP_FROM_KERNEL);
    assert_int_equal(hardware_set, 1);
    awake |= (uint64_t)current()->idle << cpu;
}

static unsigned count(uint64_t mask)
{
    return (unsigned)__builtin_popcountl(mask);
}

static unsigned queued(void)
{
    unsigned n = 0;
    struct list *pos;

    list_for_each(pos, &run_queue.ready)
        n++;
    return n;
}

/* No hart waits in wfi while a task is queued that no hart is coming for. */
static void check(void)
{
    uint64_t coming = called | awake;

    for (unsigned i = 0; i < HARTS; i++)
        if (cpus[i].keep_until != TIMER_NEVER && cpus[i].timer_deadline <= cpus[i].keep_until)
            coming |= 1UL << i;
    if (queued() > count(coming))
        assert_int_equal(run_queue.idle_cpus, 0);
    assert_int_equal(port_locks_held(), 0);
}

/* ---- tasks ---- */

static void end_of_sleep(struct ktimer *t)
{
    task_wake(&container_of(t, struct sleeper, timer)->task);
}

/* A new task, which runs on this hart when it is its turn. */
static struct sleeper *new_task(void)
{
    struct sleeper *s = &sleepers[nsleepers++];

    assert_true(nsleepers <= TASKS);
    memset(s, 0, sizeof(*s));
    task_init(&s->task, KSTACK_SLOT_TASKS);
    task_start(&s->task);
    return s;
}

/* The running task sleeps; until its timer wakes it if there is one. */
static void sleep_now(uint64_t deadline)
{
    struct sleeper *s = container_of(current(), struct sleeper, task);

    if (deadline)
        ktimer_add(&s->timer, deadline, end_of_sleep);
    irq_on(); /* as in a task: sched_idle() was left with interrupts off */
    spin_lock(&bed_lock);
    wait_on(&bed, &bed_lock);
    spin_unlock(&bed_lock);
}

/* Those who were called find nothing. */
static void let_called_look(void)
{
    for (unsigned cpu = 1; cpu < HARTS; cpu++)
        if (called & (1UL << cpu))
            look(cpu);
    port_set_cpu(0);
}

/* A new task that has slept on hart 0, which is this one, since now. */
static struct sleeper *new_sleeper(uint64_t deadline)
{
    struct sleeper *s = new_task();

    if (current()->idle)
        look(this_cpu->id);
    else
        sched_yield();
    assert_ptr_equal(current(), &s->task);
    sleep_now(deadline);
    let_called_look();
    return s;
}

/* A machine of `n` harts, all idle; this is hart 0, and a task of its own if `busy`. */
static void start(unsigned n, bool busy)
{
    list_init(&run_queue.ready);
    run_queue.idle_cpus = run_queue.coming_cpus = 0;
    port_on_wait = leave_idle;
    nsleepers = calls = 0;
    called = awake = 0;
    for (unsigned i = 0; i < TASKS; i++)
        ktimer_cancel(&sleepers[i].timer);
    for (unsigned i = 0; i < HARTS; i++)
        cpus[i].keep_until = cpus[i].timer_deadline = TIMER_NEVER;
    for (unsigned i = n; i-- > 0;) {
        port_set_cpu(i);
        sched_init_hart();
        if (i > 0 || !busy)
            look(i);
    }
    if (busy) {
        new_task();
        look(0);
        assert_false(current()->idle);
    }
}

/* ---- ticks ---- */

/* One tick on hart 0 wakes n sleepers: when it returns, a hart is coming for each, and time has not moved. */
static void tick_wakes(unsigned nharts, unsigned n, bool busy)
{
    unsigned wanted = busy ? n : n - 1; /* an idle hart comes for one itself */
    unsigned others = nharts - 1;

    start(nharts, busy);
    for (unsigned i = 0; i < n; i++)
        new_sleeper(port_time + 1000 * US);
    if (!busy)
        look(0);
    assert_int_equal(called | queued(), 0);
    calls = 0;
    port_time += 1000 * US;
    tick(0);
    assert_int_equal(count(called), wanted < others ? wanted : others);
    assert_int_equal(calls, called != 0);
    check();
    for (unsigned cpu = busy; cpu < nharts; cpu++) {
        bool comes = ((called | awake) & (1UL << cpu)) != 0;

        port_set_cpu(cpu);
        if (comes)
            look(cpu);
        assert_int_equal(comes, !current()->idle);
    }
    assert_int_equal(called, 0);
    assert_int_equal(queued(), wanted < others ? 0 : wanted - others);
    assert_int_equal(calls, wanted && others); /* nobody was called twice, or for nothing */
    check();
}

static void a_tick_calls_a_hart_for_each_sleeper(void **state)
{
    for (unsigned nharts = 1; nharts <= HARTS; nharts++)
        for (unsigned n = 1; n <= HARTS + 2; n++)
            tick_wakes(nharts, n, true);
}

static void an_idle_hart_with_the_tick_comes_itself(void **state)
{
    for (unsigned nharts = 2; nharts <= HARTS; nharts++)
        for (unsigned n = 2; n <= HARTS + 2; n++)
            tick_wakes(nharts, n, false);
}

/* ---- tasks that wake tasks ---- */

/* Two tasks wake each other and sleep, as at the two ends of a pipe: they stay on one hart, and nobody is called. */
static void a_handoff_stays_on_its_hart(void **state)
{
    struct task *first, *second;

    start(HARTS, true);
    first = current();
    second = &new_sleeper(0)->task;
    assert_ptr_equal(current(), first);
    calls = 0;
    for (int i = 0; i < 1000; i++) {
        task_wake(i % 2 ? first : second);
        port_time += 15 * US;
        tick(0);
        sleep_now(0);
        assert_ptr_equal(current(), i % 2 ? first : second);
        port_time += 3 * US;
        tick(0);
    }
    assert_int_equal(calls, 0);
    check();
}

static void a_waker_that_goes_on_gives_the_task_away(void **state)
{
    struct sleeper *s;

    start(HARTS, true);
    s = new_sleeper(0);
    calls = 0;
    task_wake(&s->task);
    check();
    port_time += 19 * US;
    tick(0);
    assert_int_equal(calls, 0);
    port_time += 1 * US;
    tick(0);
    assert_int_equal(count(called), 1);
    look(1);
    assert_ptr_equal(current(), &s->task);
    check();
}

static void who_wakes_many_keeps_one(void **state)
{
    struct sleeper *s[4];

    start(HARTS, true);
    for (int i = 0; i < 4; i++)
        s[i] = new_sleeper(0);
    calls = 0;
    for (int i = 0; i < 4; i++)
        task_wake(&s[i]->task);
    assert_int_equal(count(called), 3);
    check();
    sleep_now(0);
    assert_ptr_equal(current(), &s[0]->task);
    assert_int_equal(count(called), 3);
    for (unsigned cpu = 1; cpu < HARTS; cpu++)
        if (called & (1UL << cpu))
            look(cpu);
    assert_int_equal(queued(), 0);
    check();
}

/* ---- anything at all ---- */

static unsigned below(unsigned n)
{
    static unsigned seed = 1;

    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % n;
}

static void wake_any(void)
{
    task_wake(&sleepers[below(nsleepers)].task);
}

/* One step of one hart. */
static void step(unsigned cpu)
{
    port_set_cpu(cpu);
    if (current()->idle) {
        if (below(2) || ((called | awake) & (1UL << cpu)))
            look(cpu);
        return;
    }
    switch (below(4)) {
    case 0:
        wake_any();
        break;
    case 1:
        sleep_now(container_of(current(), struct sleeper, task)->timer.queued
                      ? 0
                      : port_time + below(100) * US);
        break;
    case 2:
        sched_yield();
        break;
    }
}

/* After each step of any hart the rule holds; at the end all run, as many as there are harts. */
static void any_order(void **state)
{
    for (unsigned nharts = 1; nharts <= HARTS; nharts++) {
        start(nharts, true);
        for (int i = 0; i < 10; i++)
            new_task();
        for (int i = 0; i < 20000; i++) {
            unsigned cpu = below(nharts);

            step(cpu);
            check();
            port_time += below(8) * US;
            tick(below(nharts));
            check();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_calls_a_hart_for_each_sleeper),
        cmocka_unit_test(an_idle_hart_with_the_tick_comes_itself),
        cmocka_unit_test(a_handoff_stays_on_its_hart),
        cmocka_unit_test(a_waker_that_goes_on_gives_the_task_away),
        cmocka_unit_test(who_wakes_many_keeps_one),
        cmocka_unit_test(any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
