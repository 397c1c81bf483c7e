/*
 * Time: ticks of 0.1 s for user programs, and one-shot timers for the kernel.
 *
 * Tickless: each hart keeps the timers that were added on it, sorted, and arms its hardware for
 * the earliest of them or the end of the running task's slice, whichever is first. An idle hart
 * without timers gets no timer interrupt.
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TICKS_PER_SECOND 10u

/* A one-shot timer. Zeroed memory is a timer that is not set. */
struct ktimer {
    uint64_t deadline;            /* [l] in units of time_now() */
    void (*fn)(struct ktimer *t); /* [I] while it is set */
    struct ktimer *next;          /* [l] sorted by deadline */
    uint32_t cpu;                 /* [l] hart whose list holds it */
    bool queued;                  /* [l] */
};

/*
 * Note the time of boot and the length of a tick.
 * => called once, after timebase_hz is known; before it ticks() is 0.
 */
void timer_start(void);

/*
 * Ticks of 0.1 s since boot.
 */
uint32_t ticks(void);

/*
 * Time units in so many milliseconds.
 */
uint64_t timer_ms(uint64_t ms);

/*
 * Have fn(t) called once, in a timer interrupt of this hart, when time_now() reaches deadline.
 * => t is not set already, and stays valid until fn has run or ktimer_cancel() has returned.
 * => fn runs with interrupts off and no lock held, may set t again, must not sleep.
 * => usable from the moment traps are set up, also before sched_init_hart().
 */
void ktimer_add(struct ktimer *t, uint64_t deadline, void (*fn)(struct ktimer *t));

/*
 * Take a timer back. On return fn neither runs nor will run, on any hart.
 * => not from fn itself, nor with a lock held that fn takes.
 */
void ktimer_cancel(struct ktimer *t);

/*
 * Sleep until the tick counter has advanced by n.
 * => 0, or -EINTR when killed meanwhile. n = 0 returns at once.
 */
int sleep_ticks(uint64_t n);

/*
 * The hart's timer interrupt: runs due timers, ends the slice, arms the next.
 * => called by trap_interrupt(), interrupts off.
 */
void timer_run(void);

/*
 * Arm the hart's timer no later than deadline.
 * => interrupts off. Later interrupts set the exact time; one too early is harmless.
 */
void timer_arm(uint64_t deadline);

#endif
