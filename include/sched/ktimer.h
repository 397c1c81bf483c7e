/*
 * One-shot timers for the kernel.
 *
 * Tickless: each hart keeps the timers that were added on it, sorted, and sets its hardware for the
 * earliest of them or the end of the running task's slice, whichever is first. An idle hart without
 * timers gets no timer interrupt.
 */
#ifndef SCHED_KTIMER_H
#define SCHED_KTIMER_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed memory is a timer that is not set. */
struct ktimer {
    uint64_t deadline;            /* [lock] in units of time_now() */
    void (*fn)(struct ktimer *t); /* [I] while it is set */
    struct ktimer *next;          /* [lock] sorted by deadline */
    uint32_t cpu;                 /* [lock] hart whose list holds it */
    bool queued;                  /* [lock] */
};

/*
 * Has fn(t) called once, in a timer interrupt of this hart, when time_now() reaches `deadline`.
 * => t is not set already, and stays valid until fn has run or ktimer_cancel() has returned.
 * => fn runs with interrupts off and no lock held, may set t again, must not sleep.
 * => takes a lock of RANK_TIMER; usable once traps are set up, also before sched_init_hart()
 */
void ktimer_add(struct ktimer *t, uint64_t deadline, void (*fn)(struct ktimer *t));

/*
 * Takes a timer back. On return fn neither runs nor will run, on any hart.
 * => takes a lock of RANK_TIMER; not from fn itself, nor with a lock held that fn takes
 */
void ktimer_cancel(struct ktimer *t);

#endif
