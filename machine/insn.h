/*
 * An instruction taken apart, and what its two halves share: hart.c does it, alu.c does the arithmetic.
 */
#ifndef MACHINE_INSN_H
#define MACHINE_INSN_H

#include "machine.h"

struct insn {
    uint32_t word, funct, rd;
    uint64_t rs1, rs2; /* what the registers hold */
    uint64_t next;     /* the pc of the instruction behind it */
    uint64_t result;   /* what rd gets */
};

/* Takes the trap of an instruction that is none. => false */
static inline bool illegal(struct hart *h, const struct insn *i)
{
    hart_trap(h, CAUSE_ILLEGAL, i->word);
    return false;
}

static inline uint64_t sign32(uint64_t value)
{
    return (uint64_t)(int64_t)(int32_t)value;
}

static inline int64_t imm_i(const struct insn *i)
{
    return (int32_t)i->word >> 20;
}

/* What a load of this width gives: its value with its sign, or without one. */
static inline uint64_t sign_extend(uint64_t value, uint32_t funct)
{
    switch (funct) {
    case 0:
        return (uint64_t)(int8_t)value;
    case 1:
        return (uint64_t)(int16_t)value;
    case 2:
        return sign32(value);
    default:
        return value;
    }
}

/* => false: a trap was taken, and nothing is changed */
bool op_imm(struct hart *h, struct insn *i);
bool op_imm32(struct hart *h, struct insn *i);
bool op_op(struct hart *h, struct insn *i);
bool op_op32(struct hart *h, struct insn *i);
bool op_amo(struct hart *h, struct insn *i);

#endif
