/*
 * Stopping the other harts.
 *
 * Owns three words: `busy` belongs to the one hart that stops the others; they stand still in
 * their software interrupt as long as `stopping` is set, and each has a bit in `stopped`. A hart
 * takes that interrupt only where interrupts are on, hence holds no spin lock then; so the
 * stopper, which holds none either, never waits for one that waits for it.
 *
 * Called by syscall/ (audit) and a console key. What for: include/mm/audit.h.
 */
#include "sched/stop.h"

#include "asm/cpu.h"
#include "asm/sbi.h"
#include "lib/errno.h"

static uint32_t busy;     /* [a] */
static uint32_t stopping; /* [a] */
static uint64_t stopped;  /* [a] mask of the harts that stand still */

static void wait_for_stopped(uint64_t harts)
{
    while (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) != harts)
        cpu_relax();
}

int stop_machine(size_t (*fn)(void), size_t *result)
{
    uint64_t irqs, others;

    if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
        return -EBUSY;
    irqs = irq_disable_save();
    others = cpu_others_online();
    __atomic_store_n(&stopping, 1, __ATOMIC_SEQ_CST);
    sbi_send_ipi(others);
    wait_for_stopped(others);
    *result = fn();
    __atomic_store_n(&stopping, 0, __ATOMIC_RELEASE);
    wait_for_stopped(0);
    irq_restore(irqs);
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
    return 0;
}

void stop_interrupt(void)
{
    if (!__atomic_load_n(&stopping, __ATOMIC_SEQ_CST))
        return;
    __atomic_fetch_or(&stopped, 1UL << this_cpu->id, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&stopping, __ATOMIC_ACQUIRE))
        cpu_relax();
    __atomic_fetch_and(&stopped, ~(1UL << this_cpu->id), __ATOMIC_ACQ_REL);
}
