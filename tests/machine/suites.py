"""The cases: every instruction and every CSR; faults.py has the faults. Each function fills an image with one suite."""

import itertools

from encode import (AMO, AUIPC, BRANCH, EDGES, FENCE, IMM, IMM32, JAL, JALR, LOAD, LUI, OP, OP32, SDATA, STORE,
                    SYSTEM, UCODE, UDATA, i, r, registers, s)
from faults import faults
from image import DATA, ENTRY, MASK, SLOT, SPP, SUPERVISOR, half, word

STATUS_FREE = 3 << 13 | 3 << 9 | 1 << 63 | 3 << 32  # sstatus: FS, VS, SD without F and V, and UXL may be read-only
EMULATED = (0x605,)                                 # htimedelta: OpenSBI answers though there is no H extension


# ---- Arithmetic -------------------------------------------------------------------------------------------------

R_OPS = [(OP, f3, 0) for f3 in range(8)] + [(OP, 0, 32), (OP, 5, 32)] + [(OP, f3, 1) for f3 in range(8)] + \
        [(OP32, f3, 0) for f3 in (0, 1, 5)] + [(OP32, 0, 32), (OP32, 5, 32)] + [(OP32, f3, 1) for f3 in (0, 4, 5, 6, 7)]
I_OPS = [(IMM, f3, n) for f3 in (0, 2, 3, 4, 6, 7) for n in (0, 1, -1, 2047, -2048, 0x555)] + \
        [(IMM32, 0, n) for n in (0, 1, -1, 2047, -2048)] + \
        [(IMM, f3, n | high) for f3, high in ((1, 0), (5, 0), (5, 0x400)) for n in (0, 1, 31, 32, 63)] + \
        [(IMM32, f3, n | high) for f3, high in ((1, 0), (5, 0), (5, 0x400)) for n in (0, 1, 31)]


def sequences(instructions, size=15):
    for at in range(0, len(instructions), size):
        yield instructions[at:at + size]


def arithmetic(image, random, share):
    """Each operation on each pair of edge operands; random pairs; random rows of operations."""
    pairs = list(itertools.product(EDGES, EDGES))
    pairs += [(random.getrandbits(64), random.getrandbits(random.choice((6, 32, 64)))) for _ in range(400)]
    for a, b in pairs[::1 if share == 1 else 3]:
        for ops in sequences(R_OPS):
            code = b"".join(r(op, f3, f7, 12 + n, 10, 11) for n, (op, f3, f7) in enumerate(ops))
            image.case(f"arithmetic {a:#x} {b:#x}", code, registers(x10=a, x11=b))
    for a in EDGES:
        for ops in sequences(I_OPS):
            code = b"".join(i(op, f3, 12 + n, 10, imm) for n, (op, f3, imm) in enumerate(ops))
            image.case(f"immediates {a:#x}", code, registers(x10=a))
    for _ in range(int(4000 * share)):
        code = b""
        for _ in range(15):
            op, f3, f7 = random.choice(R_OPS)
            iop, if3, imm = random.choice(I_OPS)
            rd, rs1, rs2 = (random.randrange(32) for _ in range(3))
            code += random.choice([r(op, f3, f7, rd, rs1, rs2), i(iop, if3, rd, rs1, imm),
                                   word(random.getrandbits(20) << 12 | rd << 7 | random.choice((LUI, AUIPC)))])
        image.case("a row of arithmetic", code, registers(random))


# ---- Encodings --------------------------------------------------------------------------------------------------

