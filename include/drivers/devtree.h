/*
 * The device tree: what the firmware says the machine is made of.
 *
 * A flattened tree is one blob of big-endian words. devtree_init() checks all of it once;
 * afterwards a `struct devtree_node` is a cursor into it. No allocation, no recursion, no locks:
 * the blob never changes, so every function may be called at any time, on any hart, also before mm
 * is up. Formats: Devicetree Specification 0.4, chapters 2 (properties), 3 (nodes) and 5 (the
 * blob).
 */
#ifndef DRIVERS_DEVTREE_H
#define DRIVERS_DEVTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm/page.h" /* struct phys_range */

#define DEVTREE_DEPTH_MAX 16           /* levels of nodes; a deeper tree is refused */
#define DEVTREE_SIZE_MAX  (16UL << 20) /* bytes of a blob; a larger one is refused */

/* A cursor: the nodes from the root (path[0]) down to this one (path[depth]). */
struct devtree_node {
    uint32_t depth;
    uint32_t path[DEVTREE_DEPTH_MAX]; /* offsets of the nodes' tokens in the structure block */
};

struct devtree_hart {
    uint64_t hartid;
    bool has_sstc; /* the hart compares time with stimecmp itself */
};

/* One interrupt of a device, and where the list of them goes on. Start a walk with all zero. */
struct devtree_irq {
    uint32_t controller; /* phandle of the interrupt controller */
    uint32_t number;     /* first cell of the specifier; DEVTREE_IRQ_NOWHERE = not connected */
    uint32_t next;       /* offset of the next specifier in its property, in bytes */
};

#define DEVTREE_IRQ_NOWHERE 0xffffffffU

/*
 * Check the blob at `dtb` from end to end and make it the tree that all calls below read.
 * => 0; -EINVAL when it is no device tree, is damaged, too deep or too large. Then no tree is in
 *    use, and every call below behaves as if the tree were empty.
 */
int devtree_init(const void *dtb);

/* --- Nodes ------------------------------------------------------------------------------------ */

/*
 * Point `node` at the root.
 * => false when there is no tree.
 */
bool devtree_root(struct devtree_node *node);

/*
 * Move `node` to the next node in the order of the blob (children first).
 * => false at the end; `node` is then unchanged.
 */
bool devtree_next(struct devtree_node *node);

/*
 * Move `node` to the next node below `parent`, at any depth. Start with *node = *parent.
 * => false when there is none; `node` is then unchanged.
 */
bool devtree_next_below(const struct devtree_node *parent, struct devtree_node *node);

/*
 * Find the node of an absolute path as "/cpus" or "/soc/serial"; an element without '@' matches
 * any unit address, and the first match of each element is taken.
 * => false when there is none.
 */
bool devtree_path(const char *path, struct devtree_node *node);

/*
 * Find the first enabled node whose `compatible` lists `name`; with `prev` not NULL, the first
 * after `prev`. `prev` and `node` may be the same object.
 * => false when there is none; `node` is then unchanged.
 */
bool devtree_find_compatible(const struct devtree_node *prev, const char *name,
                             struct devtree_node *node);

/*
 * Find the node whose `phandle` (or `linux,phandle`) is `phandle`.
 * => false when there is none.
 */
bool devtree_find_phandle(uint32_t phandle, struct devtree_node *node);

/* The name of a node with its unit address, as "uart@10000000"; "" for the root. */
const char *devtree_name(const struct devtree_node *node);

/* => true unless the node has a `status` other than "okay" or "ok". */
bool devtree_enabled(const struct devtree_node *node);

/* --- Properties ------------------------------------------------------------------------------- */

/*
 * Look up a property.
 * => its bytes inside the blob (4-byte aligned) and their number in *len; NULL when absent.
 */
const void *devtree_prop(const struct devtree_node *node, const char *name, uint32_t *len);

/* => the property as a terminated string inside the blob; NULL when absent or not terminated. */
const char *devtree_string(const struct devtree_node *node, const char *name);

