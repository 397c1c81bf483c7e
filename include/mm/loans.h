/*
 * Loans: what was lent across families by one consent, so that it can be taken back.
 *
 * A consent knows the regions that were made by it, and each of these knows those that were made of
 * its pages by a further consent. The tree has a lock of its own, [lending].
 */
#ifndef MM_LOANS_H
#define MM_LOANS_H

#include "mm/shared.h"

#define LOANS_MAX 1024 /* regions of one consent at a time: each pins pages of the owner */

struct loans {
    struct consent consent; /* [I] for struct lend */
    struct list regions;    /* [lending] */
    uint32_t count;         /* [lending] regions */
    bool revoked;           /* [lending] nothing more is lent */
    bool lasting;           /* [I] it is never revoked */
};

#define LOANS_INIT(l, never_revoked)                                       \
    {                                                                      \
        .consent = {loans_make_region}, .regions = LIST_INIT((l).regions), \
        .lasting = (never_revoked)                                         \
    }

/* consent.make of all loans. */
struct region *loans_make_region(struct consent *c, size_t npages, struct region *parent);

/*
 * Takes the pages that were lent by this consent away from everyone who has them, and from those
 * they were lent on to; nothing more is lent by it. => no hart reaches them on return.
 * => no spin lock held; may sleep. Its time grows with what is taken away, and with nothing else.
 */
void loans_revoke(struct loans *loans);

/* The consent ends, and its borrowers keep what they have. => no spin lock held. */
void loans_keep(struct loans *loans);

#endif
