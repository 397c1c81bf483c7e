/*
 * cpu.h - stands for include/asm/cpu.h in host tests: the harts are an array, one of them runs.
 */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NCPU_MAX = 8,
    CPU_RANKS_MAX = 16
};

struct task;
struct mm;
struct spinlock;

struct cpu {
    struct task *current;
    uint64_t hartid;
    uint32_t id;
    uint32_t irq_depth;
    uint32_t irq_saves;
    bool irq_were_on;
    bool online;
    struct mm *mm;
    struct task *previous;
    uint64_t slice_end;
    uint64_t keep_until;
    bool in_interrupt;
    bool queued;
    uint64_t timer_deadline;
    uint32_t nranks;
    struct spinlock *held[CPU_RANKS_MAX];
};

extern struct cpu cpus[NCPU_MAX];
extern uint32_t cpu_count;
extern struct cpu *this_cpu;
extern void (*port_on_wait)(void);

static inline void irq_on(void)
{
    this_cpu->irq_were_on = true;
}

static inline void irq_off(void)
{
    this_cpu->irq_were_on = false;
}

/* Not in the kernel's own: under a spin lock, or inside irq_disable_save(). */
static inline bool irqs_kept_out(void)
{
    return this_cpu->irq_depth > 0 || this_cpu->irq_saves > 0;
}

static inline bool irqs_enabled(void)
{
    return !irqs_kept_out() && this_cpu->irq_were_on;
}

static inline uint64_t irq_disable_save(void)
{
    return this_cpu->irq_saves++;
}

static inline void irq_restore(uint64_t saved)
{
    this_cpu->irq_saves = (uint32_t)saved;
}

static inline void cpu_relax(void)
{
}

static inline void cpu_wait(void)
{
    if (port_on_wait)
        port_on_wait();
}

#endif
