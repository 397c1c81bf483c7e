/*
 * Nodes of the device tree and their properties, for drivers and drivers/devtree_machine.c.
 *
 * A node is a number; 0 is no node, and every function below may be asked about it: it has no name,
 * no properties and no relatives. Formats: Devicetree Specification 0.4, chapters 2 and 3.
 */
#ifndef DRIVERS_DTNODE_H
#define DRIVERS_DTNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/page.h"

#define DEVTREE_DEPTH_MAX 16           /* levels of nodes; a deeper tree is refused */
#define DEVTREE_SIZE_MAX  (16UL << 20) /* bytes of a blob; a larger one is refused */

typedef uint32_t dtnode_t; /* offset of the node's name in the structure block */

/* ---- drivers/devtree.c ---- */

/*
 * The node after `node` in the order of the blob, children first; after no node, the root. *depth
 * counts the levels from where a walk began: a walk from `top` with 0 in it has left the nodes
 * below `top` when it is 0 or less.
 * => 0 at the end.
 */
dtnode_t dt_next(dtnode_t node, int *depth);

/*
 * Finds the nodes from the root down to this one, itself the last. Looks at all nodes before it.
 * => their number; 0 for no node.
 */
unsigned dt_ancestors(dtnode_t node, dtnode_t path[DEVTREE_DEPTH_MAX]);

/* => the name with its unit address, as "uart@10000000"; "" for the root. */
const char *dt_name(dtnode_t node);

/* => the number in n big-endian cells of 32 bits; of more than two, the last two count. */
uint64_t dt_number(const uint8_t *cells, uint32_t n);

/* => the bytes of a property in the blob (4-byte aligned), their number in *len; NULL if absent. */
const void *dt_prop(dtnode_t node, const char *name, uint32_t *len);

/* => the property as a terminated string in the blob; NULL when absent or not terminated. */
const char *dt_string(dtnode_t node, const char *name);

/* => true when the property, a list of strings, holds `value`. */
bool dt_has_string(dtnode_t node, const char *name, const char *value);

/* => the property's first cell in *value; false (*value untouched) when absent or shorter. */
bool dt_u32(dtnode_t node, const char *name, uint32_t *value);

/* => one or two cells in *value; false (*value untouched) when absent or of another length. */
bool dt_u64(dtnode_t node, const char *name, uint64_t *value);

/* => true unless the node has a `status` other than "okay" or "ok". */
bool dt_enabled(dtnode_t node);

/* => the index-th entry of the reservation block in *range; false for the one after the last. */
bool dt_reservation(unsigned index, struct phys_range *range);

/* ---- drivers/dtnode.c ---- */

/*
 * The node of an absolute path as "/cpus" or "/soc/serial:options": an element without '@' matches
 * any unit address, and the first match of each element is taken.
 * => 0 when there is none.
 */
dtnode_t dt_path(const char *path);

/* => the device of /chosen/stdout-path, which is a path or an alias; 0 when there is none. */
dtnode_t dt_stdout(void);

/* => the first enabled node after `prev` (0: of all) whose `compatible` lists `name`; 0: none. */
dtnode_t dt_find_compatible(dtnode_t prev, const char *name);

/*
 * Reads the index-th (address, size) pair of `reg`, by the cell counts of the parent and translated
 * through the `ranges` of all nodes above (a node without `ranges` counts as 1:1).
 * => false when there is no such pair, or it cannot be expressed or translated. The size may be 0;
 *    start + size never wraps.
 */
bool dt_reg(dtnode_t node, unsigned index, paddr_t *start, uint64_t *size);

/*
 * Reads the first interrupt: of `interrupts-extended`, or else of `interrupts` at the nearest
 * `interrupt-parent`.
 * => the controller's phandle and the first cell of the specifier; false when there is none.
 */
bool dt_irq(dtnode_t node, uint32_t *controller, uint32_t *number);

/* => the phandle of the hart's own interrupt controller, a child of its node; 0 when not named. */
uint32_t dt_intc_of_hart(uint64_t hartid);

/* => the initial RAM disk's bytes [start, end) in *range; false without one, or when empty. */
bool dt_initrd(struct phys_range *range);

/* ---- drivers/plic.c ---- */

/*
 * Calls `fn(arg)` for every interrupt of a device from now on: in interrupt context, on the hart of
 * plic_init(), with no lock held.
 * => boot only. false: it has no interrupt at the PLIC in use, or shares it; it must be polled.
 */
bool plic_connect(dtnode_t node, void (*fn)(void *arg), void *arg);

#endif
