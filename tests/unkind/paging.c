/*
 * Litmus programs for Sv39: what a hart may remember of a page table, and what a fence makes it forget (privileged
 * specification, sections 4.2.1 and 4.3); and of instructions (unprivileged specification, section 3.1).
 *
 * The report is as of order.c. Each try is a function that gives whether the outcome was seen. Most come in pairs: without
 * the fence the outcome is allowed, with it it is forbidden.
 */
#include "bare.h"

#define TRIES 400

enum {
    V = 1,
    R = 2,
    W = 4,
    X = 8,
    G = 32,
    A = 64,
    D = 128,
    RO = V | R | A,
    RW = V | R | W | A | D
};

enum {
    RFENCE = 0x52464e43,
    REMOTE_FENCE_I = 0,
    REMOTE_SFENCE = 1
};

const unsigned harts = 2;

typedef uint64_t table[512] __attribute__((aligned(4096)));

static table root, other_root, middle, other_middle, leaves, other_leaves;
static volatile uint64_t frame[2][512] __attribute__((aligned(4096)));
static char code[4096] __attribute__((aligned(4096)));

#define VA \
    0x40080000UL /* the page that all this is about; no code lies where a TLB might put it in its place */
#define ROOT  (VA >> 30)
#define LEAF  (VA >> 12 & 511)
#define PAGE  4096
#define ENTRY ((volatile uint64_t *)leaves)[LEAF]
#define UPPER ((volatile uint64_t *)middle)[0]

static uint64_t entry(const volatile void *at, uint64_t flags)
{
    return (uint64_t)at >> 12 << 10 | flags;
}

static void fence_all(void)
{
    __asm__ volatile("sfence.vma" : : : "memory");
}

static void fence_page(uint64_t va)
{
    __asm__ volatile("sfence.vma %0, zero" : : "r"(va) : "memory");
}

/* All of address space 0: what is global stays. */
static void fence_space(void)
{
    __asm__ volatile("sfence.vma zero, %0" : : "r"(0) : "memory");
}

static void set_root(const table t)
{
    __asm__ volatile("csrw satp, %0" : : "r"(8UL << 60 | (uint64_t)t >> 12) : "memory");
}

/* A load or store that may fault. => 0, or scause */
static unsigned long load(uint64_t va, uint64_t *value)
{
    unsigned long cause;
    uint64_t got = 0;

    __asm__ volatile("lla t0, 1f\n"
                     "csrw stvec, t0\n"
                     "li %0, 0\n"
                     "ld %1, (%2)\n"
                     "j 2f\n"
                     ".balign 4\n"
                     "1: csrr %0, scause\n"
                     "2:\n"
                     : "=&r"(cause), "+&r"(got)
                     : "r"(va)
                     : "t0", "memory");
    *value = got;
    return cause;
}

static unsigned long store(uint64_t va, uint64_t value)
{
    unsigned long cause;

    __asm__ volatile("lla t0, 1f\n"
                     "csrw stvec, t0\n"
                     "li %0, 0\n"
                     "sd %1, (%2)\n"
                     "j 2f\n"
                     ".balign 4\n"
                     "1: csrr %0, scause\n"
                     "2:\n"
                     : "=&r"(cause)
                     : "r"(value), "r"(va)
                     : "t0", "memory");
    return cause;
}

static bool loads(void)
{
    uint64_t value;

    return load(VA, &value) == 0;
}

static bool stores(void)
{
    return store(VA + 8, 1) == 0;
}

static uint64_t value_at(uint64_t va)
{
    uint64_t value = 0;

    load(va, &value);
    return value;
}

/* Begins with an entry that this hart has fenced and used. */
static void begin(uint64_t pte)
{
    root[ROOT] = entry(middle, V);
    UPPER = entry(leaves, V);
    ENTRY = pte;
    fence_all();
    loads();
    if (pte)
        stores();
}

static void then(uint64_t pte, bool fence)
{
    ENTRY = pte;
    if (fence)
        fence_page(VA);
}

/* ---- Leaves ---- */

static bool map(bool fence)
{
    begin(0);
    then(entry(frame[0], RW), fence);
    return !loads();
}

static bool unmap(bool fence)
{
    begin(entry(frame[0], RW));
    then(0, fence);
    return loads();
}

static bool fewer(bool fence)
{
    begin(entry(frame[0], RW));
    then(entry(frame[0], RO), fence);
    return stores();
}

