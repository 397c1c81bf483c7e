/*
 * Control and status registers, traps and interrupts.
 *
 * Source: privileged specification, chapter 4 (S-mode), sections 3.1.6 and 3.3 for what M-mode's firmware has set: it
 * hands page faults, breakpoints and calls from user mode down, and sends on what is illegal.
 * Read next: sbi.c.
 */
#include "unkind.h"

enum csr {
    CSR_SSTATUS = 0x100,
    CSR_SIE = 0x104,
    CSR_STVEC = 0x105,
    CSR_SCOUNTEREN = 0x106,
    CSR_SENVCFG = 0x10a,
    CSR_SSCRATCH = 0x140,
    CSR_SEPC = 0x141,
    CSR_SCAUSE = 0x142,
    CSR_STVAL = 0x143,
    CSR_SIP = 0x144,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02,
};

#define STATUS_USER_64  (2ULL << 32) /* UXL: user mode has 64 bits; it cannot be changed */
#define STATUS_WRITABLE (STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_SUM | STATUS_MXR)
#define IRQS            (1U << IRQ_SOFTWARE | 1U << IRQ_TIMER | 1U << IRQ_EXTERNAL)
#define SATP_MODE_SV39  8ULL
#define SATP_ASID       (0xffffULL << 44)
#define TVEC_VECTORED   1
#define ENVCFG_FIOM     1 /* section 4.1.10: fences of user mode order devices, too: here all do */

/* ---- Reading and writing ---- */

/* User mode reads a counter when scounteren has its bit. */
static bool read_counter(struct hart *h, uint32_t number, uint64_t *value)
{
    if (h->mode == MODE_USER && !(h->scounteren & 1U << (number & 31)))
        return false;
    *value = number == CSR_TIME ? machine_time(h->machine) : h->instret;
    return true;
}

bool csr_read(struct hart *h, uint32_t number, uint64_t *value)
{
    if ((number >> 8 & 3) > (uint32_t)h->mode)
        return false;
    switch (number) {
    case CSR_SSTATUS:
        *value = h->sstatus | STATUS_USER_64;
        return true;
    case CSR_SIE:
        *value = h->sie;
        return true;
    case CSR_STVEC:
        *value = h->stvec;
        return true;
    case CSR_SCOUNTEREN:
        *value = h->scounteren;
        return true;
    case CSR_SENVCFG:
        *value = h->senvcfg;
        return true;
    case CSR_SSCRATCH:
        *value = h->sscratch;
        return true;
    case CSR_SEPC:
        *value = h->sepc;
        return true;
    case CSR_SCAUSE:
        *value = h->scause;
        return true;
    case CSR_STVAL:
        *value = h->stval;
        return true;
    case CSR_SIP:
        *value = hart_pending(h);
        return true;
    case CSR_STIMECMP:
        *value = h->timecmp;
        return h->machine->options.sstc;
    case CSR_SATP:
        *value = h->satp;
        return true;
    case CSR_CYCLE:
    case CSR_TIME:
    case CSR_INSTRET:
        return read_counter(h, number, value);
    default:
        return false;
    }
}

/* Paging off or Sv39; any other mode leaves satp as it was. TLB entries stay: software fences where it must. */
static void write_satp(struct hart *h, uint64_t value)
{
    if (value >> 60 != 0 && value >> 60 != SATP_MODE_SV39)
        return;
    if ((value ^ h->satp) & SATP_ASID)
        mmu_fence(h, 0, true, false); /* entries have no ASID here, so those of another one go */
    h->satp = value >> 60 ? value : 0;
    mmu_forget_fetch(h);
    event(h, EVENT_SWITCH, value, 0);
}

bool csr_write(struct hart *h, uint32_t number, uint64_t value)
{
    h->look = true;
    switch (number) {
    case CSR_SSTATUS:
        h->sstatus = value & STATUS_WRITABLE;
        hart_mode_changed(h);
        return true;
    case CSR_SIE:
        h->sie = value & IRQS;
        return true;
    case CSR_STVEC:
        h->stvec = value & ~2ULL;
        return true;
    case CSR_SCOUNTEREN:
        h->scounteren = value & 0xffffffff;
        return true;
    case CSR_SENVCFG:
        h->senvcfg = value & ENVCFG_FIOM;
        return true;
    case CSR_SSCRATCH:
        h->sscratch = value;
        return true;
    case CSR_SEPC:
        h->sepc = value & ~1ULL;
        return true;
    case CSR_SCAUSE:
        h->scause = value;
        return true;
    case CSR_STVAL:
        h->stval = value;
        return true;
    case CSR_SIP: /* of the three only the software interrupt is the kernel's to change */
        h->sip = (h->sip & ~(1ULL << IRQ_SOFTWARE)) | (value & 1ULL << IRQ_SOFTWARE);
        return true;
    case CSR_STIMECMP:
        h->timecmp = value;
        if (unkind(h->machine, UNKIND_INTERRUPTS))
            timer_set(h);
        h->machine->turn_end = 0;
        return h->machine->options.sstc;
    case CSR_SATP:
        write_satp(h, value);
        return true;
    default:
        return false;
    }
}

