/*
 * Looking at processes.
 */
#ifndef PROC_LIST_H
#define PROC_LIST_H

struct procinfo;

/* => the pid of the running process' parent, which is init where its own has ended; 0 for init. */
int proc_parent_pid(void);

/*
 * Describes the process in table slot `slot`; a free slot has pid 0.
 * => takes proc_tree_lock. 0; -EINVAL no such slot.
 */
int proc_info(int slot, struct procinfo *info);

/*
 * Prints a line for each process: pid, state, name. For a key of the console.
 * => takes proc_tree_lock; any context, no lock held.
 */
void proc_list(void);

#endif
