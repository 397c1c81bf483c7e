/*
 * The interrupt controller: from a device's line to the harts that enabled it.
 *
 * Each hart has one context, its S-mode's. A source is claimed by one hart, and asks again only when it is completed.
 *
 * Source: RISC-V platform-level interrupt controller specification 1.0.
 */
#include "machine.h"

enum { /* offsets in bytes, and distances */
    PRIORITY = 0x0,
    PENDING = 0x1000,
    ENABLE = 0x2000,
    ENABLE_STRIDE = 0x80,
    CONTEXT = 0x200000,
    CONTEXT_STRIDE = 0x1000,
    THRESHOLD = 0,
    CLAIM = 4,
    SOURCES = 32, /* with source 0, which is none */
    PRIORITY_MAX = 7,
};

static void look_all(struct machine *m)
{
    for (unsigned i = 0; i < m->options.harts; i++)
        m->hart[i].look = true;
}

void plic_line(struct machine *m, unsigned source, bool on)
{
    m->plic.line = (m->plic.line & ~(1U << source)) | (uint32_t)on << source;
    look_all(m);
}

/* The source of the highest priority that asks this hart; of equals the lowest number. 0: none */
static uint32_t claim(struct plic *plic, unsigned hart)
{
    uint32_t asks = plic->line & ~plic->claimed & plic->enable[hart], best = 0;

    for (; asks; asks &= asks - 1) {
        uint32_t source = (uint32_t)__builtin_ctz(asks);

        if (plic->priority[source] > plic->threshold[hart] &&
            plic->priority[source] > (best ? plic->priority[best] : 0))
            best = source;
    }
    if (best)
        plic->claimed |= 1U << best;
    return best;
}

uint32_t plic_load(struct machine *m, uint32_t reg)
{
    struct plic *plic = &m->plic;
    uint32_t hart =
        reg >= CONTEXT ? (reg - CONTEXT) / CONTEXT_STRIDE : (reg - ENABLE) / ENABLE_STRIDE;

    if (reg < PENDING)
        return reg / 4 < SOURCES ? plic->priority[reg / 4] : 0;
    if (reg < ENABLE)
        return reg == PENDING ? plic->line & ~plic->claimed : 0;
    if (hart >= m->options.harts)
        return 0;
    if (reg < CONTEXT)
        return reg % ENABLE_STRIDE == 0 ? plic->enable[hart] : 0;
    if (reg % CONTEXT_STRIDE == THRESHOLD)
        return plic->threshold[hart];
    return reg % CONTEXT_STRIDE == CLAIM ? claim(plic, hart) : 0;
}

void plic_store(struct machine *m, uint32_t reg, uint32_t value)
{
    struct plic *plic = &m->plic;
    uint32_t hart =
        reg >= CONTEXT ? (reg - CONTEXT) / CONTEXT_STRIDE : (reg - ENABLE) / ENABLE_STRIDE;

    look_all(m);
    if (reg < PENDING) {
        if (reg >= 4 && reg / 4 < SOURCES)
            plic->priority[reg / 4] = value & PRIORITY_MAX;
        return;
    }
    if (reg < ENABLE || hart >= m->options.harts)
        return;
    if (reg < CONTEXT) {
        if (reg % ENABLE_STRIDE == 0)
            plic->enable[hart] = value & ~1U;
    } else if (reg % CONTEXT_STRIDE == THRESHOLD) {
        plic->threshold[hart] = value & PRIORITY_MAX;
    } else if (reg % CONTEXT_STRIDE == CLAIM && value < SOURCES &&
               plic->enable[hart] & 1U << value) {
        plic->claimed &= ~(1U << value);
    }
}