def sign(value, bits):
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def target(insn, at, x):
    """Where a jump or branch goes; None when it is none. A case that jumps to itself would never end."""
    bits = lambda high, low, to=0: (insn >> low & (1 << high - low + 1) - 1) << to
    if insn & 3 != 3:
        if insn & 0xe003 == 0xa001:
            return at + sign(bits(12, 12, 11) | bits(11, 11, 4) | bits(10, 9, 8) | bits(8, 8, 10) | bits(7, 7, 6) |
                             bits(6, 6, 7) | bits(5, 3, 1) | bits(2, 2, 5), 12)
        if insn & 0xc003 == 0xc001:
            return at + sign(bits(12, 12, 8) | bits(11, 10, 3) | bits(6, 5, 6) | bits(4, 3, 1) | bits(2, 2, 5), 9)
        return x[(insn >> 7 & 31) - 1] & ~1 if insn & 0xe07f == 0x8002 and insn >> 7 & 31 else None
    if insn & 127 == JAL:
        return at + sign(bits(31, 31, 20) | bits(19, 12, 12) | bits(20, 20, 11) | bits(30, 21, 1), 21)
    if insn & 127 == BRANCH:
        return at + sign(bits(31, 31, 12) | bits(7, 7, 11) | bits(30, 25, 5) | bits(11, 8, 1), 13)
    if insn & 127 == JALR:
        rs1 = insn >> 15 & 31
        return (x[rs1 - 1] if rs1 else 0) + sign(insn >> 20, 12) & MASK & ~1
    return None


def runnable(insn, x):
    """What may end so or so is not run: a misaligned SC without a reservation (QEMU lets it fail before it looks at the
    address), wfi in U-mode; counters have values of their own, and a machine may have few of them."""
    number = insn >> 20
    if insn & 0xf800007f == 3 << 27 | AMO:
        return x[(insn >> 15 & 31) - 1] & 7 == 0
    if insn & 127 != SYSTEM:
        return True
    return number != 0x105 if insn & 0x7000 == 0 else number not in (*COUNTERS, *EMULATED)


def one(image, name, insn, x):
    if runnable(insn, x) and target(insn, UCODE, x) not in (UCODE, UCODE + 2):
        image.case(name, word(insn) if insn & 3 == 3 else half(insn), x)


def words(image, random, share):
    """All opcodes, funct3 and funct7 of 32 bits in U-mode, legal or not; then random words."""
    sets = [registers(x11=UDATA + 2048, x12=24), registers(x11=UDATA + 2049, x12=-5)]
    step = 1 if share == 1 else 9
    for x in sets:
        for n in range(0, 1 << 15, step):
            f7, f3, op = n >> 8, n >> 5 & 7, n & 31
            one(image, "an encoding", f7 << 25 | 12 << 20 | 11 << 15 | f3 << 12 | 10 << 7 | op << 2 | 3, x)
    for _ in range(int(25000 * share)):
        near = {f"x{n}": UDATA + random.randrange(1024, 3072) for n in range(1, 32, 3)}
        x = registers(random, **near, x2=UCODE + 256)
        insn = random.getrandbits(30) << 2 | 3
        if random.random() < 0.7:
            insn = insn & ~127 | random.choice((LOAD, STORE, AMO, OP, IMM, OP32, IMM32, BRANCH, JALR, FENCE, SYSTEM))
        one(image, "a random word", insn, x)


def system(image, random, share):
    """SYSTEM and MISC-MEM with every funct12, in both modes, but what waits or leaves for the firmware."""
    for mode, f12 in itertools.product(("u", "s"), range(0, 4096, 1 if share == 1 else 9)):
        for rd, rs1 in ((0, 0), (10, 0), (0, 11)):
            insn = f12 << 20 | rs1 << 15 | rd << 7 | SYSTEM
            if f12 == 0x105 or (mode == "s" and (f12 in (0, 0x102) and not rd | rs1)):
                continue
            image.case(f"system {f12:#x} in {mode}", word(insn), registers(x11=UDATA), mode=mode)
        for f3 in (0, 1):
            image.case(f"fence {f12:#x}", i(FENCE, f3, 0, 0, f12), registers(), mode=mode)
    for f12, mode in itertools.product((0, 1, 2, 0x102, 0x104, 0x120, 0x121, 0x18b, 0x302, 0x7b2), ("u", "s")):
        if mode == "u" or f12 not in (0, 0x102):
            image.case(f"system {f12:#x} in {mode}", word(f12 << 20 | SYSTEM), registers(), mode=mode)
    for rd, rs1, f3 in itertools.product((0, 10), (0, 11), range(8)):
        image.case("fence with registers", i(FENCE, f3, rd, rs1, 0x0ff), registers())


# ---- Compressed -------------------------------------------------------------------------------------------------

