/*
 * Who called whom, by frame pointers.
 *
 * Each function keeps, right below the address in s0, its return address and the s0 of its caller.
 * Only a panic prints it, so it trusts nothing: a frame must lie in the stack of the first one, and
 * above the one before. Owns what the panic to come shall show; only the first panic is shown.
 */
#include "asm/kstack.h"
#include "asm/trap.h"
#include "lib/printk.h"

#include <stdbool.h>

enum {
    FRAMES_MAX = 32
};

extern char __text_start[], __text_end[];

static uint64_t from_pc, from_fp;
static const struct trapframe *from_frame;

void backtrace_from(uint64_t pc, uint64_t fp)
{
    from_pc = pc;
    from_fp = fp;
}

void backtrace_from_frame(const struct trapframe *tf)
{
    backtrace_from(tf->epc, tf->s0);
    from_frame = tf;
}

static bool in_text(uint64_t pc)
{
    return pc >= (uint64_t)__text_start && pc < (uint64_t)__text_end;
}

/* True when the two words below fp are on a stack; the guard page is not part of one. */
static bool in_a_stack(uint64_t fp)
{
    return fp % 8 == 0 && fp > (uint64_t)__stacks_start && fp <= (uint64_t)__stacks_end &&
           ((fp - 16) & (KSTACK_SLOT - 1)) >= PAGE_SIZE;
}

static uint64_t stack_of(uint64_t fp)
{
    return (fp - 1) / KSTACK_SLOT;
}

static void print_registers(const struct trapframe *tf)
{
    static const char names[32][4] = {
        "pc", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
        "a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
        "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
    };
    const uint64_t *x = (const uint64_t *)tf;

    for (unsigned i = 0; i < 32; i += 4)
        printk("  %3s %016lx  %3s %016lx  %3s %016lx  %3s %016lx\n", names[i], x[i], names[i + 1],
               x[i + 1], names[i + 2], x[i + 2], names[i + 3], x[i + 3]);
}

void backtrace_print(void)
{
    uint64_t fp = from_fp ? from_fp : (uint64_t)__builtin_frame_address(0);
    uint64_t stack = stack_of(fp);

    if (from_frame)
        print_registers(from_frame);
    printk("backtrace (make where SEPC=ADDRESS finds the line):\n");
    if (from_pc)
        printk("  %p\n", (void *)from_pc);
    for (int i = 0; i < FRAMES_MAX && in_a_stack(fp) && stack_of(fp) == stack; i++) {
        const uint64_t *frame = (const uint64_t *)fp;
        uint64_t ra = frame[-1], next = frame[-2];
        if (!in_text(ra))
            break;
        printk("  %p\n", (void *)ra);
        if (next <= fp)
            break;
        fp = next;
    }
}
