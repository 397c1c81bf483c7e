/*
 * How long interrupts are kept waiting: a timer that comes again and again, and how late it was.
 */
#ifndef SCHED_LATENCY_H
#define SCHED_LATENCY_H

#include <stdint.h>

/*
 * Samples on this hart from now on, each time `every` time units after the last; 0: stops. One
 * measurement at a time, for the whole machine.
 * => no lock held; how late the latest sample came since the last call, in time units
 */
uint64_t latency_sample(uint64_t every);

#endif
