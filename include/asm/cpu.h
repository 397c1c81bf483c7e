/*
 * What the kernel keeps per hart, and the hart's own small instructions.
 *
 * In the kernel, register tp always points at the struct cpu of the hart that runs. Harts are
 * numbered densely: id 0 is the boot hart. The machine's own hart ids may be sparse and large.
 */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include "asm/csr.h"
#include "lib/annotate.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    NCPU_MAX = 8,
    CPU_RANKS_MAX = 16
};

struct task;
struct mm;
struct spinlock;

/* Fields without a mark: [self], with interrupts off. */
struct cpu {
    struct task *current;    /* the task that runs; must stay the first field */
    uint64_t emergency_sp;   /* [I] stack for reporting a stack overflow */
    uint64_t hartid;         /* [I] the machine's number */
    uint32_t id;             /* [I] index in cpus[] */
    uint32_t irq_depth;      /* spin locks held */
    bool irq_were_on;        /* interrupt state before the outermost of them */
    bool online;             /* [a] the hart runs the scheduler */
    struct mm *mm;           /* loaded address space, NULL = the kernel's; for mm */
    struct task *previous;   /* sched: the task that ran before, until it is let go of */
    uint64_t slice_end;      /* sched: a slice's rest goes to the next task; ~0 while idle */
    uint64_t keep_until;     /* sched: it comes for a task that it has woken; else ~0 */
    bool in_interrupt;       /* sched: trap_interrupt() runs */
    bool queued;             /* sched: this interrupt has queued a task */
    bool sstc_listed;        /* [I] after boot: the device tree promises stimecmp */
    bool has_sstc;           /* stimecmp was tried, and works */
    uint64_t timer_deadline; /* what the timer is set to; ~0 = nothing */
    uint32_t nranks;         /* checking build: locks held, outermost first */
    struct spinlock *held[CPU_RANKS_MAX];
};

extern struct cpu cpus[NCPU_MAX]; /* [I] up to cpu_count */
extern uint32_t cpu_count;        /* [I] after the device tree was read */

/* The struct cpu of this hart. => the same one until the task sleeps or yields */
register struct cpu *this_cpu __asm__("tp");

/* Enters a hart in cpus[]; => its struct cpu, or NULL when the table is full. Boot only. */
struct cpu *cpu_add(uint64_t hartid);

/*
 * Makes the firmware start the hart of c, which then calls secondary_main(c).
 * => 0; -ENODEV when the firmware cannot start harts; -EINVAL when it refuses this one
 */
int hart_start(struct cpu *c);

/* Whether the hart has come up. */
static inline bool cpu_is_online(const struct cpu *c)
{
    return __atomic_load_n(&c->online, __ATOMIC_ACQUIRE);
}

/* The harts that run, but for this one. => their mask; bit n is cpus[n] */
uint64_t cpu_others_online(void);

/* Lets interrupts in. */
static inline void irq_on(void)
{
    csr_set(sstatus, SSTATUS_SIE);
}

/* Keeps interrupts out. */
static inline void irq_off(void)
{
    csr_clear(sstatus, SSTATUS_SIE);
}

/* True when interrupts are let in. */
static inline bool irqs_enabled(void)
{
    return csr_read(sstatus) & SSTATUS_SIE;
}

/* Keeps interrupts out; => what irq_restore() needs to undo it. */
static inline uint64_t irq_disable_save(void)
{
    return csr_read_clear(sstatus, SSTATUS_SIE) & SSTATUS_SIE;
}

/* Undoes irq_disable_save(). */
static inline void irq_restore(uint64_t saved)
{
    csr_set(sstatus, saved);
}

/* Tells the hart that it spins: the pause hint, a fence that orders nothing. */
static inline void cpu_relax(void)
{
    __asm__ volatile(".word 0x0100000f" : : : "memory");
}

/* Sleeps until an interrupt is pending, even one that is kept out by irq_off(). */
static inline void cpu_wait(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

/* Stops this hart for good. No interrupt stays enabled: a pending one would end each wfi. */
static inline __noreturn void cpu_halt(void)
{
    irq_off();
    csr_write(sie, 0);
    for (;;)
        cpu_wait();
}

#endif
