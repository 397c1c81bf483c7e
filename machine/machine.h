/*
 * The machine: a RISC-V computer as plain state, and the calls that run it.
 *
 * Everything that a run depends on lies in struct machine and in its memory. So a run can be saved, compared and
 * repeated: the same options, seed and input give the same run, instruction for instruction. The core needs no library;
 * host.h lists what a host gives it.
 *
 * Sources: RISC-V unprivileged specification 20191213, privileged specification 1.12, SBI 2.0, PLIC 1.0, virtio 1.1.
 * Read next: hart.c.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unkind_state.h"

#define HARTS_MAX   8
#define TLB_ENTRIES 256
#define BANKS_MAX   4
#define KIND_PAGES  2048 /* of descriptions of frames: 32 bytes for each of 1 GiB */
#define PAGE_SIZE   4096
#define RAM_BASE    0x80000000ULL
#define KERNEL_BASE (RAM_BASE + 0x200000)
#define TIMEBASE    10000000 /* time units a second, when the options do not say */
#define CONSOLE_MAX 4096     /* bytes that wait for the kernel; a power of two */
#define NEVER       UINT64_MAX

enum mode {
    MODE_USER = 0,
    MODE_SUPERVISOR = 1
};

enum access {
    ACCESS_LOAD,
    ACCESS_STORE,
    ACCESS_FETCH
};

enum cause { /* privileged specification, table 4.2 */
    CAUSE_MISALIGNED_FETCH = 0,
    CAUSE_ACCESS_FETCH = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_MISALIGNED_LOAD = 4,
    CAUSE_ACCESS_LOAD = 5,
    CAUSE_MISALIGNED_STORE = 6,
    CAUSE_ACCESS_STORE = 7,
    CAUSE_ECALL_USER = 8,
    CAUSE_PAGE_FETCH = 12,
    CAUSE_PAGE_LOAD = 13,
    CAUSE_PAGE_STORE = 15,
};

#define CAUSE_INTERRUPT (1ULL << 63)

enum irq {
    IRQ_SOFTWARE = 1,
    IRQ_TIMER = 5,
    IRQ_EXTERNAL = 9
};

enum pte_bit {
    PTE_V = 1 << 0,
    PTE_R = 1 << 1,
    PTE_W = 1 << 2,
    PTE_X = 1 << 3,
    PTE_U = 1 << 4,
    PTE_G = 1 << 5,
    PTE_A = 1 << 6,
    PTE_D = 1 << 7,
};

enum status_bit { /* of sstatus */
    STATUS_SIE = 1 << 1,
    STATUS_SPIE = 1 << 5,
    STATUS_SPP = 1 << 8,
    STATUS_SUM = 1 << 18,
    STATUS_MXR = 1 << 19,
};

/* What the hart remembers of a walk. It may be older than the tables: only a fence makes the hart forget. */
struct tlb_entry {
    uint64_t vpn;   /* virtual page number; NEVER: empty */
    uint64_t pa;    /* where the 4 KiB page begins */
    uint32_t flags; /* of the leaf; PTE_V is 0 for what the walk found to be absent (unkind) */
    uint32_t level; /* of the leaf: 0 is a 4 KiB page */
};

enum hart_state {
    HART_STOPPED,
    HART_STARTED
};

struct hart {
    uint64_t x[32];
    uint64_t pc;
    enum mode mode;
    uint64_t sstatus, sie, sip, stvec, sscratch, sepc, scause, stval, satp, scounteren, senvcfg;
    uint64_t timecmp;     /* the timer's interrupt is pending from this time on */
    uint64_t reservation; /* physical address that LR holds; NEVER: none */
    uint64_t instret;     /* instructions that this hart has run */
    uint32_t id;          /* what the kernel calls it */
    enum hart_state state;
    bool waiting;       /* in wfi */
    bool look;          /* an interrupt may have become pending or enabled */
    uint32_t mask[3];   /* for each access: which flags of a leaf decide, ... */
    uint32_t want[3];   /* ... and what they must be; set by hart_mode_changed() */
    uint64_t fetch_vpn; /* the page that instructions come from; NEVER: ask the TLB */
    uint8_t *fetch_at;  /* where that page lies in the host's memory */
    struct tlb_entry tlb[TLB_ENTRIES];
    struct unkind_hart unkind; /* unkind.h */
    struct machine *machine;
};

