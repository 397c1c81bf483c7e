/*
 * Calls into the firmware (SBI specification 1.0).
 *
 * Owns what the firmware was found to have; set once by sbi_init(), constant afterwards. No lock:
 * each call is one ecall. Called by asm/timer.h and tlb.c, by sched/ (calls of idle harts), by
 * drivers/ (console of last resort), by proc/ext/shutdown.c and by init/main.c.
 */
#include "asm/sbi.h"

#include "asm/cpu.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "sbi_call.h"

void secondary_start(void); /* head.S */

/* What each extension is called by. [I] after sbi_init() */
static sbi_call_fn call_time, call_ipi, call_rfence, call_hart, call_reset, call_console;
static sbi_call_fn fallback;

static struct sbi_result call_firmware(uint64_t ext, uint64_t fn, uint64_t x0, uint64_t x1,
                                       uint64_t x2, uint64_t x3)
{
    return sbi_ecall(ext, fn, x0, x1, x2, x3);
}

/* Firmware older than version 0.2 answers "not supported" to the base extension itself. */
static sbi_call_fn probe(uint64_t ext)
{
    struct sbi_result r = sbi_ecall(EXT_BASE, BASE_PROBE, ext, 0, 0, 0);

    return !r.err && r.value ? call_firmware : fallback;
}

void sbi_init(sbi_call_fn instead)
{
    fallback = instead;
    call_time = probe(EXT_TIME);
    call_ipi = probe(EXT_IPI);
    call_rfence = probe(EXT_RFENCE);
    call_hart = probe(EXT_HART);
    call_reset = probe(EXT_RESET);
    call_console = probe(EXT_CONSOLE);
}

void sbi_console_write(const char *bytes, size_t n)
{
    struct sbi_result r;

    while (n) {
        r = call_console(EXT_CONSOLE, CONSOLE_WRITE, n, virt_to_phys(bytes), 0, 0);
        if (r.err)
            r = fallback(EXT_CONSOLE, CONSOLE_WRITE, n, virt_to_phys(bytes), 0, 0);
        bytes += r.value;
        n -= r.value;
    }
}

int sbi_console_getc(void)
{
    uint8_t c = 0; /* written by the firmware, unseen by the compiler */
    struct sbi_result r;

    r = call_console(EXT_CONSOLE, CONSOLE_READ, 1, virt_to_phys(&c), 0, 0);
    return !r.err && r.value == 1 ? c : -1;
}

void sbi_set_timer(uint64_t t)
{
    call_time(EXT_TIME, 0, t, 0, 0, 0);
}

/*
 * Takes from *cpu_mask the harts that one call can name, which are those of 64 successive hart
 * numbers: => their hart mask, counted from *base; 0 when none is left
 */
static uint64_t take_harts(uint64_t *cpu_mask, uint64_t *base)
{
    uint64_t harts = 0;

    *base = ~0UL;
    for (uint32_t i = 0; i < cpu_count; i++)
        if ((*cpu_mask >> i & 1) && cpus[i].hartid < *base)
            *base = cpus[i].hartid;
    for (uint32_t i = 0; i < cpu_count; i++) {
        if ((*cpu_mask >> i & 1) && cpus[i].hartid - *base < 64) {
            harts |= 1UL << (cpus[i].hartid - *base);
            *cpu_mask &= ~(1UL << i);
        }
    }
    return harts;
}

void sbi_send_ipi(uint64_t cpu_mask)
{
    uint64_t base, harts;

    while ((harts = take_harts(&cpu_mask, &base)) != 0)
        call_ipi(EXT_IPI, 0, harts, base, 0, 0);
}

static void remote_fence(uint64_t fn, uint64_t cpu_mask, vaddr_t va, size_t size)
{
    uint64_t base, harts;

    while ((harts = take_harts(&cpu_mask, &base)) != 0) {
        struct sbi_result r = call_rfence(EXT_RFENCE, fn, harts, base, va, size);

        /* To go on would let a stale translation reach a frame that is given away. */
        if (r.err)
            panic("remote fence failed: SBI error %ld", r.err);
    }
}

void sbi_rfence(uint64_t cpu_mask, vaddr_t va, size_t size)
{
    remote_fence(RFENCE_VMA, cpu_mask, va, size);
}

void sbi_fence_i(uint64_t cpu_mask)
{
    remote_fence(RFENCE_I, cpu_mask, 0, 0);
}

int hart_start(struct cpu *c)
{
    paddr_t pc = virt_to_phys(secondary_start);
    long err = call_hart(EXT_HART, HART_START, c->hartid, pc, (uint64_t)c, 0).err;

    if (err == SBI_NOT_SUPPORTED)
        return -ENODEV;
    return err ? -EINVAL : 0;
}

void sbi_shutdown(void)
{
    call_reset(EXT_RESET, 0, RESET_SHUTDOWN, 0, 0, 0);
    fallback(EXT_RESET, 0, RESET_SHUTDOWN, 0, 0, 0);
    cpu_halt();
}

void sbi_reboot(void)
{
    call_reset(EXT_RESET, 0, RESET_COLD_REBOOT, 0, 0, 0);
    sbi_shutdown();
}
