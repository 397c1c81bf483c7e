/*
 * The orderly end of the machine: for poweroff and reboot, and for when process 1 ends.
 */
#ifndef PROC_SHUTDOWN_H
#define PROC_SHUTDOWN_H

#include "lib/annotate.h"

enum shutdown {
    SHUTDOWN_POWER_OFF,
    SHUTDOWN_REBOOT
};

/*
 * Ends all processes, writes what they have been told is done to the disk, and lets the power go.
 * => in a process, no lock held; sleeps. Nothing runs in user mode from this call on.
 * => calls under way have 10 s to end, writing has 60 s: then the power goes all the same, and a
 *    line on the console says what did not end or could not be written.
 * => a second caller sleeps until the first one is done.
 */
__noreturn void machine_shutdown(enum shutdown how);

/*
 * Process 1 ends, with nothing left to run: says so, unless the machine is ending anyway, and ends it.
 */
__noreturn void shutdown_after_init(int status);

#endif
