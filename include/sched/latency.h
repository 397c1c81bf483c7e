/*
 * How long interrupts are kept waiting: a timer that comes again and again, and how late it was.
 */
#ifndef SCHED_LATENCY_H
#define SCHED_LATENCY_H

#include <stdint.h>

/*
 * Sample on this hart from now on, each time `every` time units after the last; 0: stop. One
 * measurement at a time, for the whole machine.
 * => how late the latest sample came since the last call, in time units. No lock held.
 */
uint64_t latency_sample(uint64_t every);

#endif
