/*
 * The audit: is what the invariants say of all memory true right now?
 */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

#include <stddef.h>

/*
 * Checks I1, I3, I4, the free lists and the promises (I5) over the whole machine, and
 * prints a line for each violation.
 * => the number of violations.
 * => the other harts stand still, none of them in a section with interrupts off: all bookkeeping of mm/
 *    is done in such sections, so it is complete.
 */
size_t mm_audit(void);

#endif
