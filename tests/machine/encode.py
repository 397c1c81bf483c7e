"""Instructions as bytes, and registers for them to begin with."""

from image import DATA, ENTRY, MASK, SLOT, SUPERVISOR, USER, word

EDGES = [0, 1, 2, 3, -1, -2, 1 << 63, (1 << 63) - 1, (1 << 63) + 1, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32,
         -0x80000000, -0x80000001, 31, 32, 33, 63, 64, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x123456789abcdef]
LOAD, FENCE, IMM, AUIPC, IMM32, STORE, AMO, OP, LUI, OP32, BRANCH, JALR, JAL, SYSTEM = (
    0x03, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x2f, 0x33, 0x37, 0x3b, 0x63, 0x67, 0x6f, 0x73)
UDATA, SDATA = USER + DATA - ENTRY, SUPERVISOR + DATA - ENTRY
UCODE = USER + SLOT - ENTRY


def r(op, funct3, funct7, rd, rs1, rs2):
    return word(funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | op)


def i(op, funct3, rd, rs1, imm):
    return word((imm & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | op)


def s(funct3, rs1, rs2, imm):
    return word((imm >> 5 & 127) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 31) << 7 | STORE)


def registers(random=None, **values):
    """x1..x31: given ones by name, the others a pattern, or random."""
    full = [(n * 0x0123456789abcdef) & MASK if random is None else random.choice(
        [random.getrandbits(64), random.choice(EDGES), random.getrandbits(6)]) for n in range(1, 32)]
    for name, value in values.items():
        full[int(name[1:]) - 1] = value
    return full
