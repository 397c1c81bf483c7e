/*
 * The firmware: what ecall from S-mode asks for. The machine itself answers, in one step.
 *
 * Source: SBI specification 2.0, chapters 4 (base), 5 (legacy), 6 (TIME), 7 (sPI), 8 (RFNC), 9 (HSM), 10 (SRST), 12 (DBCN).
 * Read next: tree.c.
 */
#include "unkind.h"

enum extension {
    LEGACY_SET_TIMER = 0,
    LEGACY_PUTCHAR = 1,
    LEGACY_GETCHAR = 2,
    LEGACY_CLEAR_IPI = 3,
    LEGACY_SEND_IPI = 4,
    LEGACY_FENCE_I = 5,
    LEGACY_FENCE_VMA = 6,
    LEGACY_FENCE_VMA_ASID = 7,
    LEGACY_SHUTDOWN = 8,
    EXT_BASE = 0x10,
    EXT_TIME = 0x54494d45,
    EXT_IPI = 0x735049,
    EXT_RFENCE = 0x52464e43,
    EXT_HART = 0x48534d,
    EXT_RESET = 0x53525354,
    EXT_CONSOLE = 0x4442434e,
};

enum error {
    SUCCESS = 0,
    FAILED = -1,
    NOT_SUPPORTED = -2,
    INVALID = -3,
    ALREADY_AVAILABLE = -6
};

#define SPEC_VERSION   0x02000000
#define IMPLEMENTATION 0x6c616d /* a number that no firmware has registered */

static enum error fail(struct hart *h, enum error error)
{
    h->x[10] = (uint64_t)(int64_t)error;
    return error;
}

/* ---- Harts by number and by mask ---- */

static struct hart *find_hart(struct machine *m, uint64_t id)
{
    for (unsigned i = 0; i < m->options.harts; i++)
        if (m->hart[i].id == id)
            return &m->hart[i];
    return NULL;
}

/* A mask counts from `base`; base -1 means all harts. */
static bool named(const struct hart *h, uint64_t mask, uint64_t base)
{
    if (base == NEVER)
        return true;
    return h->id >= base && h->id - base < 64 && mask >> (h->id - base) & 1;
}

static void set_timer(struct hart *h, uint64_t time)
{
    h->timecmp = time;
    if (unkind(h->machine, UNKIND_INTERRUPTS))
        timer_set(h);
    h->look = true;
    h->machine->turn_end = 0;
}

static void send_ipis(struct machine *m, uint64_t mask, uint64_t base)
{
    for (unsigned i = 0; i < m->options.harts; i++) {
        if (named(&m->hart[i], mask, base)) {
            if (unkind(m, UNKIND_INTERRUPTS)) {
                ipi_sent(&m->hart[i]);
                continue;
            }
            m->hart[i].sip |= 1ULL << IRQ_SOFTWARE;
            m->hart[i].look = true;
        }
    }
}

/* Fences a range on other harts, which have done it when the call returns. Size 0 or -1 is all. */
static void fence_harts(struct machine *m, uint64_t mask, uint64_t base, uint64_t start,
                        uint64_t size)
{
    bool all = (start == 0 && size == 0) || size == NEVER || size / PAGE_SIZE > TLB_ENTRIES;

    for (unsigned i = 0; i < m->options.harts; i++) {
        struct hart *h = &m->hart[i];

        if (!named(h, mask, base) || h->state != HART_STARTED)
            continue;
        if (unkind(m, UNKIND_ORDER))
            order_all(h);
        event(h, EVENT_FENCE, all ? NEVER : start, 1);
        for (uint64_t va = start; !all && va - start < size; va += PAGE_SIZE)
            mmu_fence(h, va, false, false);
        if (all)
            mmu_fence(h, 0, true, false);
    }
}

static void fence_fetches(struct machine *m, uint64_t mask, uint64_t base)
{
    for (unsigned i = 0; i < m->options.harts; i++)
        if (named(&m->hart[i], mask, base))
            mmu_fence_fetch(&m->hart[i]);
}

/* ---- The extensions ---- */

static uint64_t base_call(struct hart *h)
{
    static const uint32_t have[] = {EXT_BASE, EXT_TIME,  EXT_IPI,    EXT_RFENCE,
                                    EXT_HART, EXT_RESET, EXT_CONSOLE};

    switch (h->x[16]) {
    case 0:
        return SPEC_VERSION;
    case 1:
        return IMPLEMENTATION;
    case 2:
        return 1;
    case 3:
        for (unsigned i = 0; i < sizeof(have) / sizeof(*have); i++)
            if (have[i] == h->x[10])
                return 1;
        return 0;
    case 4:
    case 5:
    case 6:
        return 0; /* vendor, architecture, implementation of the hart: not told */
    default:      /* sbi_call() gives the error */
        return 0;
    }
}

static enum error start_hart(struct machine *m, uint64_t id, uint64_t pc, uint64_t opaque)
{
    struct hart *h = find_hart(m, id);

    if (!h)
        return INVALID;
    if (h->state == HART_STARTED)
        return ALREADY_AVAILABLE;
    hart_reset(h, pc, id, opaque);
    return SUCCESS;
}

static enum error hart_call(struct hart *h, uint64_t *value)
{
    struct hart *other = find_hart(h->machine, h->x[10]);

