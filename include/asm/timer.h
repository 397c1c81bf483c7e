/*
 * timer.h - time, and the one deadline a hart can have.
 */
#ifndef ASM_TIMER_H
#define ASM_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_NEVER (~0UL)

extern uint64_t timebase_hz;            /* [I] cycles per second; set from the device tree */

/* Cycles since some moment before boot, the same on all harts. */
static inline uint64_t time_now(void)
{
    uint64_t t;

    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

/* Prepares this hart's timer, with no deadline set. Sstc is used where the device tree lists it
 * (cpu->sstc_listed) and a try shows that the firmware allows it.
 * => interrupts off, after trap_init_hart(). */
void timer_init_hart(void);

/* Asks for trap_interrupt(IRQ_TIMER) at a time_now() value, replacing the hart's last request;
 * TIMER_NEVER asks for none; a past moment interrupts at once.
 * => interrupts off. */
void timer_set(uint64_t deadline);

/* Calls expired() by interrupt on this hart at `deadline`, besides timer_set(); for boot and shutdown.
 * => TIMER_NEVER and NULL disarm it. One watchdog in the machine. */
void timer_set_watchdog(uint64_t deadline, void (*expired)(void));

/* Deals with a timer interrupt; => true when timer_set()'s deadline has passed. For trap.c. */
bool timer_interrupt(void);

#endif
