/*
 * Compressed instructions: each is another way to write one of 32 bits. So each is looked up once, for all.
 *
 * Source: unprivileged specification, chapter 16, tables 16.5 to 16.7.
 */
#include "machine.h"

static uint32_t expansion[1 << 16]; /* 0: no instruction */

/* Bits high..low of c, moved to begin at bit `to`. */
static uint32_t bits(uint32_t c, unsigned high, unsigned low, unsigned to)
{
    return (c >> low & ((1U << (high - low + 1)) - 1)) << to;
}

/* A number of n bits, with its sign. */
static int32_t extend(uint32_t value, unsigned n)
{
    return (int32_t)(value << (32 - n)) >> (32 - n);
}

/* ---- The formats that they expand to ---- */

enum {
    LOAD = 0x03,
    IMM = 0x13,
    IMM32 = 0x1b,
    STORE = 0x23,
    OP = 0x33,
    LUI = 0x37,
    OP32 = 0x3b
};
enum {
    BRANCH = 0x63,
    JALR = 0x67,
    JAL = 0x6f,
    EBREAK = 0x00100073
};
enum {
    ZERO = 0,
    RA = 1,
    SP = 2
};

static uint32_t i_type(uint32_t op, uint32_t funct, uint32_t rd, uint32_t rs1, int32_t imm)
{
    return (uint32_t)imm << 20 | rs1 << 15 | funct << 12 | rd << 7 | op;
}

static uint32_t s_type(uint32_t funct, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
    return (imm >> 5) << 25 | rs2 << 20 | rs1 << 15 | funct << 12 | (imm & 31) << 7 | STORE;
}

static uint32_t r_type(uint32_t op, uint32_t funct7, uint32_t funct, uint32_t rd, uint32_t rs2)
{
    return funct7 << 25 | rs2 << 20 | rd << 15 | funct << 12 | rd << 7 | op;
}

static uint32_t jump(uint32_t c, uint32_t rd)
{
    uint32_t imm = (uint32_t)extend(bits(c, 12, 12, 11) | bits(c, 11, 11, 4) | bits(c, 10, 9, 8) |
                                        bits(c, 8, 8, 10) | bits(c, 7, 7, 6) | bits(c, 6, 6, 7) |
                                        bits(c, 5, 3, 1) | bits(c, 2, 2, 5),
                                    12);

    return bits(imm, 20, 20, 31) | bits(imm, 10, 1, 21) | bits(imm, 11, 11, 20) |
           bits(imm, 19, 12, 12) | rd << 7 | JAL;
}

static uint32_t branch(uint32_t c, uint32_t funct, uint32_t rs1)
{
    uint32_t imm = (uint32_t)extend(bits(c, 12, 12, 8) | bits(c, 11, 10, 3) | bits(c, 6, 5, 6) |
                                        bits(c, 4, 3, 1) | bits(c, 2, 2, 5),
                                    9);

    return bits(imm, 12, 12, 31) | bits(imm, 10, 5, 25) | rs1 << 15 | funct << 12 |
           bits(imm, 4, 1, 8) | bits(imm, 11, 11, 7) | BRANCH;
}

/* ---- The three quadrants ---- */

/* Loads and stores whose registers are among x8..x15. */
static uint32_t quadrant0(uint32_t c)
{
    uint32_t rs1 = 8 + bits(c, 9, 7, 0), rd = 8 + bits(c, 4, 2, 0);
    uint32_t word = bits(c, 12, 10, 3) | bits(c, 6, 6, 2) | bits(c, 5, 5, 6);
    uint32_t dword = bits(c, 12, 10, 3) | bits(c, 6, 5, 6);
    uint32_t stack = bits(c, 12, 11, 4) | bits(c, 10, 7, 6) | bits(c, 6, 6, 2) | bits(c, 5, 5, 3);

    switch (c >> 13) {
    case 0:
        return stack ? i_type(IMM, 0, rd, SP, (int32_t)stack) : 0;
    case 2:
        return i_type(LOAD, 2, rd, rs1, (int32_t)word);
    case 3:
        return i_type(LOAD, 3, rd, rs1, (int32_t)dword);
    case 6:
        return s_type(2, rs1, rd, word);
    case 7:
        return s_type(3, rs1, rd, dword);
    default:
        return 0;
    }
}

