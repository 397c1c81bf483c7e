/*
 * sbi.c - calls into the firmware (SBI specification 1.0; chapter 5 for the legacy calls).
 *
 * Owns what the firmware was found to have; set once by sbi_init(), constant afterwards. No lock:
 * each call is one ecall. Called by timer.c, tlb.c, sched (wake-up of idle harts), drivers (console
 * of last resort) and init/main.c.
 */
#include "asm/sbi.h"

#include "asm/cpu.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/printk.h"

enum {
    EXT_LEGACY_SET_TIMER = 0,
    EXT_LEGACY_PUTCHAR = 1,
    EXT_LEGACY_GETCHAR = 2,
    EXT_LEGACY_SEND_IPI = 4,
    EXT_LEGACY_FENCE_I = 5,
    EXT_LEGACY_RFENCE = 6,
    EXT_LEGACY_SHUTDOWN = 8,
    EXT_BASE = 0x10,
    EXT_TIME = 0x54494d45,
    EXT_IPI = 0x735049,
    EXT_RFENCE = 0x52464e43,
    EXT_HART = 0x48534d,
    EXT_RESET = 0x53525354,
    EXT_CONSOLE = 0x4442434e,
};

enum { BASE_PROBE = 3 };
enum { IPI_SEND = 0 };
enum { RFENCE_I = 0, RFENCE_VMA = 1 };
enum { HART_START = 0 };
enum { RESET_SYSTEM = 0, RESET_SHUTDOWN = 0, RESET_COLD_REBOOT = 1 };
enum { CONSOLE_WRITE = 0, CONSOLE_READ = 1 };

enum { SBI_SUCCESS = 0 };

struct sbi_result {
    long error;
    uint64_t value;
};

static struct {
    bool time, ipi, rfence, hart, reset, console;
} has;                                          /* [I] after sbi_init() */

/* Six argument registers at most; the firmware preserves all but a0 and a1. */
static struct sbi_result sbi_call(uint64_t ext, uint64_t fn, uint64_t x0, uint64_t x1,
                                  uint64_t x2, uint64_t x3)
{
    register uint64_t a0 __asm__("a0") = x0;
    register uint64_t a1 __asm__("a1") = x1;
    register uint64_t a2 __asm__("a2") = x2;
    register uint64_t a3 __asm__("a3") = x3;
    register uint64_t a6 __asm__("a6") = fn;
    register uint64_t a7 __asm__("a7") = ext;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){ (long)a0, a1 };
}

/* Firmware older than version 0.2 answers "not supported" to the base extension itself. */
static bool probe(uint64_t ext)
{
    struct sbi_result r = sbi_call(EXT_BASE, BASE_PROBE, ext, 0, 0, 0);

    return r.error == SBI_SUCCESS && r.value != 0;
}

void sbi_init(void)
{
    has.time = probe(EXT_TIME);
    has.ipi = probe(EXT_IPI);
    has.rfence = probe(EXT_RFENCE);
    has.hart = probe(EXT_HART);
    has.reset = probe(EXT_RESET);
    has.console = probe(EXT_CONSOLE);
}

/* Bytes must be in the linear map: the firmware wants their physical address. */
void sbi_console_write(const char *bytes, size_t n)
{
    while (has.console && n) {
        struct sbi_result r = sbi_call(EXT_CONSOLE, CONSOLE_WRITE, n, virt_to_phys(bytes), 0, 0);
        if (r.error != SBI_SUCCESS)
            break;
        bytes += r.value;
        n -= r.value;
    }
    for (; n; n--)
        sbi_call(EXT_LEGACY_PUTCHAR, 0, (uint8_t)*bytes++, 0, 0, 0);
}

int sbi_console_getc(void)
{
    uint8_t c = 0;                      /* written by the firmware, unseen by the compiler */

    if (!has.console) {
        long r = sbi_call(EXT_LEGACY_GETCHAR, 0, 0, 0, 0, 0).error;
        return r < 0 ? -1 : (int)(r & 0xff);
    }
    struct sbi_result r = sbi_call(EXT_CONSOLE, CONSOLE_READ, 1, virt_to_phys(&c), 0, 0);
    return r.error == SBI_SUCCESS && r.value == 1 ? c : -1;
}

