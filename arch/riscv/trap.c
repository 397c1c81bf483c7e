/*
 * What kind of trap it was, and which upcall deals with it.
 *
 * Knowledge of CSRs ends here: the upcalls of asm/trap.h, defined above arch, get numbers.
 * Only this file looks into the fault table (extable.h). No lock. entry.S calls the trap_from_...
 * functions; system calls do not come here but go straight from entry.S to trap_syscall().
 */
#include "asm/trap.h"

#include "asm/cpu.h"
#include "asm/csr.h"
#include "extable.h"
#include "lib/annotate.h"
#include "lib/printk.h"

/* For entry.S. */
void trap_entry(void);
void trap_from_user(struct trapframe *tf);
void trap_from_kernel(struct trapframe *tf);
__noreturn void trap_stack_overflow(uint64_t sp, uint64_t epc, uint64_t fp);

void trap_init_hart(void)
{
    csr_write(stvec, (uint64_t)trap_entry); /* mode 0: all traps go to one address */
    csr_write(sscratch, 0);                 /* we are in the kernel */
    /* The firmware may leave units on in which one process could read what another left. */
    csr_clear(sstatus, SSTATUS_SIE | SSTATUS_FS | SSTATUS_VS | SSTATUS_SUM | SSTATUS_MXR);
    csr_write(scounteren, 7);            /* programs may read cycle, time and instret */
    csr_write(sie, SIE_SSIE | SIE_STIE); /* devices: when their controller is ready */
}

static void interrupt(uint64_t cause, enum trap_from from)
{
    uint64_t irq = cause & ~CAUSE_INTERRUPT;

    if (irq == IRQ_SOFTWARE) {
        csr_clear(sip, SIE_SSIE); /* first: one that comes now must not be lost */
        if (panic_happened())
            cpu_halt();
    }
    trap_interrupt(irq, from);
}

/* Everything from user mode but system calls; interrupts off. */
void trap_from_user(struct trapframe *tf)
{
    uint64_t cause = csr_read(scause);
    vaddr_t va = csr_read(stval);

    if (cause & CAUSE_INTERRUPT) {
        interrupt(cause, TRAP_FROM_USER);
        return;
    }
    irq_on();
    trap_fault(tf, cause, va, TRAP_FROM_USER);
}

static uint64_t find_fixup(uint64_t pc)
{
    for (const struct extable_entry *e = __extable_start; e < __extable_end; e++)
        if (pc >= e->start && pc < e->end)
            return e->fixup;
    return 0;
}

/* Whether nothing answered at the physical address, or not to an access of this width. */
static bool is_bus_error(uint64_t cause)
{
    return cause == CAUSE_ACCESS_LOAD || cause == CAUSE_ACCESS_STORE ||
           cause == CAUSE_MISALIGNED_LOAD || cause == CAUSE_MISALIGNED_STORE;
}

/* An exception in the kernel: foreseen by the fault table, or the end. */
static void kernel_exception(struct trapframe *tf, uint64_t cause, vaddr_t va)
{
    uint64_t fixup = find_fixup(tf->epc);

    /* A copy that faults on the kernel's side of it is a bug, though its instruction is listed. */
    if (fixup && (va < USER_TOP || cause == CAUSE_ILLEGAL || is_bus_error(cause))) {
        bool page_fault = cause == CAUSE_PAGE_LOAD || cause == CAUSE_PAGE_STORE;

        if (page_fault && trap_fault(tf, cause, va, TRAP_FROM_UACCESS))
            return;
        tf->epc = fixup;
        return;
    }
    backtrace_from_frame(tf);
    panic("trap in the kernel: scause %lu, stval %p, sepc %p", cause, (void *)va, (void *)tf->epc);
}

/* Everything from the kernel itself; interrupts off, and SUM, too. */
void trap_from_kernel(struct trapframe *tf)
{
    uint64_t cause = csr_read(scause);
    vaddr_t va = csr_read(stval);

    if (cause & CAUSE_INTERRUPT)
        interrupt(cause, TRAP_FROM_KERNEL);
    else
        kernel_exception(tf, cause, va);
}

/* On this hart's emergency stack; the stack that sp points into is full. */
void trap_stack_overflow(uint64_t sp, uint64_t epc, uint64_t fp)
{
    backtrace_from(epc, fp);
    panic("kernel stack overflow: sp %p, sepc %p", (void *)sp, (void *)epc);
}
