/*
 * Mutual exclusion between harts, and against interrupts of the own hart.
 *
 * A task that holds a spin lock must not sleep. Order: lib/lockrank.h.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/annotate.h"
#include "lib/lockrank.h"

#include <stdbool.h>
#include <stdint.h>

struct cpu;

struct __lockable spinlock {
    uint32_t locked;    /* [a] 1 while held */
    uint32_t rank;      /* [I] enum lock_rank */
    struct cpu *holder; /* [a] the hart that holds it, else NULL */
    const char *name;   /* [I] for messages */
};

#define SPINLOCK_INIT(lock_name, lock_rank)      \
    {                                            \
        .rank = (lock_rank), .name = (lock_name) \
    }

/* Makes l a free lock. */
void spin_init(struct spinlock *l, const char *name, enum lock_rank rank);

/* Takes l, spinning until it is free.
 * => interrupts of this hart stay off until its outermost lock is released;
 *    panics when this hart holds l already, or (checking build) breaks the order. */
void spin_lock(struct spinlock *l) __acquires(l);

/* Takes l if it is free right now; => true when taken. Not subject to the order: it cannot wait. */
bool spin_trylock(struct spinlock *l);

/* Releases l.
 * => caller holds l; interrupts return to what they were before the outermost spin_lock(). */
void spin_unlock(struct spinlock *l) __releases(l);

/* True when this hart holds l. */
bool spin_held(const struct spinlock *l);

#endif
