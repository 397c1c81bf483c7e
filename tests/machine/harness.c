/*
 * One hart of the machine, driven from Python: lockstep.py and hart_test.py compare it with QEMU.
 *
 * The harness leads the hart by itself: machine_run() is not called, so no interrupt comes but the one that QEMU took,
 * at the instruction where QEMU took it. The hart stands still at what only the world outside can answer (a call of the
 * firmware, the time, a device's register): the caller says what QEMU got there.
 */
#include "insn.h"

#include <stdlib.h>
#include <string.h>

enum stopped {
    AT_COUNT, /* as many instructions as asked for */
    AT_TRAP,  /* the hart has taken a trap */
    AT_WAIT,  /* wfi was done */
    AT_WORLD, /* the next instruction needs an answer from outside */
    AT_BREAK, /* the next instruction is at the address asked for */
};

struct registers { /* of both sides; lockstep.py has the same order */
    uint64_t x[32], pc, sepc, scause, stval, sstatus, satp, mode;
};

static struct machine machine;
static uint64_t count; /* instructions begun: also those that trap, when they could be fetched */

/* ---- What the core asks of a host ---- */

void host_output(struct machine *m, uint8_t byte)
{
    (void)m, (void)byte;
}

bool host_event(struct machine *m, const struct event *event)
{
    (void)m, (void)event;
    return false;
}

/* The order of memory, which one hart alone does not see: for a core without order.c. */
__attribute__((weak)) void order_before(struct hart *h, uint32_t insn)
{
    (void)h, (void)insn;
}

__attribute__((weak)) void order_all(struct hart *h)
{
    (void)h;
}

/* ---- Called from Python ---- */

/* A machine of one hart, off. => where its RAM lies */
uint8_t *harness_new(uint64_t ram, bool sstc)
{
    struct options options = {.harts = 1, .slice = 1, .steps_per_time = 1, .timebase = TIMEBASE};
    uint64_t size;

    free(machine.memory);
    free(machine.dirty);
    options.ram = ram;
    options.sstc = sstc;
    size = machine_plan(&machine, &options, 0);
    machine_give(&machine, calloc(1, size), calloc(1, size / PAGE_SIZE + 1));
    machine.hart[0].machine = &machine;
    hart_reset(&machine.hart[0], 0, 0, 0);
    count = 0;
    return machine.memory;
}

void harness_get(struct registers *r)
{
    const struct hart *h = &machine.hart[0];
    struct registers now = {.pc = h->pc,
                            .sepc = h->sepc,
                            .scause = h->scause,
                            .stval = h->stval,
                            .satp = h->satp,
                            .mode = h->mode};

    memcpy(now.x, h->x, sizeof(now.x));
    csr_read(&machine.hart[0], 0x100, &now.sstatus);
    *r = now;
}

void harness_set(const struct registers *r)
{
    struct hart *h = &machine.hart[0];

    memcpy(h->x, r->x, sizeof(r->x));
    h->pc = r->pc;
    h->mode = MODE_SUPERVISOR;
    csr_write(h, 0x100, r->sstatus);
    csr_write(h, 0x141, r->sepc);
    csr_write(h, 0x142, r->scause);
    csr_write(h, 0x143, r->stval);
    csr_write(h, 0x180, r->satp);
    h->mode = r->mode;
    hart_mode_changed(h);
}

bool harness_set_csr(uint32_t number, uint64_t value)
{
    return csr_write(&machine.hart[0], number, value);
}

void harness_set_x(uint32_t rd, uint64_t value)
{
    if (rd)
        machine.hart[0].x[rd] = value;
}

uint64_t harness_count(void)
{
    return count;
}

/* The instruction at the pc is over: the caller has done what it does. */
void harness_skip(uint32_t length)
{
    machine.hart[0].pc += length;
    count++;
}

void harness_trap(uint64_t cause, uint64_t value)
{
    hart_trap(&machine.hart[0], cause, value);
    count += !(cause & CAUSE_INTERRUPT);
}

/* Where a virtual address leads, with nothing changed. The TLB answers nearly always. */
static bool peek(struct hart *h, uint64_t va, enum access access, uint64_t *pa)
{
    const struct tlb_entry *entry = &h->tlb[(va >> 12) % TLB_ENTRIES];
    static struct hart before;
    bool there;

    *pa = entry->pa + va % PAGE_SIZE;
    if (h->satp && entry->vpn == va >> 12)
        return true;
    before = *h;
    there = mmu_translate(h, va, access, pa);
    *h = before;
    return there;
}

/* Is this an instruction whose result comes from outside? Devices are found by their address. */
static bool asks_world(struct hart *h, uint32_t word)
{
    bool load = (word & 0x7f) == 0x03, store = (word & 0x7f) == 0x23;
    uint64_t va = h->x[word >> 15 & 31], pa;

    if ((word & 0x7f) == 0x73)
        return (word == 0x73 && h->mode == MODE_SUPERVISOR) || (word & 0xfffff07f) == 0xc0102073;
    if ((!load && !store) || h->mode == MODE_USER)
        return false;
    va += load ? (uint64_t)((int32_t)word >> 20)
               : (uint64_t)(((int32_t)word >> 25) * 32 | (int32_t)(word >> 7 & 31));
    return peek(h, va, load ? ACCESS_LOAD : ACCESS_STORE, &pa) && !bus_ram(&machine, pa, 1);
}

/*
 * Runs until `until` instructions are counted, or until something is met that the caller must know of. The hart's own
 * view of the next instruction is used: a fetch that faults is a trap like another. A breakpoint where the hart stands
 * is passed.
 */
enum stopped harness_run(uint64_t until, uint64_t breakpoint)
{
    struct hart *h = &machine.hart[0];
    uint64_t start = count;

    while (count < until) {
        uint64_t retired = h->instret;
        uint32_t word;

        if (h->pc == breakpoint && count != start)
            return AT_BREAK;
        if (mmu_fetch(h, &word)) {
            if ((word & 3) != 3)
                word = compressed_expand(word);
            if (asks_world(h, word))
                return AT_WORLD;
            hart_step(h);
        }
        machine.steps++;
        if (h->instret == retired) {
            count += h->scause != CAUSE_PAGE_FETCH && h->scause != CAUSE_ACCESS_FETCH;
            return AT_TRAP;
        }
        count++;
        if (h->waiting) {
            h->waiting = false;
            return AT_WAIT;
        }
    }
    return AT_COUNT;
}

/* Runs to an address, with its own interrupts and nothing answered from outside. => false: too far */
bool harness_run_bare(uint64_t until, uint64_t address)
{
    struct hart *h = &machine.hart[0];

    for (; machine.steps < until && h->pc != address; machine.steps++) {
        if (h->look)
            hart_interrupt(h);
        hart_step(h);
        h->waiting = false;
    }
    return h->pc == address;
}

/* The first byte of RAM from `from` on that differs from `other`; NEVER: none. Offsets from the start of RAM. */
uint64_t harness_differs(const uint8_t *other, uint64_t from)
{
    uint64_t size = machine.bank[0].size, page;

    for (page = from & ~(uint64_t)(PAGE_SIZE - 1); page < size; page += PAGE_SIZE)
        if (memcmp(machine.memory + page, other + page, PAGE_SIZE) != 0)
            break;
    for (uint64_t at = page < from ? from : page; at < size && at < page + PAGE_SIZE; at++)
        if (machine.memory[at] != other[at])
            return at;
    return page >= size ? NEVER : harness_differs(other, page + PAGE_SIZE);
}