def compressed(image, random, share):
    """All 49,152 of 16 bits, with registers that lead into the data page; and a part with others."""
    near = {f"x{n}": UDATA + 1024 + 16 * n for n in (2, *range(8, 16))}
    sets = [registers(**near, x1=UCODE + 128, x5=UCODE + 256)]
    sets += [registers(random, x1=UCODE + 128) for _ in range(3)]
    for x, step in zip(sets, (1, 3, 5, 7) if share == 1 else (13, 23, 29, 31)):
        for insn in range(0, 1 << 16, step):
            if insn & 3 != 3:
                one(image, "compressed", insn, x)


# ---- Loads, stores, AMOs ----------------------------------------------------------------------------------------

LOADS = [(LOAD, f3) for f3 in range(8)]


def memory(image, random, share):
    """All widths at all alignments, in the page and across two; AMOs with all operands, widths, orders."""
    for mode, base in (("u", UDATA), ("s", SDATA), ("bare", DATA)):
        for f3, at, imm in itertools.product(range(8), [*range(2040, 2056), *range(4080, 4104)], (0, -8, 2047, -2048)):
            x = registers(x11=base + at - imm, x12=0x8182838485868788 + at)
            image.case(f"load {f3} at {at}", i(LOAD, f3, 10, 11, imm), x, mode=mode)
            image.case(f"store {f3} at {at}", s(f3, 11, 12, imm) + i(LOAD, 3, 13, 11, imm), x, mode=mode)
    values = [0, 1, -1, 1 << 63, (1 << 63) - 1, 0x7fffffff, 0x80000000, 0xffffffff80000000, 0x1_00000000]
    orders = range(4) if share == 1 else (3,)
    for f5, f3, order in itertools.product((0, 1, 4, 8, 12, 16, 20, 24, 28), (2, 3), orders):
        for old, operand in itertools.product(values, values):
            x = registers(x10=old, x11=UDATA + 512, x12=operand)
            code = s(3, 11, 10, 0) + r(AMO, f3, f5 << 2 | order, 13, 11, 12) + i(LOAD, 3, 14, 11, 0)
            image.case(f"amo {f5} {f3}", code, x)
    for f5, f3, offset in itertools.product((0, 1, 4, 8, 12, 16, 20, 24, 28), (2, 3), (*range(8), *range(4088, 4096))):
        x = registers(x11=UDATA + offset, x12=3)
        image.case(f"amo {f5} at {offset}", r(AMO, f3, f5 << 2, 13, 11, 12), x)
    for f5, f3 in itertools.product((0, 1, 8), (2, 3)):     # rd is rs1 or rs2
        image.case("amo into its address", r(AMO, f3, f5 << 2, 11, 11, 12), registers(x11=UDATA + 64, x12=3))
        image.case("amo into its operand", r(AMO, f3, f5 << 2, 12, 11, 12), registers(x11=UDATA + 64, x12=3))
    reserved(image)


def reserved(image):
    """LR and SC: what must succeed and what must fail, whatever reservation a hart keeps."""
    for f3, order in itertools.product((2, 3), range(4)):
        lr = lambda rd, rs1: r(AMO, f3, 2 << 2 | order, rd, rs1, 0)
        sc = lambda rd, rs1, rs2: r(AMO, f3, 3 << 2 | order, rd, rs1, rs2)
        load = i(LOAD, 3, 20, 11, 0)
        x = registers(x11=UDATA + 512, x12=0xfeedbeef12345678, x13=UDATA + 1024)
        for mode, base in (("u", UDATA), ("s", SDATA), ("bare", DATA)):
            x = registers(x11=base + 512, x12=0xfeedbeef12345678, x13=base + 1024)
            for name, code in (("lr sc", lr(10, 11) + sc(14, 11, 12)), ("sc alone", sc(14, 11, 12)),
                               ("lr sc sc", lr(10, 11) + sc(14, 11, 12) + sc(15, 11, 12)),
                               ("sc elsewhere", lr(10, 11) + sc(14, 13, 12) + sc(15, 11, 12)),
                               ("lr lr sc", lr(10, 13) + lr(16, 11) + sc(14, 11, 12)),
                               ("lr lr sc of the first", lr(10, 13) + lr(16, 11) + sc(14, 13, 12)),
                               ("sc to x0", lr(10, 11) + sc(0, 11, 12)), ("lr to x0", lr(0, 11) + sc(14, 11, 12)),
                               ("lr load sc", lr(10, 11) + load + sc(14, 11, 12))):
                image.case(name, code + load, x, mode=mode)
        for rs2 in range(1, 32):
            image.case("lr with rs2", r(AMO, f3, 2 << 2 | order, 10, 11, rs2), registers(x11=UDATA + 512))


