/*
 * Mutual exclusion between harts.
 *
 * Implements spin locks. While a hart holds one, its interrupts are off (irq_depth counts): a
 * handler that wanted the same lock would wait for ever. The checking build also keeps the stack of
 * held locks and holds everyone to the order of lib/lockrank.h.
 */
#include "lib/spinlock.h"

#include "asm/cpu.h"
#include "lib/printk.h"

#ifdef LAMINA_CHECK
static void note_held(struct spinlock *l)
{
    struct cpu *c = this_cpu;

    if (c->nranks == CPU_RANKS_MAX)
        panic("more than %u locks held, last %s", c->nranks, l->name);
    c->held[c->nranks++] = l;
}

/* A lock taken out of turn is a deadlock in waiting, even when nobody competes today. */
static void check_order(const struct spinlock *l)
{
    struct cpu *c = this_cpu;

    for (uint32_t i = 0; i < c->nranks && l->rank != RANK_NONE; i++)
        if (c->held[i]->rank >= l->rank)
            panic("lock order: %s (rank %u) wanted while holding %s (rank %u)", l->name, l->rank,
                  c->held[i]->name, c->held[i]->rank);
}

/* Locks need not be released in the order of taking, so the entry may be anywhere. */
static void note_released(struct spinlock *l)
{
    struct cpu *c = this_cpu;
    uint32_t i = c->nranks;

    while (i > 0 && c->held[i - 1] != l)
        i--;
    if (i == 0)
        panic("lock %s is not on this hart's stack of locks", l->name);
    for (c->nranks--; i <= c->nranks; i++)
        c->held[i - 1] = c->held[i];
}
#else
#define note_held(l)     ((void)0)
#define check_order(l)   ((void)0)
#define note_released(l) ((void)0)
#endif

/* A plain store, of which gcc 12 would make an exchange: only the hart that holds l writes here. */
#define SET_HOLDER(l, c) (*(struct cpu *volatile *)&(l)->holder = (c))

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
    *l = (struct spinlock)SPINLOCK_INIT(name, rank);
}

bool spin_held(const struct spinlock *l)
{
    return __atomic_load_n(&l->holder, __ATOMIC_RELAXED) == this_cpu;
}

__no_lock_analysis void spin_lock(struct spinlock *l)
{
    uint64_t before = csr_read_clear(sstatus, SSTATUS_SIE);
    struct cpu *c = this_cpu;

    /* Only this hart can write its own name there, so no race can make the answer wrong. */
    if (unlikely(__atomic_load_n(&l->holder, __ATOMIC_RELAXED) == c))
        panic("spin_lock: %s is held by this hart already", l->name);
    check_order(l);
    /* Spin on a plain load: competing swaps would take the cache line from the holder. */
    while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&l->locked, __ATOMIC_RELAXED))
            cpu_relax();
    note_held(l);
    SET_HOLDER(l, c);
    if (c->irq_depth++ == 0)
        c->irq_were_on = before & SSTATUS_SIE;
}

bool spin_trylock(struct spinlock *l)
{
    uint64_t before = irq_disable_save();
    struct cpu *c = this_cpu;

    if (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)) {
        irq_restore(before);
        return false;
    }
    note_held(l);
    SET_HOLDER(l, c);
    if (c->irq_depth++ == 0)
        c->irq_were_on = before;
    return true;
}

__no_lock_analysis void spin_unlock(struct spinlock *l)
{
    struct cpu *c = this_cpu;

    if (unlikely(__atomic_load_n(&l->holder, __ATOMIC_RELAXED) != c))
        panic("spin_unlock: %s is not held by this hart", l->name);
    note_released(l);
    SET_HOLDER(l, NULL);
    /* After all that came before, device registers included: gcc 12 would use an exchange. */
    __asm__ volatile("fence iorw, ow\n\tsw zero, %0" : "=m"(l->locked) : : "memory");
    if (--c->irq_depth == 0 && c->irq_were_on)
        csr_set(sstatus, SSTATUS_SIE);
}
