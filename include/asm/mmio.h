/*
 * Device registers: one load or store each, in the order of the program.
 *
 * The fences keep registers in step with memory the device also looks at: what was stored before a
 * register write is seen by the device, what is loaded after a register read is not older than it
 * (RISC-V unprivileged specification 20191213, 2.7: device input and output are I and O).
 *
 * Where a device is, the device tree says, and it may be wrong. So an access that nothing answers is
 * no trap in the kernel: it reads all ones, or stores nothing. A driver looks for a register that
 * cannot be all ones before it believes that its device is there.
 */
#ifndef ASM_MMIO_H
#define ASM_MMIO_H

#include <stdbool.h>
#include <stdint.h>

uint8_t mmio_read8(const volatile void *at);
uint32_t mmio_read32(const volatile void *at);
void mmio_write8(volatile void *at, uint8_t value);
void mmio_write32(volatile void *at, uint32_t value);

/*
 * Whether the word at `at` is memory: whether it keeps what is stored.
 * => leaves it as it was. Nobody else uses it meanwhile.
 */
bool mmio_is_memory(volatile void *at);

#endif
