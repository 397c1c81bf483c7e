/*
 * Mutexes on the host: the kernel's struct, and functions that each test brings.
 */
#ifndef PORT_SCHED_MUTEX_H
#define PORT_SCHED_MUTEX_H

#define mutex_lock   kernel_mutex_lock
#define mutex_unlock kernel_mutex_unlock
#include "../../../../include/sched/mutex.h"
#undef mutex_lock
#undef mutex_unlock

void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

#endif
