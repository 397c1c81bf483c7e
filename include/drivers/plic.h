/*
 * Device interrupts through the PLIC. All devices interrupt the hart that called plic_init(): one
 * hart takes the interrupt, the others stay asleep. Without a PLIC drivers poll their devices.
 */
#ifndef DRIVERS_PLIC_H
#define DRIVERS_PLIC_H

/*
 * Finds the PLIC in the device tree, disables every source for every hart, and accepts external
 * interrupts on the calling hart.
 * => boot only. When there is none that can be used, says so in a line.
 */
void plic_init(void);

#endif