struct bank {
    uint64_t base, size; /* bytes */
    uint64_t offset;     /* of its first byte in the machine's memory */
};

struct plic {
    uint32_t priority[32];
    uint32_t line;    /* bit for each source: its device asks */
    uint32_t claimed; /* bit for each source: a hart serves it */
    uint32_t enable[HARTS_MAX];
    uint32_t threshold[HARTS_MAX];
};

struct uart {
    uint8_t interrupt_enable, line_control, modem_control, fifo, scratch, divisor[2];
};

struct disk_request {
    uint64_t due; /* time */
    uint16_t head;
    bool flying;
};

struct disk {
    uint32_t status, features_word, driver_word, queue_size, ready, interrupt;
    uint64_t features;
    uint64_t queue[3]; /* descriptors, available ring, used ring */
    uint16_t seen;     /* entries of the available ring */
    struct disk_request request[16];
};

/* What the user chooses. All of it is part of a run's name. */
struct options {
    uint32_t harts;
    uint32_t slice;          /* instructions that a hart runs before the next one's turn */
    uint32_t steps_per_time; /* instructions to a unit of time */
    uint32_t timebase;       /* units of time a second */
    uint64_t ram;            /* bytes of the first bank */
    uint64_t seed;
    uint32_t unkind; /* bits of enum unkind */
    uint32_t disk_delay;
    uint64_t hartid_base, hartid_stride; /* harts are numbered base + i * (stride + 1) */
    struct bank further[BANKS_MAX - 1];  /* further RAM; size 0 ends it */
    bool disk_is_ram;                    /* the image is handed over as an initrd */
    bool sstc;
    bool no_chosen;      /* the tree has no chosen node */
    uint32_t boot_hart;  /* which of them the firmware starts */
    uint32_t uart_shift; /* registers of the console lie 1 << this bytes apart */
    char bootargs[256];
};

/* Freedoms that the specifications give a machine. unkind.h says which section permits each. */
enum unkind {
    UNKIND_TLB_KEEPS = 1 << 0,      /* entries that are invalid or too weak stay until fenced */
    UNKIND_TLB_SPECULATES = 1 << 1, /* the TLB is filled for addresses that nobody used */
    UNKIND_SVADE = 1 << 2,          /* A and D are not set by the hart: it faults */
    UNKIND_ORDER = 1 << 3,          /* RVWMO: stores leave late, loads are done late */
    UNKIND_SC_FAILS = 1 << 4,
    UNKIND_INTERRUPTS = 1 << 5, /* IPIs and timers arrive late; wfi returns early */
    UNKIND_HARTS = 1 << 6,      /* harts of unlike speed, that stand still at times */
    UNKIND_DISK = 1 << 7,       /* requests end late and out of order */
    UNKIND_FETCH = 1 << 8,      /* instructions are remembered until fence.i */
    UNKIND_TLB_TABLES = 1 << 9, /* entries of the upper levels are kept on their own */
    UNKIND_MEETINGS = 1 << 10,  /* a turn may end where two harts meet at a cache line */
    UNKIND_OLD_SBI = 1 << 16,   /* no SRST, DBCN, HSM, IPI, RFENCE, TIME: the legacy calls alone */
    UNKIND_DISK_ERRORS = 1 << 17,
    UNKIND_DISK_TEARS = 1 << 18, /* power that goes leaves a sector half written */
    UNKIND_DISK_CACHE = 1 << 19, /* what is not flushed is lost with the power */
};

enum stop {
    STOP_UNTIL,
    STOP_IDLE,
    STOP_OFF,
    STOP_RESET,
    STOP_EVENT
};

enum event_kind {
    EVENT_TRAP,   /* a = scause, b = stval */
    EVENT_RETURN, /* sret: a = the address it goes to */
    EVENT_SBI,    /* a = extension, b = function */
    EVENT_CALL,   /* a call of a probed function: a = its address, b = a0 */
    EVENT_TABLE, /* a store to a page table: a = the entry's physical address, b = what it becomes */
    EVENT_STORE,  /* a store to the watched range: a = physical address, b = what it becomes */
    EVENT_FENCE,  /* sfence.vma: a = the address, or NEVER for all */
    EVENT_SWITCH, /* another satp: a = the new one */
    EVENT_BREAK,  /* an instruction at a marked address is next: a = the address */
    EVENT_KINDS,
};

