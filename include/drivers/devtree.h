/*
 * The device tree: what the firmware says the machine is made of.
 *
 * A flattened tree is one blob of big-endian words, which devtree_init() checks from end to end.
 * No allocation, no recursion, no locks: the blob never changes, so every function may be called at
 * any time, on any hart, also before mm is up. Drivers look at its nodes (drivers/dtnode.h).
 */
#ifndef DRIVERS_DEVTREE_H
#define DRIVERS_DEVTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/page.h" /* struct phys_range */

struct devtree_hart {
    uint64_t hartid;
    bool has_sstc; /* the hart compares time with stimecmp itself */
};

/*
 * Checks the blob at `dtb` and makes it the tree that all other calls read.
 * => 0; -EINVAL when it is no device tree, is damaged, too deep or too large. Then no tree is in
 *    use, and every other call behaves as if the tree were empty.
 */
int devtree_init(const void *dtb);

/* => the physical bytes [start, end) of the blob in *range; false when there is no tree. */
bool devtree_blob(struct phys_range *range);

/*
 * Lists the banks of RAM, sorted by address, adjacent and overlapping ones merged.
 * => 0 and their number in *n (0 without memory nodes); -ENOSPC when there are more than `max`: the
 *    first `max` found are listed then.
 */
int devtree_memory(struct phys_range *banks, size_t max, size_t *n);

/*
 * Lists what of the RAM is taken: the reservation block, /reserved-memory, the blob itself and the
 * initial RAM disk. Sorted by start; ranges of the same no_map are merged, others may overlap. Not
 * cut to RAM, not page aligned.
 * => 0 and their number in *n; -ENOSPC when there are more than `max` (do not use the RAM then).
 */
int devtree_reserved(struct phys_range *ranges, size_t max, size_t *n);

/*
 * Lists the harts that can run the kernel, in the order of the tree: enabled, and with an MMU.
 * => the number listed, at most `max`. The boot hart may be any of them, or (odd tree) none.
 */
size_t devtree_harts(struct devtree_hart *harts, size_t max);

/* => ticks of the time CSR per second; 0 when the tree does not say. */
uint64_t devtree_timebase(void);

/* => the kernel's command line from /chosen; "" when there is none. Never NULL. */
const char *devtree_bootargs(void);

/* => true when the command line has the word, as "selftest" or "root=ram". */
bool devtree_bootarg(const char *word);

#endif
