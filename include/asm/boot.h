/*
 * How harts come to life.
 */
#ifndef ASM_BOOT_H
#define ASM_BOOT_H

#include "asm/cpu.h"
#include "asm/page.h"

/*
 * Upcalls from head.S: declared here, defined in init/main.c. Paging is on, by the boot table or
 * by mm's; interrupts are off; the stack is the hart's own slot. They do not return.
 */

/* The boot hart; tp is &cpus[0], which is all zero; dtb is the device tree's address. */
void kernel_main(uint64_t hartid, paddr_t dtb);

/* A hart started by hart_start(). */
void secondary_main(struct cpu *c);

/* Makes the firmware start the hart of c, which then calls secondary_main(c).
 * => 0; -ENODEV when the firmware cannot start harts; -EINVAL when it refuses this one. */
int hart_start(struct cpu *c);

#endif