/* Shifts and arithmetic on x8..x15. */
static uint32_t arithmetic(uint32_t c, int32_t imm)
{
    static const uint8_t funct[4] = {0, 4, 6, 7}; /* sub, xor, or, and */
    uint32_t rd = 8 + bits(c, 9, 7, 0), rs2 = 8 + bits(c, 4, 2, 0), which = bits(c, 6, 5, 0);
    bool wide = !(c >> 12 & 1);

    switch (c >> 10 & 3) {
    case 0:
        return i_type(IMM, 5, rd, rd, imm & 63);
    case 1:
        return i_type(IMM, 5, rd, rd, (imm & 63) | 0x400);
    case 2:
        return i_type(IMM, 7, rd, rd, imm);
    }
    if (wide)
        return r_type(OP, which == 0 ? 0x20 : 0, funct[which], rd, rs2);
    return which < 2 ? r_type(OP32, which == 0 ? 0x20 : 0, 0, rd, rs2) : 0;
}

/* c.addi16sp, or c.lui. */
static uint32_t upper(uint32_t c, uint32_t rd, int32_t imm)
{
    int32_t stack = extend(bits(c, 12, 12, 9) | bits(c, 6, 6, 4) | bits(c, 5, 5, 6) |
                               bits(c, 4, 3, 7) | bits(c, 2, 2, 5),
                           10);

    if (rd == SP)
        return stack ? i_type(IMM, 0, SP, SP, stack) : 0;
    return imm ? (uint32_t)imm << 12 | rd << 7 | LUI : 0;
}

static uint32_t quadrant1(uint32_t c)
{
    uint32_t rd = bits(c, 11, 7, 0);
    int32_t imm = extend(bits(c, 12, 12, 5) | bits(c, 6, 2, 0), 6);

    switch (c >> 13) {
    case 0:
        return i_type(IMM, 0, rd, rd, imm);
    case 1:
        return rd ? i_type(IMM32, 0, rd, rd, imm) : 0;
    case 2:
        return i_type(IMM, 0, rd, ZERO, imm);
    case 3:
        return upper(c, rd, imm);
    case 4:
        return arithmetic(c, imm);
    case 5:
        return jump(c, ZERO);
    default:
        return branch(c, c >> 13 & 1, 8 + bits(c, 9, 7, 0));
    }
}

/* Jumps by register, moves, adds. */
static uint32_t by_register(uint32_t c, uint32_t rd, uint32_t rs2)
{
    if (rs2)
        return r_type(OP, 0, 0, rd, rs2) & (c >> 12 & 1 ? ~0U : ~(31U << 15));
    if (rd)
        return i_type(JALR, 0, c >> 12 & 1 ? RA : ZERO, rd, 0);
    return c >> 12 & 1 ? EBREAK : 0;
}

static uint32_t quadrant2(uint32_t c)
{
    uint32_t rd = bits(c, 11, 7, 0), rs2 = bits(c, 6, 2, 0);

    switch (c >> 13) {
    case 0:
        return i_type(IMM, 1, rd, rd, (int32_t)(bits(c, 12, 12, 5) | rs2));
    case 2:
        return rd ? i_type(LOAD, 2, rd, SP,
                           (int32_t)(bits(c, 12, 12, 5) | bits(c, 6, 4, 2) | bits(c, 3, 2, 6)))
                  : 0;
    case 3:
        return rd ? i_type(LOAD, 3, rd, SP,
                           (int32_t)(bits(c, 12, 12, 5) | bits(c, 6, 5, 3) | bits(c, 4, 2, 6)))
                  : 0;
    case 4:
        return by_register(c, rd, rs2);
    case 6:
        return s_type(2, SP, rs2, bits(c, 12, 9, 2) | bits(c, 8, 7, 6));
    case 7:
        return s_type(3, SP, rs2, bits(c, 12, 10, 3) | bits(c, 9, 7, 6));
    default:
        return 0;
    }
}

void compressed_init(void)
{
    for (uint32_t c = 0; c < 1 << 16; c++)
        expansion[c] = (c & 3) == 0   ? quadrant0(c)
                       : (c & 3) == 1 ? quadrant1(c)
                       : (c & 3) == 2 ? quadrant2(c)
                                      : 0;
}

uint32_t compressed_expand(uint32_t insn)
{
    return expansion[insn & 0xffff];
}
