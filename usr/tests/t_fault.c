/*
 * usr/tests/t_fault.c: what a program may not touch or do: each attempt ends it with status -1,
 * and nobody else notices. Invariants attacked: I3, I8.
 */
#include "kernel/types.h"
#include "kernel/riscv.h"
#include "kernel/memlayout.h"
#include "kernel/syscall.h"
#include "t.h"

#define KERNEL_BASE 0xffffffc000000000UL

static const char constant[16] = "read only";
static int code_in_data[4] = {0x00008067}; /* ret */

static void load(uint64 address)
{
    (void)*(volatile char *)address;
}

static void store(uint64 address)
{
    *(volatile char *)address = 1;
}

static void jump(uint64 address)
{
    ((void (*)(void))address)();
}

#define CHECK_KILLED(fn, address) CHECK_EQ(t_status(fn, (uint64)(address)), -1)

static const uint64 nowhere[] = {
    KERNBASE,
    KERNBASE + 0x200000,
    TRAPFRAME,
    TRAMPOLINE,
    MAXVA - 1,
    MAXVA,
    1UL << 39,
    1UL << 40,
    1UL << 47,
    1UL << 62,
    1UL << 63,
    ~0UL,
    KERNEL_BASE,
    KERNEL_BASE + 0x80000000,
    KERNEL_BASE + 0x80200000,
    0xeaeb0b5b00002f5eUL,
};

static void loads(void)
{
    for (int i = 0; i < COUNT(nowhere); i++)
        CHECK_KILLED(load, nowhere[i]);
}

static void stores(void)
{
    for (int i = 0; i < COUNT(nowhere); i++)
        CHECK_KILLED(store, nowhere[i]);
}

static void jumps(void)
{
    for (int i = 0; i < COUNT(nowhere); i++)
        CHECK_KILLED(jump, nowhere[i] & ~1UL);
}

static void own_memory(void)
{
    uint64 stack = PGROUNDDOWN(r_sp());

    CHECK_KILLED(store, 0); /* text */
    CHECK_KILLED(store, constant);
    CHECK_KILLED(jump, code_in_data);
    CHECK_KILLED(jump, stack);
    CHECK_KILLED(load, stack - 1); /* the guard page */
    CHECK_KILLED(store, stack - PAGE);
    CHECK_KILLED(jump, stack - PAGE);
    CHECK_KILLED(load, PGROUNDUP((uint64)sbrk(0)));
    CHECK_EQ(t_status(load, stack), 0);
    CHECK_EQ(t_status(store, (uint64)code_in_data), 0);
}

static void heap_is_not_code(void)
{
    char *p = sbrk(PAGE);

    memcpy(p, code_in_data, 4);
    CHECK_KILLED(jump, p);
}

static void recurse(uint64 depth)
{
    volatile char frame[512];

    frame[0] = (char)depth;
    if (depth > 0)
        recurse(depth - 1);
    frame[511] = frame[0];
}

static void stack_overflow(void)
{
    CHECK_KILLED(recurse, 100);
}

/* ---- instructions ---- */

static void instruction(uint64 which)
{
    switch (which) {
    case 0:
        __asm__ volatile(".word 0");
        break;
    case 1:
        __asm__ volatile("ebreak");
        break;
    case 2:
        __asm__ volatile("sret");
        break;
    case 3:
        __asm__ volatile("csrr t0, sstatus" ::: "t0");
        break;
    case 4:
        __asm__ volatile("csrw satp, zero");
        break;
    case 5:
        __asm__ volatile("sfence.vma");
        break;
    case 6:
        __asm__ volatile("csrw scounteren, zero");
        break;
    case 7:
        __asm__ volatile("csrw sie, zero");
        break;
    case 8:
        __asm__ volatile("csrr t0, sepc" ::: "t0");
        break;
    case 9:
        __asm__ volatile("csrr t0, sscratch" ::: "t0");
        break;
    case 10:
        __asm__ volatile("csrw stvec, zero");
        break;
    default:
        __asm__ volatile("mret");
    }
}

static void instructions(void)
{
    for (uint64 i = 0; i < 12; i++)
        CHECK_EQ(t_status(instruction, i), -1);
}