struct event {
    uint64_t step, a, b, pc;
    uint16_t hart;
    uint8_t mode, kind;
    uint32_t unused;
};

struct machine {
    /* ---- State: what machine_save() keeps, together with the memory. ---- */
    struct hart hart[HARTS_MAX];
    struct plic plic;
    struct uart uart;
    struct disk disk;
    struct options options;
    uint64_t steps;      /* instructions that all harts have run: the machine's instant */
    uint64_t time_skip;  /* units of time that passed while every hart waited */
    uint64_t random;     /* state of the generator; only the unkind switches draw from it */
    uint64_t device_due; /* time at which a device has something to do */
    uint32_t turn;       /* the hart whose turn it is */
    uint32_t turn_left;  /* instructions left of it */
    uint32_t nbanks;
    struct bank bank[BANKS_MAX];
    uint64_t disk_size, disk_offset; /* the image, in bytes of memory */
    uint8_t input[CONSOLE_MAX];
    uint32_t input_head, input_tail; /* bytes put in and taken out, ever */
    enum stop stop;                  /* STOP_UNTIL: it runs */
    uint32_t exit_code;
    struct unkind_machine unkind;

    /* ---- Not state: the host's, and what is watched. ---- */
    char unsaved[8];
    uint8_t *memory; /* RAM, bank after bank, then the disk's image */
    uint8_t
        *written;   /* bits by store_hash(): a superset of what was stored to; NULL: nobody asks */
    uint8_t *dirty; /* a byte for each page of memory: written since the host cleared it */
    uint64_t memory_size;            /* bytes */
    uint32_t watch;                  /* bit for each enum event_kind: tell the host */
    uint64_t watch_start, watch_end; /* EVENT_STORE: physical addresses */
    uint32_t kind_page[KIND_PAGES]; /* EVENT_TABLE: where pages of frames' descriptions lie; or 0 */
    uint32_t kind_stride, kind_offset, kind_table; /* bytes for each; of the kind; a table's */
    uint8_t probe[8192];                           /* EVENT_CALL: bits by a hash of the address */
    bool paced; /* machine_run() does not let time pass while all harts wait: the host does */
    uint64_t turn_end; /* the step at which run_turn() looks around again */
};

/* ---- What a host calls ---- */

/*
 * Makes a machine that is off: options are checked and its memory is laid out.
 * => bytes of memory that it needs, 0 when the options are no machine's
 */
uint64_t machine_plan(struct machine *m, const struct options *options, uint64_t disk_size);

/* Hands the memory over: machine_plan()'s bytes, all zero, and a byte for each page. */
void machine_give(struct machine *m, uint8_t *memory, uint8_t *dirty);

/* Loads a kernel, an ELF file. => its entry, a physical address; 0 when it is no kernel for this machine */
uint64_t machine_load(struct machine *m, const uint8_t *elf, size_t size);

/* Puts the device tree into RAM and starts the boot hart at `entry`. => false: the RAM is too small */
bool machine_boot(struct machine *m, uint64_t entry);

/* Runs until `until` instructions have been run in all. How it is cut into calls changes nothing. */
enum stop machine_run(struct machine *m, uint64_t until);

/* A byte was typed. => false: too many wait already */
bool machine_input(struct machine *m, uint8_t byte);

/* All harts wait: time goes on to what comes next, which counts as a step. => false: nothing comes */
bool machine_skip(struct machine *m);

/* The time when a machine that waits will go on; NEVER: not without input. */
uint64_t machine_next_time(const struct machine *m);

/* ---- What a host gives ---- */

void host_output(struct machine *m, uint8_t byte);

/* Something that the host watches has happened. => true: machine_run() returns after this instruction */
bool host_event(struct machine *m, const struct event *event);

/* ---- run.c ---- */

uint64_t machine_time(const struct machine *m);
uint32_t machine_random(struct machine *m, uint32_t below);
void machine_event(struct hart *h, enum event_kind kind, uint64_t a, uint64_t b);
void machine_due(struct machine *m, uint64_t time);

