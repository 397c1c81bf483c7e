/*
 * Consent: which process of another family may map what.
 */
#ifndef IPC_GRANT_H
#define IPC_GRANT_H

#include "asm/page.h"

struct mm;

/*
 * Lets process `pid`, until it ends or execs, map the pages that [va, va + size) of the
 * running process touches; to store there only if `prot` has PROT_WRITE.
 * The memory is looked at, not touched. => 0; -ESRCH no such process; errors of mm_check();
 * -ENOMEM: no memory, too many grants.
 */
int grant_add(int pid, vaddr_t va, uint64_t size, unsigned prot);

/*
 * Ends every grant of the running process to `pid` that touches [va, va + size), and takes away what
 * was mapped by it, from everyone who has it by then.
 * => may sleep. 0: no hart reaches those pages any more; -ESRCH: there was no such grant.
 */
int grant_revoke(int pid, vaddr_t va, uint64_t size);

/*
 * map_shared_pages() between two families, into the running process only: memory pushed into a
 * stranger would stay there as long as that lives. The caller holds src, which process `owner` had.
 * => may sleep. The address; 0 failed, or not granted.
 */
uint64_t grant_map(int owner, struct mm *src, vaddr_t va, uint64_t size);

/*
 * The running process has left an address space of `family`. Grants it gave as that end, and the
 * borrowers keep the pages. Grants it was given as that are revoked: otherwise its children would
 * keep pages that nobody could take back. A grant to what it is now stays. => may sleep.
 */
void grants_left(uint64_t family);

#endif
