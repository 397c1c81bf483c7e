/*
 * The firmware's calls of before SBI 0.2 (SBI specification 1.0, chapter 5), in today's clothes.
 *
 * Owns nothing, takes no lock. A reader may skip it: only firmware that lacks an extension leads
 * here, by the function that init/main.c gave sbi_init().
 */
#include "../sbi_call.h"

#include "lib/assert.h"

enum {
    LEGACY_SET_TIMER = 0,
    LEGACY_PUTCHAR = 1,
    LEGACY_GETCHAR = 2,
    LEGACY_SEND_IPI = 4,
    LEGACY_FENCE_I = 5,
    LEGACY_FENCE_VMA = 6,
    LEGACY_SHUTDOWN = 8,
};

/* They give one number, which is an error in most of them. */
static struct sbi_result legacy(uint64_t number, uint64_t x0, uint64_t x1, uint64_t x2)
{
    return (struct sbi_result){sbi_ecall(number, 0, x0, x1, x2, 0).err, 0};
}

/* They take the (virtual) address of a mask word, and reach harts 0 to 63. */
static struct sbi_result to_harts(uint64_t number, uint64_t harts, uint64_t base, vaddr_t va,
                                  uint64_t size)
{
    uint64_t mask = harts << base;

    ASSERT(base < 64 && mask >> base == harts);
    return legacy(number, (uint64_t)&mask, va, size);
}

static struct sbi_result write_bytes(const char *bytes, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        legacy(LEGACY_PUTCHAR, (uint8_t)bytes[i], 0, 0);
    return (struct sbi_result){0, n};
}

static struct sbi_result read_byte(char *byte)
{
    long c = legacy(LEGACY_GETCHAR, 0, 0, 0).err;

    *byte = (char)c;
    return (struct sbi_result){0, c >= 0};
}

struct sbi_result sbi_legacy_call(uint64_t ext, uint64_t fn, uint64_t x0, uint64_t x1, uint64_t x2,
                                  uint64_t x3)
{
    switch (ext) {
    case EXT_TIME:
        return legacy(LEGACY_SET_TIMER, x0, 0, 0);
    case EXT_IPI:
        return to_harts(LEGACY_SEND_IPI, x0, x1, 0, 0);
    case EXT_RFENCE:
        return to_harts(fn == RFENCE_I ? LEGACY_FENCE_I : LEGACY_FENCE_VMA, x0, x1, x2, x3);
    case EXT_CONSOLE:
        return fn == CONSOLE_WRITE ? write_bytes(phys_to_virt(x1), x0)
                                   : read_byte(phys_to_virt(x1));
    case EXT_RESET:
        return legacy(LEGACY_SHUTDOWN, 0, 0, 0);
    default:
        return (struct sbi_result){SBI_NOT_SUPPORTED, 0};
    }
}