# ---- CSRs -------------------------------------------------------------------------------------------------------

SSTATUS, SIE, STVEC, SCOUNTEREN, SENVCFG, SSCRATCH, SEPC, SCAUSE, STVAL, SIP, STIMECMP, SATP = (
    0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d, 0x180)
COUNTERS = range(0xc00, 0xc20)


def csr(funct3, rd, number, source):
    return i(SYSTEM, funct3, rd, source, number)


def csrs(image, random, share):
    """All 4,096 numbers in both modes; then all ways to change those of S-mode, with many values."""
    for number in range(4096):
        if share < 1 and number % 9 and number >> 4 not in (0x10, 0x14, 0x18, 0xc0, 0xc1, 0x30, 0x34):
            continue
        for mode in ("u", "s"):
            if number not in COUNTERS and number not in EMULATED:
                image.case(f"read csr {number:#x} in {mode}", csr(2, 10, number, 0), registers(), mode=mode)
        if number not in (SSTATUS, STVEC, SSCRATCH, SATP, *COUNTERS, *EMULATED) or number >> 8 & 3 == 3:
            image.case(f"write csr {number:#x}", csr(1, 10, number, 11) + csr(2, 12, number, 0), registers(x11=0),
                       mode="bare")
        image.case(f"write csr {number:#x} in u", csr(1, 10, number, 11), registers(x11=-1))
    for number in COUNTERS:     # a write is illegal; a set of nothing is a read
        for f3, source in ((1, 0), (1, 11), (2, 11), (3, 11), (5, 0), (6, 1), (7, 1)):
            # x11 is not 0: QEMU 7.2 takes csrrs of a register that holds 0 for a read; section 9.1 says that it writes.
            image.case(f"write counter {number:#x}", csr(f3, 10, number, source), registers(), mode="bare")
    counters(image)
    returns(image)
    interrupts(image)
    values = [0, MASK, *EDGES, *(1 << n for n in range(64)), *(MASK ^ 1 << n for n in range(64))]
    values += [random.getrandbits(64) for _ in range(40)]
    for number in (SSTATUS, SIE, STVEC, SCOUNTEREN, SENVCFG, SSCRATCH, SEPC, SCAUSE, STVAL, SIP, STIMECMP, SATP):
        for value in values[::1 if share == 1 else 4]:
            change(image, number, value & MASK, random.getrandbits(64))


def change(image, number, value, other):
    """Reads, writes, sets and clears one CSR, and puts back what was in it."""
    keep, back = csr(2, 5, number, 0), csr(1, 0, number, 5)
    free = STATUS_FREE if number == SSTATUS else 0
    if number == SCOUNTEREN:    # it has 32 bits; QEMU 7.2 keeps 64
        value, other = value & 0xffffffff, other & 0xffffffff
    if number == SEPC:          # bit 0 is always zero; QEMU 7.2 keeps what is written
        value, other = value & ~1, other & ~1
    if number == SENVCFG:       # without cache-block instructions only FIOM is there; QEMU 7.2 has their bits, too
        free = 0xf0
    if number == STVEC:         # modes 2 and 3 are reserved: a write of them may do anything legal
        value, other = value & ~2, other & ~2
    if number == SATP:          # Sv48 and Sv57 may exist or not; Sv39 needs a table that is one
        modes = (value >> 60, (value | other) >> 60, other >> 60)
        if 0 in modes:          # Bare wants zeros beside it
            value = other = 0
        elif any(mode in (8, 9, 10) for mode in modes):
            value, other = 8 << 60 | (value >> 44 & 0xffff) << 44 | image.root >> 12, 0
    x = registers(x10=value, x11=other)
    read = csr(2, 14, number, 0)
    image.case(f"csrrw {number:#x}", keep + csr(1, 12, number, 10) + csr(1, 13, number, 11 if number != SATP else 10) +
               read + back, x, mode="bare", free=free)
    if number != SATP:
        image.case(f"csrrs {number:#x}", keep + csr(1, 0, number, 10) + csr(2, 12, number, 11) + read +
                   csr(3, 13, number, 10) + csr(2, 15, number, 0) + back, x, mode="bare", free=free)
        n = value & {STVEC: 29, SEPC: 30}.get(number, 31)
        m = other & (30 if number == SEPC else 31)
        image.case(f"csrrwi {number:#x}", keep + csr(5, 12, number, n) + csr(6, 13, number, m) + read +
                   csr(7, 15, number, n >> 1 & 28) + csr(2, 16, number, 0) + back, x, mode="bare", free=free)