static bool more(bool fence)
{
    begin(entry(frame[0], RO));
    then(entry(frame[0], RW), fence);
    return !stores();
}

static bool other(bool fence)
{
    begin(entry(frame[0], RW));
    then(entry(frame[1], RW), fence);
    return value_at(VA) == frame[0][0];
}

/* A third value would be neither the old translation nor the new one. */
static bool neither(bool fence)
{
    uint64_t value;

    begin(entry(frame[0], RW));
    then(entry(frame[1], RW), fence);
    value = value_at(VA);
    return value != frame[0][0] && value != frame[1][0];
}

/* A fence for another page says nothing of this one. */
static bool elsewhere(bool fence)
{
    begin(entry(frame[0], RW));
    then(0, fence);
    fence_page(VA + PAGE);
    return loads();
}

/* Nobody has used the entry since the fence: the hart may have read it all the same. */
static bool unused(bool fence)
{
    begin(0);
    then(entry(frame[0], RW), true);
    then(0, fence);
    return loads();
}

/* ---- Address spaces ---- */

static bool satp(bool fence)
{
    uint64_t value;

    other_root[ROOT] = entry(other_middle, V);
    other_middle[0] = entry(other_leaves, V);
    other_leaves[LEAF] = entry(frame[1], RW);
    begin(entry(frame[0], RW));
    set_root(other_root);
    if (fence)
        fence_all();
    value = value_at(VA);
    set_root(root);
    fence_all();
    return value == frame[0][0];
}

static bool global(uint64_t flags)
{
    begin(entry(frame[0], RW | flags));
    ENTRY = entry(frame[1], RW | flags);
    fence_space();
    return value_at(VA) == frame[0][0];
}

static bool not_global(bool fence)
{
    (void)fence;
    return global(0);
}

static bool is_global(bool fence)
{
    (void)fence;
    return global(G);
}

/* ---- Upper levels ---- */

static bool upper(bool all)
{
    other_leaves[LEAF] = entry(frame[1], RW);
    begin(entry(frame[0], RW));
    UPPER = entry(other_leaves, V);
    if (all)
        fence_all();
    else
        fence_page(VA);
    return value_at(VA) == frame[0][0];
}

static bool upper_empty(bool all)
{
    begin(entry(frame[0], RW));
    UPPER = 0;
    fence_all();
    loads();
    UPPER = entry(leaves, V);
    if (all)
        fence_all();
    else
        fence_page(VA);
    return !loads();
}

/* ---- A and D ---- */

static void begin_clear(void)
{
    begin(0);
    ENTRY = entry(frame[0], V | R | W);
    fence_all();
}

static bool fault_for_a(bool unused_)
{
    (void)unused_;
    begin_clear();
    return !loads();
}

static bool a_missing(bool unused_)
{
    (void)unused_;
    begin_clear();
    return loads() && !(ENTRY & A);
}

static bool d_missing(bool unused_)
{
    (void)unused_;
    begin_clear();
    return stores() && !(ENTRY & D);
}

static bool d_by_load(bool unused_)
{
    (void)unused_;
    begin_clear();
    loads();
    return ENTRY & D;
}

/* ---- Instructions ---- */

static const uint32_t return_number[2] = {0x00100513, 0x00200513}; /* li a0, 1; li a0, 2 */

static void write_code(unsigned which)
{
    ((volatile uint32_t *)code)[0] = return_number[which];
    ((volatile uint32_t *)code)[1] = 0x00008067; /* ret */
}

static long call_code(void)
{
    return ((long (*)(void))code)();
}

static bool old_code(bool fence)
{
    write_code(0);
    __asm__ volatile("fence.i" : : : "memory");
    for (unsigned i = 0; i < 8; i++)
        call_code();
    write_code(1);
    if (fence)
        __asm__ volatile("fence.i" : : : "memory");
    return call_code() == 1;
}

/* ---- Two harts: the second one looks ---- */

static volatile bool seen;

static bool remote(bool fence, unsigned index)
{
    if (index == 0)
        begin(entry(frame[0], RW));
    barrier(harts);
    if (index == 1)
        fence_all(), loads();
    barrier(harts);
    if (index == 0) {
        ENTRY = 0;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (fence)
            sbi(RFENCE, REMOTE_SFENCE, 2, 0, VA, PAGE);
    }
    barrier(harts);
    if (index == 1)
        seen = loads();
    barrier(harts);
    return seen;
}

