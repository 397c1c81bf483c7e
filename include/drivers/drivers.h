/*
 * The one call by which init/main.c brings up all devices.
 */
#ifndef DRIVERS_DRIVERS_H
#define DRIVERS_DRIVERS_H

/*
 * Bring up interrupts, console, disks and the RAM disk, in this order.
 * => boot only, on the boot hart, after devtree_init() and mm_init(), before the first mm_create().
 * => cannot fail: what is missing or broken is named on the console and left out.
 */
void drivers_init(void);

#endif
