/*
 * A hart: takes an instruction, does it, takes the next.
 *
 * An instruction either does all of what it does, or the hart traps and it has done nothing. Each function below serves
 * one opcode. It gives false when the hart has trapped: then neither rd nor the pc is set.
 *
 * Source: unprivileged specification, chapters 2, 5, 7 and 8, and table 24.2 for the codes.
 * Read next: mmu.c, for where loads and stores go.
 */
#include "insn.h"
#include "unkind.h"

enum opcode {
    OP_LOAD = 0x03,
    OP_FENCE = 0x0f,
    OP_IMM = 0x13,
    OP_AUIPC = 0x17,
    OP_IMM32 = 0x1b,
    OP_STORE = 0x23,
    OP_AMO = 0x2f,
    OP_OP = 0x33,
    OP_LUI = 0x37,
    OP_OP32 = 0x3b,
    OP_BRANCH = 0x63,
    OP_JALR = 0x67,
    OP_JAL = 0x6f,
    OP_SYSTEM = 0x73,
};

static int64_t imm_s(const struct insn *i)
{
    return ((int32_t)i->word >> 25) * 32 | (int32_t)(i->word >> 7 & 31);
}

static int64_t imm_b(const struct insn *i)
{
    return ((int32_t)i->word >> 31) * 4096 |
           (int32_t)((i->word << 4 & 0x800) | (i->word >> 20 & 0x7e0) | (i->word >> 7 & 0x1e));
}

static int64_t imm_j(const struct insn *i)
{
    return ((int32_t)i->word >> 31) * 1048576 |
           (int32_t)((i->word & 0xff000) | (i->word >> 9 & 0x800) | (i->word >> 20 & 0x7fe));
}

static int64_t imm_u(const struct insn *i)
{
    return (int32_t)(i->word & 0xfffff000);
}

/* ---- Jumps ---- */

/* A call is a jump that keeps where it came from in ra. */
static void jump(struct hart *h, struct insn *i, uint64_t target)
{
    i->result = i->next;
    i->next = target;
    if (i->rd == 1 && h->machine->watch & 1U << EVENT_CALL && machine_marked(h->machine, target))
        machine_event(h, EVENT_CALL, target, h->x[10]);
}

static bool branch(struct hart *h, struct insn *i)
{
    bool taken;

    switch (i->funct >> 1) {
    case 0:
        taken = i->rs1 == i->rs2;
        break;
    case 2:
        taken = (int64_t)i->rs1 < (int64_t)i->rs2;
        break;
    case 3:
        taken = i->rs1 < i->rs2;
        break;
    default:
        return illegal(h, i);
    }
    if (taken != (i->funct & 1))
        i->next = h->pc + (uint64_t)imm_b(i);
    i->rd = 0;
    return true;
}

/* ---- Memory ---- */

static bool load(struct hart *h, struct insn *i)
{
    if (i->funct == 7)
        return illegal(h, i);
    if (!mmu_load(h, i->rs1 + (uint64_t)imm_i(i), 1U << (i->funct & 3), &i->result))
        return false;
    i->result = sign_extend(i->result, i->funct);
    return true;
}

static bool store(struct hart *h, struct insn *i)
{
    if (i->funct > 3)
        return illegal(h, i);
    i->rd = 0;
    return mmu_store(h, i->rs1 + (uint64_t)imm_s(i), 1U << i->funct, i->rs2);
}

/* ---- The system ---- */

static bool csr(struct hart *h, struct insn *i)
{
    uint32_t number = i->word >> 20, source = i->word >> 15 & 31;
    uint64_t operand = i->funct & 4 ? source : i->rs1, old = 0, value;
    bool swap = (i->funct & 3) == 1;

    if ((i->funct & 3) == 0 || !csr_read(h, number, &old))
        return illegal(h, i);
    value = swap ? operand : (i->funct & 3) == 2 ? old | operand : old & ~operand;
    if ((swap || source) && !csr_write(h, number, value))
        return illegal(h, i);
    i->result = old;
    return true;
}

/* sfence.vma va, asid: the tables may have changed. */
static bool fence_tables(struct hart *h, struct insn *i)
{
    uint32_t rs1 = i->word >> 15 & 31, rs2 = i->word >> 20 & 31;

    if (h->mode == MODE_USER || i->rd || i->funct)
        return illegal(h, i);
    event(h, EVENT_FENCE, rs1 ? i->rs1 : NEVER, 0);
    mmu_fence(h, i->rs1, rs1 == 0, rs2 != 0);
    return true;
}

