/*
 * What traps mean for processes. The upcalls themselves are declared in asm/trap.h.
 */
#ifndef PROC_TRAP_H
#define PROC_TRAP_H

/*
 * Say who serves external interrupts: the interrupt controller's driver, which lies above this
 * layer's reach. Boot only, before interrupts are let in; until then they are ignored.
 */
void trap_set_external(void (*dispatch)(void));

/*
 * Do what is pending for the running task before it is back in user mode: end, if it has been
 * killed; let others run, if its slice is over.
 * => interrupts off, no lock held; on return they are still off, and nothing is pending.
 */
void trap_pending_work(void);

#endif
