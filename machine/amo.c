/*
 * Atomic memory operations: a load and a store that nothing comes between.
 *
 * Source: unprivileged specification, chapter 8.
 */
#include "insn.h"
#include "unkind.h"

/* What an AMO puts in the place of `old`; both have their sign, if they are words. */
static bool amo_value(const struct insn *i, uint64_t old, uint64_t operand, uint64_t *value)
{
    bool less = (int64_t)old < (int64_t)operand;
    /* Sign extension keeps the unsigned order of words, too. */
    bool below = old < operand;

    switch (i->word >> 27) {
    case 0:
        *value = old + operand;
        return true;
    case 1:
        *value = operand;
        return true;
    case 4:
        *value = old ^ operand;
        return true;
    case 8:
        *value = old | operand;
        return true;
    case 12:
        *value = old & operand;
        return true;
    case 16:
        *value = less ? old : operand;
        return true;
    case 20:
        *value = less ? operand : old;
        return true;
    case 24:
        *value = below ? old : operand;
        return true;
    case 28:
        *value = below ? operand : old;
        return true;
    default:
        return false;
    }
}

/* LR and SC: a store that is done only if nobody has stored there since. */
static bool load_reserved(struct hart *h, struct insn *i, uint64_t pa, unsigned size)
{
    if (!bus_load(h->machine, pa, size, &i->result)) {
        hart_trap(h, CAUSE_ACCESS_LOAD, i->rs1);
        return false;
    }
    i->result = sign_extend(i->result, i->funct);
    h->reservation = pa;
    return true;
}

static bool store_conditional(struct hart *h, struct insn *i, uint64_t pa, unsigned size)
{
    bool done = h->reservation == pa;

    if (done && unkind(h->machine, UNKIND_SC_FAILS) && sc_fails(h))
        done = false;
    h->reservation = NEVER;
    i->result = !done;
    if (done && !bus_store(h, pa, size, i->rs2)) {
        hart_trap(h, CAUSE_ACCESS_STORE, i->rs1);
        return false;
    }
    return true;
}

bool op_amo(struct hart *h, struct insn *i)
{
    uint32_t op = i->word >> 27;
    unsigned size = 1U << i->funct;
    uint64_t pa, operand = sign_extend(i->rs2, i->funct), value;

    if (i->funct < 2 || i->funct > 3 || (op == 2 && i->word >> 20 & 31))
        return illegal(h, i);
    if (op != 2 && op != 3 && !amo_value(i, 0, 0, &value))
        return illegal(h, i);
    if (i->rs1 & (size - 1)) {
        hart_trap(h, op == 2 ? CAUSE_MISALIGNED_LOAD : CAUSE_MISALIGNED_STORE, i->rs1);
        return false;
    }
    if (!mmu_translate(h, i->rs1, op == 2 ? ACCESS_LOAD : ACCESS_STORE, &pa))
        return false;
    if (unkind(h->machine, UNKIND_ORDER | UNKIND_MEETINGS))
        unkind_atomic(h, pa, size);
    if (op == 2)
        return load_reserved(h, i, pa, size);
    if (op == 3)
        return store_conditional(h, i, pa, size);
    if (!bus_load(h->machine, pa, size, &i->result)) {
        hart_trap(h, CAUSE_ACCESS_STORE, i->rs1);
        return false;
    }
    i->result = sign_extend(i->result, i->funct);
    amo_value(i, i->result, operand, &value);
    return bus_store(h, pa, size, value);
}
