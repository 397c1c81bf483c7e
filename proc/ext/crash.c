/*
 * What a program did that it must not, in words.
 *
 * The instruction that was refused is read from the program's memory: it says more
 * than the cause. A hook of proc_hooks, for proc/trap.c. Read next: mm/describe.c.
 */
#include "proc/crash.h"

#include <stdbool.h>

#include "asm/csr.h"
#include "lib/printk.h"
#include "mm/mm.h"
#include "mm/uaccess.h"
#include "proc/proc.h"

enum {
    WORDS_MAX = 128,
    FRAME_MAX =
        16 * PAGE_SIZE, /* a stack pointer that is further below an address has no part in it */
};

/* Opcodes, in an instruction's lowest seven bits (RISC-V unprivileged specification, table 24.1). */
enum opcode {
    OP_LOAD_FP = 0x07,
    OP_STORE_FP = 0x27,
    OP_MADD = 0x43, /* to 0x4f, four of them */
    OP_FP = 0x53,
    OP_SYSTEM = 0x73,
};

/* Instructions that leave their return address in ra: the lowest twelve bits; c.jalr's that are fixed. */
enum call {
    CALL_JAL = 0x0ef,
    CALL_JALR = 0x0e7,
    CALL_C_JALR = 0x9002
};

/* => the instruction at pc; 0, which is none, where it cannot be read. */
static uint32_t instruction_at(vaddr_t pc)
{
    uint16_t low = 0, high = 0;

    if (!copy_from_user(&low, pc, sizeof(low)) && (low & 3) == 3)
        copy_from_user(&high, pc + sizeof(low), sizeof(high));
    return low | (uint32_t)high << 16;
}

static bool is_float(uint32_t instruction)
{
    unsigned opcode = instruction & 0x7f, width = instruction >> 12 & 7, csr = instruction >> 20;
    unsigned short_form = instruction >> 13 & 7;

    if ((instruction & 3) != 3) /* c.fld, c.fsd and their forms for the stack */
        return (instruction & 3) != 1 && (short_form == 1 || short_form == 5);
    if (opcode == OP_LOAD_FP || opcode == OP_STORE_FP)
        return width >= 1 && width <= 4; /* the others are vectors */
    if (opcode == OP_SYSTEM)
        return width && csr >= 1 && csr <= 3; /* fflags, frm, fcsr */
    return opcode == OP_FP || (opcode & ~0xcU) == OP_MADD;
}

/* Bits 28 and 29 of an instruction on a CSR, or of sret and its like, say who may execute it. */
static bool is_privileged(uint32_t instruction)
{
    return (instruction & 0x7f) == OP_SYSTEM && (instruction >> 28 & 3);
}

static void describe_instruction(uint32_t instruction, char *buf, size_t size)
{
    const char *kind = is_float(instruction)        ? "no floating point here: instruction"
                       : is_privileged(instruction) ? "privileged instruction"
                                                    : "illegal instruction";

    snprintk(buf, size, "%s 0x%x", kind, instruction);
}

static void describe_access(const struct trapframe *tf, enum access access, vaddr_t va, char *buf,
                            size_t size)
{
    static const char *const names[] = {"load from", "store to", "jump to"};
    char place[WORDS_MAX];
    bool guard = mm_describe(current()->mm, va, access, place, sizeof(place));
    bool overflow = guard && access != ACCESS_EXEC && va - tf->sp < FRAME_MAX;

    if (!va && access == ACCESS_EXEC)
        snprintk(buf, size, "jump to 0x0: a call of a null function pointer, or a return to 0");
    else
        snprintk(buf, size, "%s 0x%lx %s%s", names[access], va, place,
                 overflow ? ": stack overflow" : "");
}

static void describe_trap(const struct trapframe *tf, uint64_t cause, vaddr_t va, char *buf,
                          size_t size)
{
    switch (cause) {
    case CAUSE_PAGE_LOAD:
    case CAUSE_ACCESS_LOAD:
        describe_access(tf, ACCESS_READ, va, buf, size);
        break;
    case CAUSE_PAGE_STORE:
    case CAUSE_ACCESS_STORE:
        describe_access(tf, ACCESS_WRITE, va, buf, size);
        break;
    case CAUSE_PAGE_FETCH:
    case CAUSE_ACCESS_FETCH:
        describe_access(tf, ACCESS_EXEC, va, buf, size);
        break;
    case CAUSE_ILLEGAL:
        describe_instruction(instruction_at(tf->epc), buf, size);
        break;
    case CAUSE_BREAKPOINT:
        snprintk(buf, size, "ebreak, and no debugger");
        break;
    default:
        snprintk(buf, size, "misaligned access to 0x%lx", va);
    }
}

/* => where the call is that returns to `ra`; 0: no call stands before it. */
static vaddr_t call_before(vaddr_t ra)
{
    uint32_t instruction = instruction_at(ra - 4), parcel = instruction_at(ra - 2);

    if ((instruction & 0xfff) == CALL_JAL || (instruction & 0xfff) == CALL_JALR)
        return ra - 4;
    return (parcel & 0xf07f) == CALL_C_JALR && (parcel & 0xf80) ? ra - 2 : 0;
}

void crash_explain(const struct trapframe *tf, uint64_t cause, vaddr_t va)
{
    bool jumped = cause == CAUSE_PAGE_FETCH || cause == CAUSE_ACCESS_FETCH;
    vaddr_t where = jumped ? call_before(tf->ra) : tf->epc; /* where to look in the source */
    char words[WORDS_MAX];

    describe_trap(tf, cause, va, words, sizeof(words));
    if (where)
        printk("            %s; make where PROG=%s SEPC=0x%lx\n", words, current()->name, where);
    else
        printk("            %s\n", words);
}
