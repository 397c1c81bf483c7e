/*
 * Device interrupts through the PLIC.
 *
 * All devices interrupt the hart that called irq_init(): one hart takes the interrupt, the others
 * stay asleep. A machine without a PLIC works too: irq_of_node() gives 0 and drivers poll.
 */
#ifndef DRIVERS_IRQ_H
#define DRIVERS_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/devtree.h"

#define IRQ_NONE 0      /* the PLIC's number for "no interrupt": a device without one is polled */
#define IRQ_COUNT 256   /* sources with a higher number are left unused */

/*
 * Find the PLIC in the device tree, map it, and disable every source for every hart.
 * => boot only, on the hart that is to take the interrupts.
 * => 0; -ENODEV when there is none that can be used (drivers poll then).
 */
int irq_init(void);

/*
 * Accept external interrupts on the calling hart, when it is the one that takes them.
 * => interrupts may be on or off; called once per hart, after irq_init().
 */
void irq_init_hart(void);

/*
 * The interrupt of a device, ready for irq_register().
 * => its number; IRQ_NONE when it has none or is not wired to the PLIC in use.
 */
uint32_t irq_of_node(const struct devtree_node *node, unsigned index);

/*
 * Call `fn(arg)` for every interrupt `irq`, and enable it.
 * => 0; -EINVAL for IRQ_NONE or a number out of range; -EBUSY when it is taken; -ENODEV without
 *    PLIC.
 * => `fn` runs in interrupt context, on the hart of irq_init(), with no lock held.
 */
int irq_register(uint32_t irq, void (*fn)(void *arg), void *arg);

/*
 * Serve every pending device interrupt of the calling hart.
 * => interrupt context (external interrupt, cause 9); no lock held.
 */
void irq_dispatch(void);

#endif
