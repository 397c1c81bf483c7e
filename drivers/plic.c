/*
 * The platform-level interrupt controller (PLIC): one for all devices.
 *
 * Owns its registers and the table of handlers. A context is one (hart, privilege mode) pair; which
 * is whose is told by the order of the node's interrupts-extended. All sources go to one context:
 * the S-mode of the hart that called plic_init().
 * No lock: the table is written at boot, a handler before its source is enabled, and only the one
 * hart claims. Source: RISC-V PLIC specification 1.0.0. Called by the drivers and sched/sched.c.
 */
#include "drivers/plic.h"

#include "asm/cpu.h"
#include "asm/csr.h"
#include "asm/mmio.h"
#include "lib/minmax.h"
#include "lib/printk.h"
#include "mm/kmap.h"
#include "sched/task.h"

#include "dtnode.h"

enum {                    /* offsets of the registers, in bytes */
    PLIC_PRIORITY = 0x0,  /* + 4 a source */
    PLIC_ENABLE = 0x2000, /* + 0x80 a context: one bit a source */
    PLIC_ENABLE_STRIDE = 0x80,
    PLIC_CONTEXT = 0x200000, /* + 0x1000 a context: threshold, then claim and complete */
    PLIC_CONTEXT_STRIDE = 0x1000,
    PLIC_CLAIM = 4,
    PLIC_SIZE_MAX = 0x4000000, /* where the specification's last context ends */
};

#define SOURCES_MAX 255 /* sources with a higher number are left unused; 0 is no source */
#define CLAIMS_MAX  64  /* served in one interrupt: a stuck line must not keep the hart for ever */

static struct {
    uint8_t *base;    /* NULL: there is none */
    uint8_t *enable;  /* of the context in use: a bit for each source */
    uint8_t *context; /* of the same: threshold and claim */
    uint32_t phandle;
    uint32_t nsources; /* sources 1..nsources are used */
} plic;

static struct {
    void (*fn)(void *arg);
    void *arg;
} handlers[SOURCES_MAX + 1];

static void enable_source(uint32_t irq, uint32_t on)
{
    uint8_t *word = plic.enable + irq / 32 * 4;

    mmio_write32(word, (mmio_read32(word) & ~(1U << irq % 32)) | on << irq % 32);
}

/* Walks the contexts: silences all of S-mode, and finds the calling hart's own. => true: found */
static bool find_context(dtnode_t node, uint8_t *base, uint32_t ncontexts)
{
    uint32_t len, own = dt_intc_of_hart(this_cpu->hartid);
    const uint8_t *wires = dt_prop(node, "interrupts-extended", &len);

    if (!wires || !own)
        return false;
    for (uint32_t i = 0; i < ncontexts && i < len / 8; i++, wires += 8) {
        uint8_t *enable = base + PLIC_ENABLE + i * PLIC_ENABLE_STRIDE;

        if (dt_number(wires + 4, 1) != IRQ_EXTERNAL)
            continue;
        for (uint32_t word = 0; word <= plic.nsources / 32; word++)
            mmio_write32(enable + 4 * word, 0);
        if (dt_number(wires, 1) == own) {
            plic.enable = enable;
            plic.context = base + PLIC_CONTEXT + i * PLIC_CONTEXT_STRIDE;
        }
    }
    return plic.context;
}

/* Whether there is a PLIC: the priority of a source can be set. */
static bool plic_answers(uint8_t *base)
{
    mmio_write32(base + PLIC_PRIORITY + 4, 1);
    return mmio_read32(base + PLIC_PRIORITY + 4) == 1;
}

/* => the registers, mapped; NULL when no PLIC can be used. */
static uint8_t *find_plic(void)
{
    dtnode_t node = dt_find_compatible(0, "sifive,plic-1.0.0");
    paddr_t start;
    uint64_t size;
    uint8_t *base;

    if (!dt_reg(node, 0, &start, &size) || size < PLIC_CONTEXT + PLIC_CONTEXT_STRIDE ||
        !dt_u32(node, "phandle", &plic.phandle))
        return NULL;
    if (!dt_u32(node, "riscv,ndev", &plic.nsources) || plic.nsources > SOURCES_MAX)
        plic.nsources = SOURCES_MAX;
    size = min(size, PLIC_SIZE_MAX);
    base = ioremap(start, size);
    if (!base || !plic_answers(base) ||
        !find_context(node, base, (size - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE))
        return NULL;
    return base;
}

void plic_init(void)
{
    plic.base = find_plic();
    if (!plic.base) {
        printk("irq: no interrupt controller, devices are polled\n");
        return;
    }
    for (uint32_t irq = 1; irq <= plic.nsources; irq++)
        mmio_write32(plic.base + PLIC_PRIORITY + 4 * irq, 0);
    mmio_write32(plic.context, 0); /* the threshold: any priority but 0 */
    csr_set(sie, SIE_SEIE);
}

bool plic_connect(dtnode_t node, void (*fn)(void *arg), void *arg)
{
    uint32_t controller, irq;

    if (!plic.base || !dt_irq(node, &controller, &irq) || controller != plic.phandle || irq == 0 ||
        irq > plic.nsources || handlers[irq].fn)
        return false;
    handlers[irq].arg = arg;
    handlers[irq].fn = fn;
    mmio_write32(plic.base + PLIC_PRIORITY + 4 * irq, 1);
    enable_source(irq, 1);
    return true;
}

void plic_dispatch(void)
{
    uint8_t *claim = plic.context + PLIC_CLAIM;

    for (unsigned n = 0; plic.base && n < CLAIMS_MAX; n++) {
        uint32_t irq = mmio_read32(claim);

        if (irq == 0)
            return;
        if (irq <= SOURCES_MAX && handlers[irq].fn)
            handlers[irq].fn(handlers[irq].arg);
        mmio_write32(claim, irq); /* a completion counts only while the source is enabled */
        if (irq <= plic.nsources && !handlers[irq].fn)
            enable_source(irq, 0);
    }
}