static bool system(struct hart *h, struct insn *i)
{
    enum {
        ECALL = 0x73,
        EBREAK = 0x00100073,
        SRET = 0x10200073,
        WFI = 0x10500073
    };

    if (i->funct)
        return csr(h, i);
    if (i->word == ECALL && h->mode == MODE_SUPERVISOR) {
        event(h, EVENT_SBI, h->x[17], h->x[16]);
        sbi_call(h);
        i->rd = 0;
        return true;
    }
    if (i->word == ECALL || i->word == EBREAK) {
        hart_trap(h, i->word == ECALL ? CAUSE_ECALL_USER : CAUSE_BREAKPOINT, 0);
        return false;
    }
    if (i->word >> 25 == 9)
        return fence_tables(h, i);
    if (h->mode == MODE_USER || (i->word != SRET && i->word != WFI))
        return illegal(h, i);
    if (i->word == WFI) {
        h->waiting = !unkind(h->machine, UNKIND_INTERRUPTS) || !wfi_returns(h);
        h->machine->turn_end = 0;
        return true;
    }
    hart_return(h);
    i->next = h->pc;
    return true;
}

/* fence and fence.i. A hart that does everything in order has nothing to wait for: order.c does, where it is on. */
static bool fence(struct hart *h, struct insn *i)
{
    if (i->funct > 1)
        return illegal(h, i);
    if (unkind(h->machine, UNKIND_ORDER) && i->funct == 0)
        order_fence(h, i->word);
    if (i->funct == 1)
        mmu_fence_fetch(h);
    i->rd = 0;
    return true;
}

/* ---- The whole ---- */

static bool execute(struct hart *h, struct insn *i)
{
    switch (i->word & 127) {
    case OP_IMM:
        return op_imm(h, i);
    case OP_LOAD:
        return load(h, i);
    case OP_STORE:
        return store(h, i);
    case OP_BRANCH:
        return branch(h, i);
    case OP_OP:
        return op_op(h, i);
    case OP_IMM32:
        return op_imm32(h, i);
    case OP_OP32:
        return op_op32(h, i);
    case OP_LUI:
        i->result = (uint64_t)imm_u(i);
        return true;
    case OP_AUIPC:
        i->result = h->pc + (uint64_t)imm_u(i);
        return true;
    case OP_JAL:
        jump(h, i, h->pc + (uint64_t)imm_j(i));
        return true;
    case OP_JALR:
        if (i->funct)
            return illegal(h, i);
        jump(h, i, (i->rs1 + (uint64_t)imm_i(i)) & ~1ULL);
        return true;
    case OP_FENCE:
        return fence(h, i);
    case OP_AMO:
        return op_amo(h, i);
    case OP_SYSTEM:
        return system(h, i);
    default:
        return illegal(h, i);
    }
}

void hart_step(struct hart *h)
{
    struct insn i;
    uint32_t raw;

    if (!mmu_fetch(h, &raw))
        return;
    i.word = raw;
    i.next = h->pc + 4;
    if ((raw & 3) != 3) {
        i.word = compressed_expand(raw);
        i.next = h->pc + 2;
        if (!i.word) {
            hart_trap(h, CAUSE_ILLEGAL, raw & 0xffff);
            return;
        }
    }
    if (h->machine->options.unkind & UNKIND_ORDER)
        order_before(h, i.word);
    i.funct = i.word >> 12 & 7;
    i.rd = i.word >> 7 & 31;
    i.rs1 = h->x[i.word >> 15 & 31];
    i.rs2 = h->x[i.word >> 20 & 31];
    i.result = 0;
    if (!execute(h, &i))
        return;
    if (i.rd)
        h->x[i.rd] = i.result;
    h->pc = i.next;
    h->instret++;
}

void hart_reset(struct hart *h, uint64_t pc, uint64_t a0, uint64_t a1)
{
    h->pc = pc;
    h->x[10] = a0;
    h->x[11] = a1;
    h->mode = MODE_SUPERVISOR;
    h->sstatus = h->sie = h->sip = h->satp = h->scounteren = h->senvcfg = 0;
    h->timecmp = NEVER;
    h->reservation = NEVER;
    h->state = HART_STARTED;
    h->waiting = false;
    unkind_reset(h);
    mmu_fence(h, 0, true, false);
    hart_mode_changed(h);
}
