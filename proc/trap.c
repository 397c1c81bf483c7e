/*
 * What a fault means to a process, and a kill when it is noticed.
 *
 * Owns the upcalls trap_fault() (asm/trap.h) and task_end_killed() (sched/task.h). No lock. The
 * other upcalls for traps are trap_syscall() in syscall/dispatch.c, and trap_interrupt() and
 * task_first_run() in sched/sched.c.
 *
 * Called by arch/riscv. Read next: mm/fault.c.
 */
#include "asm/csr.h"
#include "asm/trap.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "proc/proc.h"
#include "sched/task.h"

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
        printk("usertrap(): unexpected scause 0x%lx pid=%d %s\n"
               "            sepc=0x%lx stval=0x%lx\n",
               cause, current()->pid, current()->name, tf->epc, va);
        if (proc_hooks.crashed)
            proc_hooks.crashed(tf, cause, va);
        proc_exit(-1);
    }
    irq_off();
    if (unlikely(current()->pending))
        task_pending_work();
    return true;
}

void task_end_killed(void)
{
    proc_exit(-1);
}
