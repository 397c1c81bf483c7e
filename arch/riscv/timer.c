/*
 * timer.c - the one deadline a hart can have, by Sstc or by the firmware.
 *
 * Owns timebase_hz, cpu->timer_deadline and the boot watchdog. A hart programs only its own timer,
 * with interrupts off: no lock. Called by sched's timers and init/main.c; trap.c brings interrupts.
 */
#include "asm/timer.h"

#include "asm/cpu.h"
#include "asm/extable.h"
#include "asm/sbi.h"

/* QEMU's rate: only the watchdog uses it before the device tree gives the true one. */
uint64_t timebase_hz = 10000000;

static struct {
    uint64_t deadline;
    void (*expired)(void);
    struct cpu *cpu;                    /* the hart that armed it */
} watchdog = { .deadline = TIMER_NEVER };

/* Sets stimecmp to never, and finds out whether that is possible: the firmware may not allow it. */
static bool sstc_works(void)
{
    uint64_t works;

    __asm__ volatile("li %0, 0\n"
                     "1: csrw " CSR_STR(CSR_STIMECMP) ", %1\n"
                     "2: li %0, 1\n"
                     "3:\n"
                     EXTABLE("1b", "2b", "3b")
                     : "=&r"(works) : "r"(TIMER_NEVER) : "memory");
    return works;
}

static void program(struct cpu *c)
{
    uint64_t t = c->timer_deadline;

    if (watchdog.cpu == c && watchdog.deadline < t)
        t = watchdog.deadline;
    if (c->has_sstc)
        csr_write(CSR_STIMECMP, t);
    else
        sbi_set_timer(t);
}

void timer_init_hart(void)
{
    struct cpu *c = this_cpu();

    c->has_sstc = c->sstc_listed && sstc_works();
    c->timer_deadline = TIMER_NEVER;
    program(c);
}

void timer_set(uint64_t deadline)
{
    struct cpu *c = this_cpu();

    c->timer_deadline = deadline;
    program(c);
}

void timer_set_watchdog(uint64_t deadline, void (*expired)(void))
{
    irq_push();
    watchdog.deadline = deadline;
    watchdog.expired = expired;
    watchdog.cpu = this_cpu();
    program(this_cpu());
    irq_pop();
}

bool timer_interrupt(void)
{
    struct cpu *c = this_cpu();
    uint64_t now = time_now();
    bool passed = now >= c->timer_deadline;

    if (watchdog.cpu == c && now >= watchdog.deadline && watchdog.expired) {
        watchdog.deadline = TIMER_NEVER;
        watchdog.expired();
    }
    /* The interrupt stays pending until the timer is set again. */
    if (passed)
        c->timer_deadline = TIMER_NEVER;
    program(c);
    return passed;
}
