/*
 * Who may share memory with whom.
 */
#ifndef IPC_SHARE_H
#define IPC_SHARE_H

#include "asm/page.h"

struct mm;

/*
 * Maps [va, va + size) of process src_pid into process dst_pid, if the running process may do that.
 * => no lock held; may sleep.
 * => the address in the destination; -ESRCH no such process; -EPERM the caller is neither of them;
 *    -EINVAL not allowed, or as map_shared_pages(). On error nothing has changed.
 */
long share_pages(int src_pid, int dst_pid, vaddr_t va, uint64_t size);

/*
 * Maps pages of another family's process `owner` into the running process, as far as it has granted
 * them. => the address; 0: failed, or not granted. [I] grant_map() after boot; NULL: nobody grants.
 */
extern uint64_t (*share_by_grant)(int owner, struct mm *src, vaddr_t va, uint64_t size);

#endif
