/*
 * What a fault means to a process, and a kill when it is noticed.
 *
 * Owns the upcalls trap_fault() (asm/trap.h) and task_end_killed() (sched/task.h). No lock. The
 * other upcalls for traps are trap_syscall() in syscall/dispatch.c, and trap_interrupt() and
 * task_first_run() in sched/sched.c.
 *
 * Called by arch/riscv and sched/sched.c. Read next: mm/fault.c.
 */
#include "asm/csr.h"
#include "asm/trap.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "proc/proc.h"
#include "sched/task.h"

bool trap_fault(struct trapframe *tf, uint64_t cause, vaddr_t va, enum trap_from from)
{
    struct mm *mm = current()->mm;
    int err = -EFAULT;

    /* A copy by the kernel: interrupts are as they were there, so the fault knows if it may sleep. */
    if (from == TRAP_FROM_UACCESS && (tf->status & SSTATUS_SPIE))
        irq_on();
    if (mm && cause == CAUSE_PAGE_STORE)
        err = mm_fault(mm, va, ACCESS_WRITE);
    else if (mm && cause == CAUSE_PAGE_LOAD)
        err = mm_fault(mm, va, ACCESS_READ);
    else if (mm && cause == CAUSE_PAGE_FETCH)
        err = mm_fault(mm, va, ACCESS_EXEC);
    if (err && from == TRAP_FROM_USER) {
        printk("usertrap(): unexpected scause 0x%lx pid=%d %s\n"
               "            sepc=0x%lx stval=0x%lx\n",
               cause, current()->pid, current()->name, tf->epc, va);
        if (proc_hooks.crashed)
            proc_hooks.crashed(tf, cause, va);
        proc_exit(-1);
    }
    irq_off();
    if (from == TRAP_FROM_USER && unlikely(current()->pending))
        task_pending_work();
    return !err;
}

void task_end_killed(void)
{
    proc_exit(-1);
}