/* ---- Mode ---- */

/*
 * Sets which flags a leaf must have for each access, so that a TLB hit costs one comparison.
 * Supervisor mode never fetches from user pages, and loads and stores there only with SUM. With MXR, X serves as R:
 * then R is not asked for here, and the walk decides.
 */
void hart_mode_changed(struct hart *h)
{
    uint32_t user = h->mode == MODE_USER ? PTE_U : 0;
    uint32_t any = h->mode == MODE_SUPERVISOR && h->sstatus & STATUS_SUM ? 0 : PTE_U;

    h->mask[ACCESS_LOAD] = PTE_V | PTE_A | PTE_R | any;
    h->want[ACCESS_LOAD] = PTE_V | PTE_A | PTE_R | user;
    h->mask[ACCESS_STORE] = PTE_V | PTE_A | PTE_W | PTE_D | any;
    h->want[ACCESS_STORE] = PTE_V | PTE_A | PTE_W | PTE_D | user;
    h->mask[ACCESS_FETCH] = PTE_V | PTE_A | PTE_X | PTE_U;
    h->want[ACCESS_FETCH] = PTE_V | PTE_A | PTE_X | user;
    h->look = true;
}

static void set_mode(struct hart *h, enum mode mode)
{
    h->mode = mode;
    mmu_forget_fetch(h);
    hart_mode_changed(h);
}

/* ---- Traps ---- */

void hart_trap(struct hart *h, uint64_t cause, uint64_t value)
{
    event(h, EVENT_TRAP, cause, value);
    if (cause & CAUSE_INTERRUPT && unkind(h->machine, UNKIND_ORDER))
        early_end(h);
    h->scause = cause;
    h->stval = value;
    h->sepc = h->pc;
    h->sstatus &= ~(uint64_t)(STATUS_SPP | STATUS_SPIE);
    if (h->sstatus & STATUS_SIE)
        h->sstatus |= STATUS_SPIE;
    if (h->mode == MODE_SUPERVISOR)
        h->sstatus |= STATUS_SPP;
    h->sstatus &= ~(uint64_t)STATUS_SIE;
    h->pc = h->stvec & ~3ULL;
    if (h->stvec & TVEC_VECTORED && cause & CAUSE_INTERRUPT)
        h->pc += 4 * (cause & ~CAUSE_INTERRUPT);
    set_mode(h, MODE_SUPERVISOR);
}

void hart_return(struct hart *h)
{
    enum mode mode = h->sstatus & STATUS_SPP ? MODE_SUPERVISOR : MODE_USER;
    uint64_t enabled = h->sstatus & STATUS_SPIE ? STATUS_SIE : 0;

    event(h, EVENT_RETURN, h->sepc, mode);
    h->sstatus &= ~(uint64_t)(STATUS_SIE | STATUS_SPP);
    h->sstatus |= enabled | STATUS_SPIE;
    h->pc = h->sepc;
    set_mode(h, mode);
}

/* ---- Interrupts ---- */

/* sip: what waits, whether it is enabled or not. */
uint64_t hart_pending(struct hart *h)
{
    const struct plic *plic = &h->machine->plic;
    unsigned index = h - h->machine->hart;
    uint64_t seen = unkind(h->machine, UNKIND_INTERRUPTS) ? interrupts_seen(h) : NEVER;
    uint64_t pending = h->sip & 1ULL << IRQ_SOFTWARE;
    uint32_t asks = plic->line & ~plic->claimed & plic->enable[index];

    if (machine_time(h->machine) >= h->timecmp)
        pending |= 1ULL << IRQ_TIMER;
    for (; asks; asks &= asks - 1)
        if (plic->priority[__builtin_ctz(asks)] > plic->threshold[index])
            pending |= 1ULL << IRQ_EXTERNAL;
    return pending & seen;
}

/* Takes the interrupt that comes first, if one is pending, enabled and not held off by sstatus.SIE. */
void hart_interrupt(struct hart *h)
{
    static const uint8_t order[3] = {IRQ_EXTERNAL, IRQ_SOFTWARE, IRQ_TIMER};
    uint64_t pending;

    h->look = false;
    if (h->mode == MODE_SUPERVISOR && !(h->sstatus & STATUS_SIE))
        return;
    pending = hart_pending(h) & h->sie;
    for (unsigned i = 0; pending && i < 3; i++) {
        if (pending & 1ULL << order[i]) {
            hart_trap(h, CAUSE_INTERRUPT | order[i], 0);
            return;
        }
    }
}