    switch (h->x[16]) {
    case 0:
        return start_hart(h->machine, h->x[10], h->x[11], h->x[12]);
    case 1:
        h->state = HART_STOPPED;
        h->machine->turn_end = 0;
        return SUCCESS;
    case 2:
        *value = other && other->state == HART_STARTED ? 0 : 1;
        return other ? SUCCESS : INVALID;
    case 3: /* suspend, the kind that keeps everything: as wfi */
        h->waiting = h->x[10] == 0;
        h->machine->turn_end = 0;
        return h->waiting ? SUCCESS : NOT_SUPPORTED;
    default:
        return NOT_SUPPORTED;
    }
}

static enum error console_call(struct hart *h, uint64_t *value)
{
    struct machine *m = h->machine;
    uint64_t n = h->x[10], size = h->x[16] == 2 ? 0 : n;
    uint8_t *at = bus_ram(m, h->x[11], size);

    if (h->x[16] > 2)
        return NOT_SUPPORTED;
    if (unkind(m, UNKIND_ORDER))
        order_stores(h);
    if (!at && h->x[16] != 2)
        return INVALID;
    if (h->x[16] == 2)
        host_output(m, (uint8_t)n);
    for (; *value < n && h->x[16] == 0; ++*value)
        host_output(m, at[*value]);
    for (; *value < n && h->x[16] == 1 && m->input_head != m->input_tail; ++*value)
        at[*value] = m->input[m->input_tail++ % CONSOLE_MAX];
    if (h->x[16] == 1)
        bus_dirty(m, h->x[11], *value);
    return SUCCESS;
}

static void stop_machine(struct machine *m, enum stop how, uint32_t code)
{
    m->stop = how;
    m->exit_code = code;
    m->turn_end = 0;
}

/* System reset: type 0 powers off, 1 and 2 start anew; reason 1 is a failure. */
static enum error reset_call(struct hart *h)
{
    if (h->x[16] != 0 || h->x[10] > 2)
        return h->x[16] ? NOT_SUPPORTED : INVALID;
    stop_machine(h->machine, h->x[10] ? STOP_RESET : STOP_OFF, h->x[11] != 0);
    return SUCCESS;
}

static enum error fence_call(struct hart *h)
{
    switch (h->x[16]) {
    case 0:
        fence_fetches(h->machine, h->x[10], h->x[11]);
        return SUCCESS;
    case 1:
    case 2:
        fence_harts(h->machine, h->x[10], h->x[11], h->x[12], h->x[13]);
        return SUCCESS;
    default:
        return NOT_SUPPORTED;
    }
}

/* ---- The legacy calls: one result, in a0; masks lie in memory, at a virtual address ---- */

static bool legacy_call(struct hart *h)
{
    struct machine *m = h->machine;
    uint64_t ext = h->x[17], mask = NEVER, a1 = h->x[11], a2 = h->x[12];

    if (ext >= LEGACY_SEND_IPI && ext <= LEGACY_FENCE_VMA_ASID && h->x[10] &&
        !mmu_load(h, h->x[10], 8, &mask))
        return false;
    if (ext == LEGACY_SET_TIMER)
        set_timer(h, h->x[10]);
    else if (ext == LEGACY_PUTCHAR)
        host_output(m, (uint8_t)h->x[10]);
    else if (ext == LEGACY_CLEAR_IPI)
        h->sip &= ~(1ULL << IRQ_SOFTWARE);
    else if (ext == LEGACY_SEND_IPI)
        send_ipis(m, mask, 0);
    else if (ext == LEGACY_FENCE_I)
        fence_fetches(m, mask, 0);
    else if (ext == LEGACY_FENCE_VMA || ext == LEGACY_FENCE_VMA_ASID)
        fence_harts(m, mask, 0, a1, a2);
    else if (ext == LEGACY_SHUTDOWN)
        stop_machine(m, STOP_OFF, 0);
    if (ext == LEGACY_GETCHAR)
        h->x[10] = m->input_head != m->input_tail ? m->input[m->input_tail++ % CONSOLE_MAX] : NEVER;
    else
        h->x[10] = 0;
    return true;
}

void sbi_call(struct hart *h)
{
    uint64_t ext = h->x[17], value = 0;
    enum error error = SUCCESS;

    if (unkind(h->machine, UNKIND_ORDER))
        order_call(h);

    if (ext <= LEGACY_SHUTDOWN) {
        legacy_call(h);
        return;
    }
    if (unkind(h->machine, UNKIND_OLD_SBI)) {
        fail(
            h,
            NOT_SUPPORTED); /* firmware of before version 0.2 does not even know the base extension */
        return;
    }
    if (ext == EXT_BASE) {
        h->x[11] = 0;
        value = base_call(h);
        error = h->x[16] > 6 ? NOT_SUPPORTED : SUCCESS;
    } else if (ext == EXT_TIME && h->x[16] == 0) {
        set_timer(h, h->x[10]);
    } else if (ext == EXT_IPI && h->x[16] == 0) {
        send_ipis(h->machine, h->x[10], h->x[11]);
    } else if (ext == EXT_RFENCE) {
        error = fence_call(h);
    } else if (ext == EXT_HART) {
        error = hart_call(h, &value);
    } else if (ext == EXT_RESET) {
        error = reset_call(h);
    } else if (ext == EXT_CONSOLE) {
        error = console_call(h, &value);
    } else {
        error = NOT_SUPPORTED;
    }
    fail(h, error);
    h->x[11] = value;
}
