/*
 * What a trap means to a process: faults, interrupts, and the work that is due before user mode.
 *
 * Owns the upcalls trap_fault(), trap_interrupt() and task_first_run() (asm/trap.h); the third,
 * trap_syscall(), is syscall/dispatch.c's. No lock.
 *
 * Called by arch/riscv. Read next: mm/fault.c, sched/timer.c.
 */
#include "proc/trap.h"

#include "asm/csr.h"
#include "asm/trap.h"
#include "mm/mm.h"
#include "proc/crash.h"
#include "proc/proc.h"
#include "sched/stop.h"
#include "sched/timer.h"

static void (*external_dispatch)(void); /* [I] after boot */

void trap_set_external(void (*dispatch)(void))
{
    external_dispatch = dispatch;
}

void trap_pending_work(void)
{
    struct task *t = current();

    /* Asked with interrupts off: one that came between this and user mode would leave its wish
     * unheard until the next trap. */
    while (__atomic_load_n(&t->pending, __ATOMIC_RELAXED)) {
        irq_on();
        if (task_killed(t))
            proc_exit(-1);
        task_yield_if_due();
        irq_off();
    }
}

void task_first_run(void)
{
    task_begin();
    trap_pending_work();
}

/* Brings the page that a fault asks for. => true when the access can be tried again. */
static inline bool resolve(uint64_t cause, vaddr_t va)
{
    struct mm *mm = current()->mm;

    if (!mm)
        return false;
    switch (cause) {
    case CAUSE_PAGE_LOAD:
        return mm_fault(mm, va, ACCESS_READ) == 0;
    case CAUSE_PAGE_STORE:
        return mm_fault(mm, va, ACCESS_WRITE) == 0;
    case CAUSE_PAGE_FETCH:
        return mm_fault(mm, va, ACCESS_EXEC) == 0;
    default:
        return false;
    }
}

/* A copy by the kernel. Interrupts are as they were there, so that the fault knows if it may sleep. */
static __noinline bool resolve_copy(const struct trapframe *tf, uint64_t cause, vaddr_t va)
{
    bool resolved;

    if (tf->status & SSTATUS_SPIE)
        irq_on();
    resolved = resolve(cause, va);
    irq_off();
    return resolved;
}

bool trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va, enum trap_from from)
{
    if (from == TRAP_FROM_UACCESS)
        return resolve_copy(tf, cause, va);
    if (!resolve(cause, va)) {
        crash_report(tf, cause, va);
        proc_exit(-1);
    }
    irq_off();
    if (unlikely(current()->pending))
        trap_pending_work();
    return true;
}

void trap_interrupt(struct trapframe *tf, uint64_t irq, enum trap_from from)
{
    sched_interrupt_begin();
    if (irq == IRQ_TIMER)
        timer_run();
    else if (irq == IRQ_EXTERNAL && external_dispatch)
        external_dispatch();
    else if (irq == IRQ_SOFTWARE)
        stop_interrupt();
    sched_interrupt_end();

    if (from == TRAP_FROM_USER)
        trap_pending_work();
}
