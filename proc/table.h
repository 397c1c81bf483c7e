/*
 * The process table as proc/ sees it: slots and their way from FREE to ZOMBIE.
 */
#ifndef PROC_TABLE_H
#define PROC_TABLE_H

#include "proc/proc.h"

/*
 * Takes a free slot: no memory, files or directory yet, and unknown to others.
 * => takes proc_tree_lock. The last few slots are spare ones, for those of proc_takes_spare() only.
 *    Where no other is free, but will be as soon as init has asked for the status of an orphan that
 *    has ended, this sleeps until init has.
 * => NULL when all NPROC, or all but the spare ones, are in use; or killed meanwhile.
 */
struct proc *proc_alloc(void);

/*
 * Gives a slot back that proc_alloc() gave and proc_publish() never saw.
 * => takes proc_tree_lock.
 */
void proc_free(struct proc *p);

/*
 * Gives p a pid and a parent (NULL: none, p is init) and makes it known.
 * => takes proc_tree_lock. Returns the pid. PID_SERVER: nobody has that pid now.
 */
int proc_publish(struct proc *p, struct proc *parent, enum pid_kind kind);

/*
 * Takes a zombie out of the table and frees its slot.
 * => proc_tree_lock held by caller, who is the parent.
 */
void proc_forget(struct proc *p) __must_hold(&proc_tree_lock);

/*
 * The process in a slot, whatever its state.
 * => NULL past the last slot. proc_tree_lock guards what it says.
 */
struct proc *proc_slot(int slot);

#endif
