/*
 * Stopping all other harts for a moment, to look at the whole machine at rest (mm/audit.h).
 */
#ifndef SCHED_STOP_H
#define SCHED_STOP_H

#include <stddef.h>

/*
 * Calls fn() while every other hart stands still, outside any section with interrupts off.
 * => no spin lock held by the caller; callable from interrupts that came from such a place
 * => 0 and what fn returned in *result; -EBUSY when another hart is doing the same: try again
 *    later, with interrupts on in between
 */
int stop_machine(size_t (*fn)(void), size_t *result);

/* The software interrupt: stands still when asked to. => interrupts off */
void stop_interrupt(void);

#endif