static bool remote_code(bool fence, unsigned index)
{
    if (index == 0)
        write_code(0);
    barrier(harts);
    if (index == 1)
        __asm__ volatile("fence.i" : : : "memory");
    for (unsigned i = 0; index == 1 && i < 8; i++)
        call_code();
    barrier(harts);
    if (index == 0) {
        write_code(1);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (fence)
            sbi(RFENCE, REMOTE_FENCE_I, 2, 0, 0, 0);
    }
    barrier(harts);
    if (index == 1)
        seen = call_code() == 1;
    barrier(harts);
    return seen;
}

/* A page is filled, then mapped: whoever walks to it sees it filled, if the two stores were ordered. */
static bool filled(bool fence, unsigned index)
{
    uint64_t value;

    if (index == 0) {
        begin(0);
        frame[1][1] = 0;
    }
    barrier(harts);
    if (index == 1)
        fence_all();
    if (index == 0) {
        frame[1][1] = 7;
        if (fence)
            __asm__ volatile("fence w, w" : : : "memory");
        ENTRY = entry(frame[1], RW);
    }
    if (index == 1) {
        seen = false;
        for (unsigned i = 0; i < 60; i++, fence_page(VA))
            if (load(VA + 8, &value) == 0)
                seen = seen || value != 7;
    }
    barrier(harts);
    return seen;
}

/* ---- Running them ---- */

static const struct {
    const char *name;
    bool (*one)(bool fence);
    bool (*two)(bool fence, unsigned index);
    bool fence, allowed;
} tests[] = {
    {"map", map, 0, false, true},
    {"map+sfence", map, 0, true, false},
    {"unmap", unmap, 0, false, true},
    {"unmap+sfence", unmap, 0, true, false},
    {"fewer-rights", fewer, 0, false, true},
    {"fewer-rights+sfence", fewer, 0, true, false},
    {"more-rights", more, 0, false, true},
    {"more-rights+sfence", more, 0, true, false},
    {"other-frame", other, 0, false, true},
    {"other-frame+sfence", other, 0, true, false},
    {"neither-frame", neither, 0, false, false},
    {"fence-elsewhere", elsewhere, 0, false, true},
    {"fence-elsewhere+sfence", elsewhere, 0, true, false},
    {"unused", unused, 0, false, true},
    {"unused+sfence", unused, 0, true, false},
    {"satp", satp, 0, false, true},
    {"satp+sfence", satp, 0, true, false},
    {"global+sfence-space", is_global, 0, true, true},
    {"not-global+sfence-space", not_global, 0, true, false},
    {"upper+sfence-page", upper, 0, false, true},
    {"upper+sfence-all", upper, 0, true, false},
    {"upper-empty+sfence-page", upper_empty, 0, false, true},
    {"upper-empty+sfence-all", upper_empty, 0, true, false},
    {"fault-for-A", fault_for_a, 0, false, true},
    {"A-missing", a_missing, 0, false, false},
    {"D-missing", d_missing, 0, false, false},
    {"D-by-load", d_by_load, 0, false, false},
    {"old-code", old_code, 0, false, true},
    {"old-code+fence.i", old_code, 0, true, false},
    {"remote", 0, remote, false, true},
    {"remote+rfence", 0, remote, true, false},
    {"remote-code", 0, remote_code, false, true},
    {"remote-code+rfence.i", 0, remote_code, true, false},
    {"filled-then-mapped", 0, filled, false, true},
    {"filled-then-mapped+ww", 0, filled, true, false},
};

static void run_test(unsigned i, unsigned index)
{
    unsigned long n = 0;

    for (unsigned try = 0; try < TRIES; try++) {
        if (tests[i].two)
            n += tests[i].two(tests[i].fence, index);
        else if (index == 0)
            n += tests[i].one(tests[i].fence);
    }
    barrier(harts);
    if (index == 0)
        report(tests[i].name, tests[i].allowed ? "allowed" : "forbidden", n, TRIES);
    barrier(harts);
}

void run(unsigned index)
{
    const uint64_t all = entry((void *)0x80000000UL, V | R | W | X | A | D);

    if (index == 0) {
        root[2] = other_root[2] = all; /* this program, where it lies, by one entry of 1 GiB */
        frame[0][0] = 100;
        frame[1][0] = 200;
    }
    barrier(harts);
    set_root(root);
    fence_all();
    for (unsigned i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        run_test(i, index);
    if (index == 0)
        power_off();
}
