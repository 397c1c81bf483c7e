/*
 * Time, and the one deadline a hart can have.
 */
#ifndef ASM_TIMER_H
#define ASM_TIMER_H

#include "asm/cpu.h"
#include "asm/sbi.h"

#include <stdint.h>

#define TIMER_NEVER (~0UL)

extern uint64_t timebase_hz; /* [I] time units per second; set from the device tree */

/* Time units since some moment before boot, the same on all harts. */
static inline uint64_t time_now(void)
{
    uint64_t t;

    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

/* Time units in so many milliseconds. */
static inline uint64_t timer_ms(uint64_t ms)
{
    return ms * timebase_hz / 1000;
}

/*
 * Prepares this hart's timer; a deadline that was set stays. Sstc is used where the device tree
 * lists it (cpu->sstc_listed) and a try shows that the firmware allows it.
 * => interrupts off, after trap_init_hart()
 */
void timer_init_hart(void);

/*
 * Asks for trap_interrupt(IRQ_TIMER) at a time_now() value, in place of the hart's last request;
 * TIMER_NEVER asks for none, and a past moment interrupts at once. The interrupt stays pending
 * until the timer is set again.
 * => interrupts off
 */
static inline void timer_set(uint64_t deadline)
{
    struct cpu *c = this_cpu;

    c->timer_deadline = deadline;
    if (c->has_sstc)
        csr_write(CSR_STIMECMP, deadline);
    else
        sbi_set_timer(deadline);
}

/*
 * Asks for the interrupt no later than at `deadline`.
 * => interrupts off
 */
static inline void timer_arm(uint64_t deadline)
{
    if (deadline < this_cpu->timer_deadline)
        timer_set(deadline);
}

#endif
