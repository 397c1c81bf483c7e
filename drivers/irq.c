/*
 * The platform-level interrupt controller (PLIC): one for all devices.
 *
 * Owns its registers and the table of handlers. A context is one (hart, privilege mode) pair; which
 * is whose is told by the order of the node's interrupts-extended. All sources go to one context:
 * the S-mode of the hart that called irq_init().
 * No lock: the table is written at boot, a handler before its source is enabled, and only the one
 * hart claims. Source: RISC-V PLIC specification 1.0.0. Called by trap_interrupt() and the drivers.
 */
#include "drivers/irq.h"

#include <stddef.h>

#include "asm/cpu.h"
#include "asm/csr.h"
#include "asm/mmio.h"
#include "lib/errno.h"
#include "mm/kmap.h"

enum { /* offsets of the registers, in bytes */
    PLIC_PRIORITY = 0x0,       /* + 4 a source */
    PLIC_ENABLE = 0x2000,      /* + 0x80 a context: one bit a source */
    PLIC_ENABLE_STRIDE = 0x80,
    PLIC_CONTEXT = 0x200000,   /* + 0x1000 a context: threshold, then claim and complete */
    PLIC_CONTEXT_STRIDE = 0x1000,
    PLIC_CLAIM = 4,
    PLIC_SIZE_MAX = 0x4000000, /* where the specification's last context ends */
};

#define CLAIMS_MAX 64 /* served in one interrupt: a stuck line must not keep the hart for ever */

static struct {
    uint8_t *base;
    uint32_t phandle;
    uint32_t context;  /* S-mode context of the hart that takes the interrupts */
    uint32_t cpu;      /* that hart */
    uint32_t nsources; /* sources 1..nsources are used */
} plic;

static struct {
    void (*fn)(void *arg);
    void *arg;
} handlers[IRQ_COUNT];

static void enable_word_write(uint32_t context, uint32_t word, uint32_t bits)
{
    mmio_write32(plic.base + PLIC_ENABLE + context * PLIC_ENABLE_STRIDE + 4 * word, bits);
}

static void source_enable(uint32_t irq, uint32_t on)
{
    uint8_t *word = plic.base + PLIC_ENABLE + plic.context * PLIC_ENABLE_STRIDE + irq / 32 * 4;

    mmio_write32(word, (mmio_read32(word) & ~(1U << irq % 32)) | on << irq % 32);
}

/* Walk the contexts: silence all of S-mode, and find the calling hart's own. */
static int contexts_init(const struct devtree_node *node, uint32_t ncontexts)
{
    struct devtree_irq wire = {0};
    int error = -ENODEV;

    for (uint32_t context = 0; context < ncontexts; context++) {
        uint64_t hartid;

        if (devtree_irq_next(node, &wire))
            break;
        if (wire.number != IRQ_EXTERNAL || !devtree_hart_of_intc(wire.controller, &hartid))
            continue;
        for (uint32_t word = 0; word <= plic.nsources / 32; word++)
            enable_word_write(context, word, 0);
        if (hartid == this_cpu()->hartid) {
            plic.context = context;
            error = 0;
        }
    }
    return error;
}

/* Whether there is a PLIC: the priority of a source can be set. */
static bool answers(void)
{
    mmio_write32(plic.base + PLIC_PRIORITY + 4, 1);
    return mmio_read32(plic.base + PLIC_PRIORITY + 4) == 1;
}

static bool find_plic(struct devtree_node *node)
{
    return devtree_find_compatible(NULL, "riscv,plic0", node) ||
           devtree_find_compatible(NULL, "sifive,plic-1.0.0", node);
}

int irq_init(void)
{
    struct devtree_node node;
    paddr_t start;
    uint64_t size;
    uint8_t *base;

    if (!find_plic(&node) || devtree_reg(&node, 0, &start, &size) ||
        size < PLIC_CONTEXT + PLIC_CONTEXT_STRIDE || !devtree_u32(&node, "phandle", &plic.phandle))
        return -ENODEV;
    if (!devtree_u32(&node, "riscv,ndev", &plic.nsources) || plic.nsources >= IRQ_COUNT)
        plic.nsources = IRQ_COUNT - 1;
    size = size < PLIC_SIZE_MAX ? size : PLIC_SIZE_MAX;
    base = ioremap(start, size);
    if (base == NULL)
        return -ENODEV;
    plic.base = base;
    plic.cpu = cpu_id();
    if (!answers() || contexts_init(&node, (size - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE)) {
        plic.base = NULL;
        return -ENODEV;
    }
    for (uint32_t irq = 1; irq <= plic.nsources; irq++)
        mmio_write32(base + PLIC_PRIORITY + 4 * irq, 0);
    mmio_write32(base + PLIC_CONTEXT + plic.context * PLIC_CONTEXT_STRIDE, 0);
    return 0;
}

void irq_init_hart(void)
{
    if (plic.base != NULL && cpu_id() == plic.cpu)
        csr_set(sie, SIE_SEIE);
}

uint32_t irq_of_node(const struct devtree_node *node, unsigned index)
{
    struct devtree_irq irq;

    if (plic.base == NULL || devtree_irq(node, index, &irq) || irq.controller != plic.phandle ||
        irq.number > plic.nsources)
        return IRQ_NONE;
    return irq.number;
}

int irq_register(uint32_t irq, void (*fn)(void *arg), void *arg)
{
    if (plic.base == NULL)
        return -ENODEV;
    if (irq == IRQ_NONE || irq > plic.nsources)
        return -EINVAL;
    if (handlers[irq].fn != NULL)
        return -EBUSY;
    handlers[irq].arg = arg;
    handlers[irq].fn = fn;
    mmio_write32(plic.base + PLIC_PRIORITY + 4 * irq, 1);
    source_enable(irq, 1);
    return 0;
}

void irq_dispatch(void)
{
    if (plic.base == NULL)
        return;
    uint8_t *claim = plic.base + PLIC_CONTEXT + plic.context * PLIC_CONTEXT_STRIDE + PLIC_CLAIM;

    for (unsigned n = 0; n < CLAIMS_MAX; n++) {
        uint32_t irq = mmio_read32(claim);

        if (irq == IRQ_NONE)
            return;
        if (irq < IRQ_COUNT && handlers[irq].fn != NULL)
            handlers[irq].fn(handlers[irq].arg);
        mmio_write32(claim, irq); /* a completion counts only while the source is enabled */
        if (irq <= plic.nsources && handlers[irq].fn == NULL)
            source_enable(irq, 0);
    }
}
