/*
 * Pages known by a number: openshmem, open_sharedmem and shm_open of the courses.
 */
#ifndef IPC_IDS_H
#define IPC_IDS_H

#include "asm/page.h"

struct proc;

/*
 * Opens id, which is made, zeroed, if nobody has it open: maps its page into the running process.
 * Opened once more it is at the same address, and wants one more close.
 * => may sleep. 0 and *va; -EINVAL id < 1, or no room; -ENOMEM no memory, or all ids in use. On error nothing
 *    has changed.
 */
int ids_open(int id, vaddr_t *va);

/*
 * Closes id once; the last close unmaps, and the page goes with the last process that had it open.
 * => may sleep. 0; -EINVAL: the running process does not have it open.
 */
int ids_close(int id);

/* A new child has open what the running process has, as often. => may sleep. 0; -ENOMEM, then nothing. */
int ids_forked(struct proc *child);

/* The running process has lost its address space: closes all. => may sleep. */
void ids_left(void);

#endif