void sbi_set_timer(uint64_t t)
{
    sbi_call(has.time ? EXT_TIME : EXT_LEGACY_SET_TIMER, 0, t, 0, 0, 0);
}

static bool in_mask(uint64_t cpu_mask, uint32_t id)
{
    return cpu_mask >> id & 1;
}

/*
 * Takes from *cpu_mask the harts that one call can name, which are those of 64 successive hart
 * numbers: => their hart mask, counted from *base; 0 when none is left.
 */
static uint64_t take_harts(uint64_t *cpu_mask, uint64_t *base)
{
    uint64_t harts = 0;

    *base = ~0UL;
    for (uint32_t i = 0; i < cpu_count; i++)
        if (in_mask(*cpu_mask, i) && cpus[i].hartid < *base)
            *base = cpus[i].hartid;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (in_mask(*cpu_mask, i) && cpus[i].hartid - *base < 64) {
            harts |= 1UL << (cpus[i].hartid - *base);
            *cpu_mask &= ~(1UL << i);
        }
    }
    return harts;
}

/* The legacy calls take the (virtual) address of a mask word, and reach harts 0 to 63. */
static uint64_t legacy_harts(uint64_t cpu_mask)
{
    uint64_t harts = 0;

    for (uint32_t i = 0; i < cpu_count; i++) {
        if (in_mask(cpu_mask, i)) {
            ASSERT(cpus[i].hartid < 64);
            harts |= 1UL << cpus[i].hartid;
        }
    }
    return harts;
}

void sbi_send_ipi(uint64_t cpu_mask)
{
    if (!has.ipi) {
        uint64_t harts = legacy_harts(cpu_mask);
        if (harts)
            sbi_call(EXT_LEGACY_SEND_IPI, 0, (uint64_t)&harts, 0, 0, 0);
        return;
    }
    uint64_t base, harts;
    while ((harts = take_harts(&cpu_mask, &base)) != 0)
        sbi_call(EXT_IPI, IPI_SEND, harts, base, 0, 0);
}

/* Function `fn` of the remote fences, or the legacy call in its place. */
static void remote_fence(uint64_t fn, uint64_t legacy, uint64_t cpu_mask, vaddr_t va, size_t size)
{
    if (!has.rfence) {
        uint64_t harts = legacy_harts(cpu_mask);
        if (harts)
            sbi_call(legacy, 0, (uint64_t)&harts, va, size, 0);
        return;
    }
    uint64_t base, harts;
    while ((harts = take_harts(&cpu_mask, &base)) != 0) {
        struct sbi_result r = sbi_call(EXT_RFENCE, fn, harts, base, va, size);
        /* To go on would let a stale translation reach a frame that is given away. */
        if (r.error != SBI_SUCCESS)
            panic("remote fence failed: SBI error %ld", r.error);
    }
}

void sbi_rfence(uint64_t cpu_mask, vaddr_t va, size_t size)
{
    remote_fence(RFENCE_VMA, EXT_LEGACY_RFENCE, cpu_mask, va, size);
}

void sbi_fence_i(uint64_t cpu_mask)
{
    remote_fence(RFENCE_I, EXT_LEGACY_FENCE_I, cpu_mask, 0, 0);
}

int sbi_hart_start(uint64_t hartid, paddr_t pc, uint64_t opaque)
{
    if (!has.hart)
        return -ENODEV;
    long error = sbi_call(EXT_HART, HART_START, hartid, pc, opaque, 0).error;
    return error == SBI_SUCCESS ? 0 : -EINVAL;
}

void sbi_shutdown(void)
{
    if (has.reset)
        sbi_call(EXT_RESET, RESET_SYSTEM, RESET_SHUTDOWN, 0, 0, 0);
    sbi_call(EXT_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);
    cpu_halt();
}

void sbi_reboot(void)
{
    if (has.reset)
        sbi_call(EXT_RESET, RESET_SYSTEM, RESET_COLD_REBOOT, 0, 0, 0);
    sbi_shutdown();
}
