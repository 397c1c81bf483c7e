/*
 * What the faces of sharing in ipc/ have in common. None of them has page-table code: they keep
 * records of who may, and leave the rest to mm/shared.h and mm/region.h.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "mm/mm.h"

/*
 * Have fork, exec and exit call ipc/ from now on. Each face calls it before its first record.
 */
void ipc_start(void);

#endif
