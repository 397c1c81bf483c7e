/*
 * A hart's timer: the one deadline that it can have, by Sstc or by the firmware.
 *
 * Owns timebase_hz and cpu->timer_deadline. A hart programs only its own timer, with interrupts
 * off: no lock. Called by sched/, which shares the deadline out, and init/main.c.
 */
#include "asm/timer.h"

#include "asm/cpu.h"
#include "extable.h"

/* QEMU's rate: what counts before the device tree gives the true one. */
uint64_t timebase_hz = 10000000;

/* Sets stimecmp to never, and finds out whether that is possible: the firmware may not allow it. */
static bool sstc_works(void)
{
    uint64_t works;

    __asm__ volatile("li %0, 0\n"
                     "1: csrw " CSR_STR(CSR_STIMECMP) ", %1\n"
                                                      "2: li %0, 1\n"
                                                      "3:\n" EXTABLE("1b", "2b", "3b")
                     : "=&r"(works)
                     : "r"(TIMER_NEVER)
                     : "memory");
    return works;
}

void timer_init_hart(void)
{
    struct cpu *c = this_cpu;

    c->has_sstc = c->sstc_listed && sstc_works();
    timer_set(c->timer_deadline);
}
