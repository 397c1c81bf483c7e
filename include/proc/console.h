/*
 * The console's shell, and what Ctrl-C ends.
 */
#ifndef PROC_CONSOLE_H
#define PROC_CONSOLE_H

#include <stdbool.h>

/*
 * The running process reads keys: it is the console's shell from now on, and Ctrl-C ends what is
 * below it. Nothing happens for a job in the background.
 * => takes proc_tree_lock.
 */
void proc_take_console(void);

/*
 * The running process runs another program: it is not the console's shell any more.
 * => may take proc_tree_lock.
 */
void proc_leave_console(void);

/*
 * Kills all processes below the console's shell.
 * => takes proc_tree_lock; any context, no lock held. false: there was none left to kill.
 */
bool proc_interrupt(void);

#endif