/* => true when the string-list property holds `value`. */
bool devtree_has_string(const struct devtree_node *node, const char *name, const char *value);

/*
 * Read a property of one 32-bit cell.
 * => true and the value in *value; false (and *value untouched) when absent or shorter.
 */
bool devtree_u32(const struct devtree_node *node, const char *name, uint32_t *value);

/*
 * Read a property of one or two cells as one number.
 * => true and the value in *value; false (and *value untouched) when absent or of another length.
 */
bool devtree_u64(const struct devtree_node *node, const char *name, uint64_t *value);

/*
 * Read the `index`-th (address, size) pair of `reg`, by the cell counts of the parent and
 * translated through the `ranges` of all nodes above (a node without `ranges` counts as 1:1).
 * => 0; -ENOENT when there is no such pair; -EINVAL when it cannot be expressed or translated.
 *    `size` may be NULL. An entry may have size 0; start + size never wraps.
 */
int devtree_reg(const struct devtree_node *node, unsigned index, paddr_t *start, uint64_t *size);

/*
 * Step to the next interrupt, of `interrupts-extended` or else `interrupts` with the nearest
 * `interrupt-parent`.
 * => 0; -ENOENT when there are no more; -EINVAL when the controller is missing or odd: `irq` is
 *    then unchanged, and the walk cannot go on.
 */
int devtree_irq_next(const struct devtree_node *node, struct devtree_irq *irq);

/*
 * Read the `index`-th interrupt.
 * => as devtree_irq_next().
 */
int devtree_irq(const struct devtree_node *node, unsigned index, struct devtree_irq *irq);

/* --- The machine ------------------------------------------------------------------------------ */

/*
 * List the banks of RAM, sorted by address, adjacent and overlapping ones merged.
 * => 0 and their number in *n (0 without memory nodes); -ENOSPC when there are more than `max`: the
 *    first `max` found are listed then.
 */
int devtree_memory(struct phys_range *banks, size_t max, size_t *n);

/*
 * List what of the RAM is taken: the reservation block, /reserved-memory, the blob itself and the
 * initial RAM disk. Sorted by start; ranges of the same no_map are merged, others may overlap. Not
 * cut to RAM, not page aligned.
 * => 0 and their number in *n; -ENOSPC when there are more than `max` (do not use the RAM then).
 */
int devtree_reserved(struct phys_range *ranges, size_t max, size_t *n);

/*
 * List the harts that can run the kernel, in the order of the tree: enabled, and with an MMU.
 * => the number listed, at most `max`. The boot hart may be any of them, or (odd tree) none.
 */
size_t devtree_harts(struct devtree_hart *harts, size_t max);

/* => the hart of a `riscv,cpu-intc` phandle in *hartid; false when it is none. */
bool devtree_hart_of_intc(uint32_t phandle, uint64_t *hartid);

/* => ticks of the time CSR per second; 0 when the tree does not say. */
uint64_t devtree_timebase(void);

/* => the kernel's command line from /chosen; "" when there is none. Never NULL. */
const char *devtree_bootargs(void);

/*
 * Look for the word `name` or `name=value` on the command line, and copy the value, cut to `size`
 * and terminated ("" for the bare word). `value` may be NULL with size 0.
 * => true when the word is there.
 */
bool devtree_bootarg(const char *name, char *value, size_t size);

/*
 * Find the device of /chosen/stdout-path: a path, or an alias, with options after a ':' ignored.
 * => false when there is none.
 */
bool devtree_stdout(struct devtree_node *node);

/* => bytes of the reservation block's `index`-th entry in *range; false past the last one. */
bool devtree_reservation(unsigned index, struct phys_range *range);

/* => the physical bytes [start, end) of the blob that are in use; false when there is no tree. */
bool devtree_blob(struct phys_range *range);

/*
 * Find the initial RAM disk.
 * => 0 and its bytes [start, end) in *range; -ENOENT when there is none or its range is empty.
 */
int devtree_initrd(struct phys_range *range);

#endif
