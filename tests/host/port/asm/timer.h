/*
 * timer.h - stands for include/asm/timer.h in host tests: time is a variable, which the test moves.
 */
#ifndef ASM_TIMER_H
#define ASM_TIMER_H

#include "asm/cpu.h"

#include <stdint.h>

#define TIMER_NEVER (~0UL)

extern uint64_t timebase_hz;
extern uint64_t port_time;

static inline uint64_t time_now(void)
{
    return port_time;
}

static inline uint64_t timer_ms(uint64_t ms)
{
    return ms * timebase_hz / 1000;
}

void timer_set(uint64_t deadline);

static inline void timer_arm(uint64_t deadline)
{
    if (deadline < this_cpu->timer_deadline)
        timer_set(deadline);
}

#endif