def counters(image):
    """scounteren decides for U-mode. The values themselves are no two machines' own."""
    for allowed, number in itertools.product(range(8), range(0xc00, 0xc03)):
        if number == 0xc01 and not allowed & 2:
            continue            # the hart traps, but OpenSBI then reads the time for the program
        code = csr(1, 0, SCOUNTEREN, 10) + csr(1, 0, SEPC, 11) + csr(3, 0, SSTATUS, 12) + word(0x10200073) + \
            half(0x9002) * 8 + csr(2, 13, number, 0) + i(IMM, 0, 13, 0, 7)
        image.case(f"counter {number:#x} with scounteren {allowed}", code,
                   registers(x10=allowed, x11=UCODE + 32, x12=SPP), mode="s")


def returns(image):
    """sret from each state to each state; traps from both modes keep what they must."""
    for status, sepc in itertools.product(range(8), (UCODE + 32, SUPERVISOR + SLOT - ENTRY + 32, UCODE + 34, 0x1234)):
        bits = (status & 1) << 1 | (status >> 1 & 1) << 5 | (status >> 2 & 1) << 8
        code = csr(3, 0, SSTATUS, 10) + csr(2, 0, SSTATUS, 11) + csr(1, 0, SEPC, 12) + word(0x10200073) + \
            half(0x9002) * 8 + csr(2, 13, SSTATUS, 0)
        image.case(f"sret with {bits:#x}", code, registers(x10=0x122, x11=bits, x12=sepc), mode="s")
    for cause in range(64):     # scause is WLRL: what a trap writes must be held
        image.case("scause", csr(1, 0, SCAUSE, 10) + csr(2, 11, SCAUSE, 0), registers(x10=cause | 1 << 63), mode="bare")


def interrupts(image):
    """The software's and the timer's: pending or not, enabled or not, from both modes, to one address or to a vector.

    The handler of such a case lies at +28 of its instructions, and for a vector at +32 and +48: it keeps scause and
    sepc in registers and puts stvec back, for the ebreak behind it.
    """
    keep = csr(1, 0, STVEC, 5) + csr(2, 14, SCAUSE, 0) + csr(2, 15, SEPC, 0) + half(0x9002) * 2
    at = SUPERVISOR + SLOT - ENTRY
    for enabled, pending, vector, where in itertools.product(range(4), range(4), (0, 1), ("off", "on", "u")):
        go = {"off": csr(7, 0, SSTATUS, 2), "on": csr(6, 0, SSTATUS, 2), "u": word(0x10200073)}[where]
        code = csr(1, 5, STVEC, 10) + csr(1, 0, SIE, 11) + csr(2, 0, SIP, 12) + csr(1, 0, STIMECMP, 13) + go
        code += csr(1, 0, STVEC, 5) + half(0x9002) * 2 + csr(1, 0, STVEC, 5) + keep + keep[:-2]
        x = registers(x10=at + 28 + vector, x11=(enabled & 1) << 1 | (enabled & 2) << 4, x12=(pending & 1) << 1,
                      x13=0 if pending & 2 else -1)
        if where == "u":        # sret needs sepc: it is written in place of the timer
            code = code[:12] + csr(1, 0, SEPC, 13) + go + word(0x73) + code[24:]
            x[12] = UCODE + 20
            if pending & 2:
                continue
        image.case(f"interrupts {pending:#x}, enabled {enabled:#x}, {where}", code, x, mode="s", status=0)


SUITES = {"arithmetic": arithmetic, "words": words, "system": system, "compressed": compressed, "memory": memory,
          "csrs": csrs, "faults": faults}