/* An event, when somebody watches that kind. */
static inline void event(struct hart *h, enum event_kind kind, uint64_t a, uint64_t b)
{
    if (h->machine->watch & 1U << kind)
        machine_event(h, kind, a, b);
}

/* Has the host marked an address, or one of the same hash? */
static inline bool machine_marked(const struct machine *m, uint64_t address)
{
    uint32_t hash = address >> 1 & 0xffff;

    return m->probe[hash >> 3] & 1U << (hash & 7);
}

static inline void machine_mark(struct machine *m, uint64_t address)
{
    uint32_t hash = address >> 1 & 0xffff;

    m->probe[hash >> 3] |= (uint8_t)(1U << (hash & 7));
}

static inline bool unkind(const struct machine *m, uint32_t bits)
{
    return m->options.unkind & bits;
}

/* ---- hart.c, compressed.c ---- */

void hart_step(struct hart *h);
void hart_reset(struct hart *h, uint64_t pc, uint64_t a0, uint64_t a1);
void compressed_init(void);
uint32_t compressed_expand(uint32_t insn);

/* ---- csr.c: registers, traps, interrupts ---- */

bool csr_read(struct hart *h, uint32_t number, uint64_t *value);
bool csr_write(struct hart *h, uint32_t number, uint64_t value);
void hart_mode_changed(struct hart *h);
void hart_trap(struct hart *h, uint64_t cause, uint64_t value);
void hart_return(struct hart *h);
uint64_t hart_pending(struct hart *h);
void hart_interrupt(struct hart *h);

/* ---- mmu.c ---- */

bool mmu_load(struct hart *h, uint64_t va, unsigned size, uint64_t *value);
bool mmu_store(struct hart *h, uint64_t va, unsigned size, uint64_t value);
/* Walks the table for an address that nobody asked for, and fills the TLB. */
void mmu_speculate(struct hart *h, uint64_t va);
/* The physical address of a virtual one, or a trap taken (false). */
bool mmu_translate(struct hart *h, uint64_t va, enum access access, uint64_t *pa);
/* The instruction at pc, its upper half 0 when it is compressed; false: a trap was taken. */
bool mmu_fetch(struct hart *h, uint32_t *insn);
void mmu_fence(struct hart *h, uint64_t va, bool all, bool keep_global);
void mmu_forget_fetch(struct hart *h);
/* fence.i */
void mmu_fence_fetch(struct hart *h);

/* ---- bus.c ---- */

uint8_t *bus_ram(const struct machine *m, uint64_t pa, uint64_t size);
bool bus_load(struct machine *m, uint64_t pa, unsigned size, uint64_t *value);
bool bus_store(struct hart *h, uint64_t pa, unsigned size, uint64_t value);
void bus_dirty(struct machine *m, uint64_t pa, uint64_t size);

#define FILTER_BYTES (1U << 17) /* of `written` */

static inline uint32_t store_hash(uint64_t pa)
{
    return (uint32_t)((pa >> 3) ^ (pa >> 17)) % (FILTER_BYTES * 8);
}

/* ---- devices ---- */

void sbi_call(struct hart *h);
uint64_t tree_build(struct machine *m, uint8_t *at, uint64_t room, uint64_t initrd);
uint32_t uart_load(struct machine *m, uint32_t reg);
void uart_store(struct machine *m, uint32_t reg, uint8_t value);
void uart_update(struct machine *m);
uint32_t plic_load(struct machine *m, uint32_t reg);
void plic_store(struct machine *m, uint32_t reg, uint32_t value);
void plic_line(struct machine *m, unsigned source, bool on);
uint32_t disk_load(struct machine *m, uint32_t reg);
void disk_store(struct machine *m, uint32_t reg, uint32_t value);
void disk_run(struct machine *m);
/* The power is gone: what that does to the image. */
void disk_lose_power(struct machine *m);

enum {
    SOURCE_DISK = 1,
    SOURCE_UART = 10
};

#define PLIC_BASE 0x0c000000ULL
#define PLIC_SIZE 0x00600000ULL
#define UART_BASE 0x10000000ULL
#define UART_SIZE 0x100ULL
#define DISK_BASE 0x10001000ULL
#define DISK_SIZE 0x1000ULL

#endif