/* Floating point is off: whatever reads or writes its registers is illegal. */
static void floating_point(uint64 which)
{
    switch (which) {
    case 0:
        __asm__ volatile(".4byte 0x02007053"); /* fadd.d f0, f0, f0 */
        break;
    case 1:
        __asm__ volatile(".4byte 0x00012007"); /* flw f0, 0(sp) */
        break;
    case 2:
        __asm__ volatile(".4byte 0x00013007"); /* fld f0, 0(sp) */
        break;
    case 3:
        __asm__ volatile(".4byte 0xf2000053"); /* fmv.d.x f0, x0 */
        break;
    case 4:
        __asm__ volatile(".2byte 0x2002"); /* c.fldsp f0, 0 */
        break;
    default:
        __asm__ volatile(".4byte 0x003022f3" ::: "t0"); /* frcsr t0 */
    }
}

static void no_floating_point(void)
{
    for (uint64 i = 0; i < 6; i++)
        CHECK_EQ(t_status(floating_point, i), -1);
}

/* ---- what a program may do ---- */

/* The counters can be read, and time is the one that ktime() tells. */
static void counters(void)
{
    uint64 cycle[2];
    uint64 instret[2];
    uint64 time[2];
    uint64 now;

    __asm__ volatile("rdcycle %0" : "=r"(cycle[0]));
    __asm__ volatile("rdinstret %0" : "=r"(instret[0]));
    __asm__ volatile("rdtime %0" : "=r"(time[0]));
    now = ktime();
    t_spin(1000);
    __asm__ volatile("rdtime %0" : "=r"(time[1]));
    __asm__ volatile("rdinstret %0" : "=r"(instret[1]));
    __asm__ volatile("rdcycle %0" : "=r"(cycle[1]));
    CHECK(time[0] <= now && now <= time[1]);
    CHECK(cycle[1] > cycle[0]);
    CHECK(instret[1] > instret[0]);
}

static void misaligned_across_end(uint64 end)
{
    *(volatile uint64 *)(end - 3) = 1;
}

/* Loads and stores at any address work, across a page boundary too, and not into what is none. */
static void misaligned(void)
{
    char *p = sbrk(2 * PAGE);
    char *end = (char *)PGROUNDUP((uint64)p + 2 * PAGE);

    for (char *at = p + PAGE - 9; at < p + PAGE + 9; at++) {
        *(volatile uint64 *)at = 0x0807060504030201;
        CHECK(t_is_pattern(at, 8, 1));
        CHECK_EQ(*(volatile uint *)at, 0x04030201);
        CHECK_EQ(*(volatile ushort *)(at + 5), 0x0706);
    }
    CHECK_KILLED(misaligned_across_end, end);
}

/*
 * An sc after a trap fails, for another process may have run in between: its lr must not serve
 * ours. First the trap is a system call, then the fault on a page that was never touched.
 */
static void no_reservation_survives(void)
{
    static uint64 word;
    char *fresh = sbrk(2 * PAGE);
    uint64 failed;

    __asm__ volatile("li a7, %1\n"
                     "lr.d t0, (%2)\n"
                     "ecall\n"
                     "sc.d %0, t0, (%2)"
                     : "=&r"(failed)
                     : "i"(SYS_getpid), "r"(&word)
                     : "t0", "a0", "a7", "memory");
    CHECK(failed != 0);
    __asm__ volatile("lr.d t0, (%1)\n"
                     "sb zero, (%2)\n"
                     "sc.d %0, t0, (%1)"
                     : "=&r"(failed)
                     : "r"(&word), "r"(fresh + PAGE)
                     : "t0", "memory");
    CHECK(failed != 0);
}

/* After all that, memory works as before and the audit finds nothing. */
static void still_sound(void)
{
    CHECK_EQ(strcmp(constant, "read only"), 0);
    CHECK_EQ(audit(), 0);
}

static const struct t_case cases[] = {
    {"loads", loads},
    {"stores", stores},
    {"jumps", jumps},
    {"own_memory", own_memory},
    {"heap_is_not_code", heap_is_not_code},
    {"stack_overflow", stack_overflow},
    {"instructions", instructions},
    {"no_floating_point", no_floating_point},
    {"counters", counters},
    {"misaligned", misaligned},
    {"no_reservation_survives", no_reservation_survives},
    {"still_sound", still_sound},
};

int main(int argc, char **argv)
{
    t_main("t_fault", cases, COUNT(cases), argc, argv);
}
