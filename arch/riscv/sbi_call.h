/*
 * The numbers of the firmware's calls, and the call itself: for sbi.c and ext/sbi_legacy.c.
 */
#ifndef RISCV_SBI_CALL_H
#define RISCV_SBI_CALL_H

#include "asm/sbi.h"

enum {
    EXT_BASE = 0x10,
    EXT_TIME = 0x54494d45,
    EXT_IPI = 0x735049,
    EXT_RFENCE = 0x52464e43,
    EXT_HART = 0x48534d,
    EXT_RESET = 0x53525354,
    EXT_CONSOLE = 0x4442434e,
};

/* Functions of an extension. */
enum {
    BASE_PROBE = 3,
    RFENCE_I = 0,
    RFENCE_VMA = 1,
    HART_START = 0,
    RESET_SHUTDOWN = 0,
    RESET_COLD_REBOOT = 1,
    CONSOLE_WRITE = 0,
    CONSOLE_READ = 1,
};

#define SBI_NOT_SUPPORTED (-2)

/* Six argument registers at most; the firmware preserves all but a0 and a1. */
static inline struct sbi_result sbi_ecall(uint64_t ext, uint64_t fn, uint64_t x0, uint64_t x1,
                                          uint64_t x2, uint64_t x3)
{
    register uint64_t a0 __asm__("a0") = x0;
    register uint64_t a1 __asm__("a1") = x1;
    register uint64_t a2 __asm__("a2") = x2;
    register uint64_t a3 __asm__("a3") = x3;
    register uint64_t a6 __asm__("a6") = fn;
    register uint64_t a7 __asm__("a7") = ext;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(long)a0, a1};
}

#endif
