/*
 * Loads and stores of device registers, which may find nothing there.
 *
 * Owns nothing, takes no lock. The fault table leads each access that is not answered to the
 * instruction after it. Called by the drivers, and by mm to see what is RAM. Read next:
 * trap.c:kernel_exception().
 */
#include "asm/mmio.h"

#include "extable.h"

#define LOAD(instruction, value, at)                             \
    __asm__ volatile("li %0, -1\n"                               \
                     "1: " instruction " %0, (%1)\n"             \
                     "2: fence i, r\n" EXTABLE("1b", "2b", "2b") \
                     : "=&r"(value)                              \
                     : "r"(at)                                   \
                     : "memory")

#define STORE(instruction, value, at)                 \
    __asm__ volatile("fence w, o\n"                   \
                     "1: " instruction " %0, (%1)\n"  \
                     "2:\n" EXTABLE("1b", "2b", "2b") \
                     :                                \
                     : "r"(value), "r"(at)            \
                     : "memory")

uint8_t mmio_read8(const volatile void *at)
{
    uint8_t value;

    LOAD("lbu", value, at);
    return value;
}

uint32_t mmio_read32(const volatile void *at)
{
    uint32_t value;

    LOAD("lw", value, at);
    return value;
}

void mmio_write8(volatile void *at, uint8_t value)
{
    STORE("sb", value, at);
}

void mmio_write32(volatile void *at, uint32_t value)
{
    STORE("sw", value, at);
}

bool mmio_is_memory(volatile void *at)
{
    uint32_t before = mmio_read32(at);
    bool kept;

    mmio_write32(at, ~before);
    kept = mmio_read32(at) == ~before;
    mmio_write32(at, before);
    return kept && mmio_read32(at) == before;
}
