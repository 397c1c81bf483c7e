"""The image that hart_test.py runs: the executor, its cases, page tables and data, laid out in RAM."""

import pathlib
import struct
import subprocess
import tempfile

from build import HERE, cross
from qemu import ENTRY

RAM = 128 << 20
CODE = ENTRY + 0x10000          # four pages of c.ebreak; a case's instructions go to the middle
SLOT = CODE + 0x2000
DATA = ENTRY + 0x20000          # two pages
TARGET = ENTRY + 0x24000        # the page that page tables under test lead to, and one more
TABLES = ENTRY + 0x30000
REGISTERS = ENTRY + 0x800000
CASES = ENTRY + 0x1400000
RESULTS = ENTRY + 0x3c00000
HOLE = 0xa0000000               # no RAM, no device
CASE_SIZE, RESULT_SIZE, CODE_ROOM = 128, 320, 64
PAGE = 4096

V, R, W, X, U, G, A, D = (1 << i for i in range(8))
SPP, SUM, MXR = 1 << 8, 1 << 18, 1 << 19
MASK = (1 << 64) - 1
BREAK = 0x9002                  # c.ebreak

USER, SUPERVISOR = 0x400000, 0x800000   # virtual: code at +0x10000, data at +0x20000, as in physical memory
RESULT_NAMES = [f"x{i}" for i in range(1, 32)] + ["sepc", "scause", "stval", "sstatus", "sie", "sip", "satp",
                                                  "scounteren", "senvcfg"]


def word(value):
    return struct.pack("<I", value & 0xffffffff)


def half(value):
    return struct.pack("<H", value & 0xffff)


class Image:
    def __init__(self):
        self.bytes = bytearray(CASES - ENTRY)
        self.cases, self.packed, self.sets, self.copies = [], bytearray(), {}, []
        self.free = TABLES
        self.symbols = self.load_executor()
        for at in range(CODE, CODE + 4 * PAGE, 2):
            self.put(at, half(BREAK))
        for at in range(TARGET, TARGET + 2 * PAGE, 2):
            self.put(at, half(BREAK))
        for at in range(DATA, DATA + 2 * PAGE, 8):
            self.put(at, struct.pack("<Q", (at * 0x9e3779b97f4a7c15) & MASK))
        self.root = self.new_root()

    def load_executor(self):
        """Assembles it. => its symbols"""
        with tempfile.TemporaryDirectory() as directory:
            elf = pathlib.Path(directory) / "executor"
            subprocess.run([cross("gcc"), "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-nostdlib", "-static",
                            f"-Wl,-Ttext={ENTRY:#x}", "-o", elf, HERE / "executor.S"], check=True)
            subprocess.run([cross("objcopy"), "-O", "binary", elf, f"{elf}.bin"], check=True)
            names = subprocess.run([cross("nm"), elf], check=True, capture_output=True, text=True).stdout
            code = pathlib.Path(f"{elf}.bin").read_bytes()
        self.put(ENTRY, code)
        return {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines()}

    def put(self, at, data):
        self.bytes[at - ENTRY:at - ENTRY + len(data)] = data

    # ---- Page tables --------------------------------------------------------------------------------

    def page(self):
        at, self.free = self.free, self.free + PAGE
        assert self.free <= REGISTERS
        return at

    def pte(self, table, index, value):
        self.put(table + 8 * index, struct.pack("<Q", value & MASK))

    def pointer(self, table, index):
        """The table below that entry; made when there is none."""
        value, = struct.unpack_from("<Q", self.bytes, table + 8 * index - ENTRY)
        if not value & V:
            value = self.page() >> 2 | V
            self.pte(table, index, value)
        return value >> 10 << 12

    def map(self, root, va, value, level=0):
        """Sets the entry of that level for the address, whatever it says."""
        table = root
        for above in range(2, level, -1):
            table = self.pointer(table, va >> 12 + 9 * above & 511)
        self.pte(table, va >> 12 + 9 * level & 511, value)
        return table + 8 * (va >> 12 + 9 * level & 511)

    def new_root(self):
        """A table with what each case needs: the first GiB of RAM for the handler, code and data for both modes."""
        root = self.page()
        self.pte(root, 2, 0x80000000 >> 2 | V | R | W | X | A | D)
        for base, user in ((USER, U), (SUPERVISOR, 0)):
            for i in range(4):
                self.map(root, base + 0x10000 + i * PAGE, CODE + i * PAGE >> 2 | V | R | X | A | user)
            for i in range(2):
                self.map(root, base + 0x20000 + i * PAGE, DATA + i * PAGE >> 2 | V | R | W | A | D | user)
        return root

    @staticmethod
    def satp(root):
        return 8 << 60 | root >> 12

    # ---- Cases --------------------------------------------------------------------------------------

    def registers(self, values):
        """Where a set of x1..x31 lies."""
        values = tuple(v & MASK for v in values)
        if values not in self.sets:
            self.sets[values] = REGISTERS + 256 * len(self.sets)
            assert self.sets[values] < CASES
            self.put(self.sets[values], struct.pack("<31Q", *values))
        return self.sets[values]

    def case(self, name, code, registers, *, mode="u", pc=None, root=None, status=0, free=0):
        """`mode`: u, s, or bare (s without paging). `free`: bits of the results that need not be equal."""
        assert len(code) <= CODE_ROOM - 2, name
        code = code + half(BREAK) * ((CODE_ROOM - len(code)) // 2)
        satp = 0 if mode == "bare" else self.satp(root or self.root)
        slot = {"u": USER + SLOT - ENTRY, "s": SUPERVISOR + SLOT - ENTRY, "bare": SLOT}[mode]
        status |= 0 if mode == "u" else SPP
        self.packed += struct.pack("<QQQQQ24x", slot if pc is None else pc, self.registers(registers), satp, status,
                                   SLOT) + code
        self.cases.append((name, code, free))
        if len(self.cases) % 256 == 0:
            self.copy()

    def copy(self):
        """What lies in the first data page now becomes part of the results."""
        self.packed += struct.pack("<Q", 1) + bytes(CASE_SIZE - 8)
        self.copies.append(len(self.cases))

    def finish(self):
        """=> the whole, from the entry on"""
        if self.copies[-1:] != [len(self.cases)]:
            self.copy()
        end = RESULTS + RESULT_SIZE * len(self.cases) + PAGE * len(self.copies)
        assert CASES + len(self.packed) + CASE_SIZE <= RESULTS and end < ENTRY - 0x200000 + RAM - (2 << 20)
        self.put(self.symbols["parameters"], struct.pack("<QQQQQQ", CASES, RESULTS, 0, 0, 0, DATA))
        return bytes(self.bytes) + bytes(self.packed) + struct.pack("<Q", 3) + bytes(CASE_SIZE)

    def results(self, ram):
        """Splits the results of a run: for each case its values, and the copies of the data page by the case before."""
        at, cases, pages, copies = RESULTS - (ENTRY - 0x200000), [], [], set(self.copies)
        for i in range(len(self.cases)):
            cases.append(bytes(ram[at:at + RESULT_SIZE]))
            at += RESULT_SIZE
            if i + 1 in copies:
                pages.append((i, bytes(ram[at:at + PAGE])))
                at += PAGE
        return cases, pages
