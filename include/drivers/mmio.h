/*
 * Device registers: one load or store each, in the order of the program.
 *
 * The fences keep registers in step with memory the device also looks at: what was stored before a
 * register write is seen by the device, what is loaded after a register read is not older than it
 * (RISC-V unprivileged specification 20191213, 2.7: device input and output are I and O).
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <stdint.h>

static inline uint8_t mmio_read8(const volatile void *at)
{
    uint8_t value = *(const volatile uint8_t *)at;

    __asm__ volatile("fence i,r" : : : "memory");
    return value;
}

static inline uint32_t mmio_read32(const volatile void *at)
{
    uint32_t value = *(const volatile uint32_t *)at;

    __asm__ volatile("fence i,r" : : : "memory");
    return value;
}

static inline void mmio_write8(volatile void *at, uint8_t value)
{
    __asm__ volatile("fence w,o" : : : "memory");
    *(volatile uint8_t *)at = value;
}

static inline void mmio_write32(volatile void *at, uint32_t value)
{
    __asm__ volatile("fence w,o" : : : "memory");
    *(volatile uint32_t *)at = value;
}

#endif
