/*
 * Ticks of 0.1 s, as user programs count time.
 */
#ifndef SCHED_TICKS_H
#define SCHED_TICKS_H

#include <stdint.h>

#define TICKS_PER_SECOND 10u

/* Notes the time of boot and the length of a tick. => called once, after timebase_hz is known */
void ticks_start(void);

/* Ticks since boot. */
uint32_t ticks(void);

/*
 * Sleeps until the tick counter has advanced by n.
 * => may sleep: no spin lock held
 * => 0, or -EINTR when killed meanwhile; n = 0 returns at once
 */
int sleep_ticks(uint64_t n);

#endif
