/*
 * The process table by slot, for listings.
 */
#ifndef PROC_TABLE_H
#define PROC_TABLE_H

struct proc;

/*
 * The process in a slot, whatever its state.
 * => NULL past the last slot. proc_tree_lock guards what it says.
 */
struct proc *proc_slot(int slot);

#endif
