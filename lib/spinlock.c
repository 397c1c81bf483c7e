/*
 * spinlock.c - mutual exclusion between harts.
 *
 * Owns no lock but makes them. While a hart holds one, its interrupts are off (irq_push() counts):
 * a handler that wanted the same lock would wait for ever. The checking build also keeps the stack
 * of held locks and holds everyone to the order of lib/lockrank.h.
 */
#include "lib/spinlock.h"

#include "asm/cpu.h"
#include "lib/printk.h"

#ifdef LAMINA_CHECK
/* A lock taken out of turn is a deadlock in waiting, even when nobody competes today. */
static void rank_push(struct spinlock *l)
{
    struct cpu *c = this_cpu();

    if (c->nranks == CPU_RANKS_MAX)
        panic("more than %u locks held, last %s", c->nranks, l->name);
    for (uint32_t i = 0; i < c->nranks && l->rank != RANK_NONE; i++)
        if (c->held[i]->rank >= l->rank)
            panic("lock order: %s (rank %u) wanted while holding %s (rank %u)",
                  l->name, l->rank, c->held[i]->name, c->held[i]->rank);
    c->held[c->nranks++] = l;
}

/* Locks need not be released in the order of taking, so the entry may be anywhere. */
static void rank_pop(struct spinlock *l)
{
    struct cpu *c = this_cpu();
    uint32_t i = c->nranks;

    while (i > 0 && c->held[i - 1] != l)
        i--;
    if (i == 0)
        panic("lock %s is not on this hart's stack of locks", l->name);
    for (c->nranks--; i <= c->nranks; i++)
        c->held[i - 1] = c->held[i];
}
#else
static inline void rank_push(struct spinlock *l)
{
}

static inline void rank_pop(struct spinlock *l)
{
}
#endif

/* A plain store, of which gcc 12 would make an exchange: only who holds l writes here. */
static inline void set_holder(struct spinlock *l, struct cpu *c)
{
    *(struct cpu *volatile *)&l->holder = c;
}

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
    *l = (struct spinlock)SPINLOCK_INIT(name, rank);
}

bool spin_held(const struct spinlock *l)
{
    /* Only this hart can write its own name there, so no race can make the answer wrong. */
    return __atomic_load_n(&l->holder, __ATOMIC_RELAXED) == this_cpu();
}

__no_lock_analysis void spin_lock(struct spinlock *l)
{
    irq_push();
    if (unlikely(spin_held(l)))
        panic("spin_lock: %s is held by this hart already", l->name);
    rank_push(l);
    /* Spin on a plain load: competing swaps would take the cache line from the holder. */
    while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&l->locked, __ATOMIC_RELAXED))
            cpu_relax();
    set_holder(l, this_cpu());
}

bool spin_trylock(struct spinlock *l)
{
    irq_push();
    if (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)) {
        irq_pop();
        return false;
    }
#ifdef LAMINA_CHECK
    struct cpu *c = this_cpu();
    if (c->nranks == CPU_RANKS_MAX)
        panic("more than %u locks held, last %s", c->nranks, l->name);
    c->held[c->nranks++] = l;
#endif
    set_holder(l, this_cpu());
    return true;
}

__no_lock_analysis void spin_unlock(struct spinlock *l)
{
    if (unlikely(!spin_held(l)))
        panic("spin_unlock: %s is not held by this hart", l->name);
    rank_pop(l);
    set_holder(l, NULL);
    cpu_store_release(&l->locked, 0);
    irq_pop();
}
