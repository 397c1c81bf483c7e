/*
 * Arithmetic: what an instruction makes of its two operands.
 *
 * Source: unprivileged specification, sections 2.4, 5.2 and 7.1 to 7.2.
 */
#include "insn.h"

bool op_imm(struct hart *h, struct insn *i)
{
    int64_t imm = imm_i(i);
    unsigned shift = imm & 63, high = (imm >> 6) & 63;

    switch (i->funct) {
    case 0:
        i->result = i->rs1 + (uint64_t)imm;
        return true;
    case 1:
        i->result = i->rs1 << shift;
        return high == 0 || illegal(h, i);
    case 2:
        i->result = (int64_t)i->rs1 < imm;
        return true;
    case 3:
        i->result = i->rs1 < (uint64_t)imm;
        return true;
    case 4:
        i->result = i->rs1 ^ (uint64_t)imm;
        return true;
    case 5:
        i->result = high ? (uint64_t)((int64_t)i->rs1 >> shift) : i->rs1 >> shift;
        return high == 0 || high == 16 || illegal(h, i);
    case 6:
        i->result = i->rs1 | (uint64_t)imm;
        return true;
    default:
        i->result = i->rs1 & (uint64_t)imm;
        return true;
    }
}

bool op_imm32(struct hart *h, struct insn *i)
{
    unsigned shift = i->word >> 20 & 31, high = i->word >> 25;

    switch (i->funct) {
    case 0:
        i->result = sign32(i->rs1 + (uint64_t)imm_i(i));
        return true;
    case 1:
        i->result = sign32((uint32_t)i->rs1 << shift);
        return high == 0 || illegal(h, i);
    case 5:
        i->result = sign32(high ? (uint32_t)((int32_t)i->rs1 >> shift) : (uint32_t)i->rs1 >> shift);
        return high == 0 || high == 0x20 || illegal(h, i);
    default:
        return illegal(h, i);
    }
}

/* The upper half of a product, without a type of 128 bits. */
static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, mid = a1 * b0 + (low >> 32), other = a0 * b1 + (uint32_t)mid;

    return a1 * b1 + (mid >> 32) + (other >> 32);
}

/* Signed division. By zero it gives -1 and the dividend; an overflow gives the dividend and 0. */
static uint64_t divide(int64_t a, int64_t b, bool remainder)
{
    if (b == 0)
        return remainder ? (uint64_t)a : ~0ULL;
    if (b == -1)
        return remainder ? 0 : 0 - (uint64_t)a;
    return (uint64_t)(remainder ? a % b : a / b);
}

static uint64_t divide_unsigned(uint64_t a, uint64_t b, bool remainder)
{
    if (b == 0)
        return remainder ? a : ~0ULL;
    return remainder ? a % b : a / b;
}

/* The M extension. */
static uint64_t multiply_divide(const struct insn *i)
{
    uint64_t a = i->rs1, b = i->rs2;

    switch (i->funct) {
    case 0:
        return a * b;
    case 1:
        return multiply_high(a, b) - ((int64_t)a < 0 ? b : 0) - ((int64_t)b < 0 ? a : 0);
    case 2:
        return multiply_high(a, b) - ((int64_t)a < 0 ? b : 0);
    case 3:
        return multiply_high(a, b);
    case 4:
    case 6:
        return divide((int64_t)a, (int64_t)b, i->funct == 6);
    default:
        return divide_unsigned(a, b, i->funct == 7);
    }
}

#define CODE(funct7, funct) ((funct7) << 3 | (funct))

bool op_op(struct hart *h, struct insn *i)
{
    switch (CODE(i->word >> 25, i->funct)) {
    case CODE(0, 0):
        i->result = i->rs1 + i->rs2;
        return true;
    case CODE(0x20, 0):
        i->result = i->rs1 - i->rs2;
        return true;
    case CODE(0, 1):
        i->result = i->rs1 << (i->rs2 & 63);
        return true;
    case CODE(0, 2):
        i->result = (int64_t)i->rs1 < (int64_t)i->rs2;
        return true;
    case CODE(0, 3):
        i->result = i->rs1 < i->rs2;
        return true;
    case CODE(0, 4):
        i->result = i->rs1 ^ i->rs2;
        return true;
    case CODE(0, 5):
        i->result = i->rs1 >> (i->rs2 & 63);
        return true;
    case CODE(0x20, 5):
        i->result = (uint64_t)((int64_t)i->rs1 >> (i->rs2 & 63));
        return true;
    case CODE(0, 6):
        i->result = i->rs1 | i->rs2;
        return true;
    case CODE(0, 7):
        i->result = i->rs1 & i->rs2;
        return true;
    }
    if (i->word >> 25 != 1)
        return illegal(h, i);
    i->result = multiply_divide(i);
    return true;
}

bool op_op32(struct hart *h, struct insn *i)
{
    uint32_t a = (uint32_t)i->rs1, b = (uint32_t)i->rs2;

    switch (CODE(i->word >> 25, i->funct)) {
    case CODE(0, 0):
        i->result = sign32(a + b);
        return true;
    case CODE(0x20, 0):
        i->result = sign32(a - b);
        return true;
    case CODE(0, 1):
        i->result = sign32(a << (b & 31));
        return true;
    case CODE(0, 5):
        i->result = sign32(a >> (b & 31));
        return true;
    case CODE(0x20, 5):
        i->result = sign32((uint32_t)((int32_t)a >> (b & 31)));
        return true;
    case CODE(1, 0):
        i->result = sign32(a * b);
        return true;
    case CODE(1, 4):
    case CODE(1, 6):
        i->result = sign32(divide((int32_t)a, (int32_t)b, i->funct == 6));
        return true;
    case CODE(1, 5):
    case CODE(1, 7):
        i->result = sign32(divide_unsigned(a, b, i->funct == 7));
        return true;
    default:
        return illegal(h, i);
    }
}
