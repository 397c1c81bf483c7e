"""The cases of faults: page tables, addresses without RAM, accesses across pages. See suites.py."""

import itertools

from encode import AMO, JALR, LOAD, SDATA, UDATA, i, r, registers, s
from image import A, D, ENTRY, HOLE, MASK, MXR, PAGE, R, SUM, TARGET, U, V, W, X, half

AMO_CAUSE = 2   # where no RAM is QEMU 7.2 gives an AMO a load's access fault, 5, and not 7 (section 4.3.2)
LW, SW, FETCH, LR, AMOADD, SC = range(6)
ACCESS = {LW: i(LOAD, 2, 10, 11, 0), SW: s(2, 11, 12, 0), LR: r(AMO, 2, 8, 10, 11, 0), AMOADD: r(AMO, 2, 0, 10, 11, 12),
          SC: r(AMO, 2, 8, 10, 11, 0) + r(AMO, 2, 12, 10, 11, 12)}  # without a reservation SC may fault or not


class Places:
    """Virtual addresses that no case has used, each with its own entry; a table of its own when one is full."""

    def __init__(self, image):
        self.image, self.root, self.next = image, image.root, [0] * 3

    def entry(self, value, level=0):
        """=> (root, address) of a page of which the leaf, or what stands there, is `value`"""
        n = self.next[level]
        self.next[level] += 1
        if level == 2:
            if n % 400 == 0:
                self.gib_root = self.image.new_root()
            root, va = self.gib_root, (n % 400 + 4) << 30
        else:
            root, va = self.root, (8 + level << 30) + (n << 12 + 9 * level)
        if va >> 38:
            va |= MASK >> 38 << 38
        self.image.map(root, va, value, level)
        return root, va


def touch(image, name, root, va, kinds=(LW, SW, FETCH), modes=("u", "s"), statuses=(0, SUM, MXR, SUM | MXR), free=0):
    for kind, mode, status in itertools.product(kinds, modes, statuses):
        x = registers(x11=va, x12=0x90029002)
        if kind == FETCH:
            image.case(f"fetch, {name}, {mode}", b"", x, mode=mode, pc=va, root=root, status=status, free=free)
        else:
            image.case(f"{('load', 'store', '', 'lr', 'amo', 'sc')[kind]}, {name}, {mode}", ACCESS[kind], x, mode=mode,
                       root=root, status=status, free=free)


def faults(image, random, share):
    """Every combination of a leaf's flags with mode, SUM, MXR and access, each on an entry of its own."""
    places, leaf = Places(image), TARGET >> 2
    statuses = (0, SUM, MXR, SUM | MXR)
    for flags, kind, mode, status in itertools.product(range(256), (LW, SW, FETCH), ("u", "s"), statuses):
        root, va = places.entry(leaf | flags)
        touch(image, f"flags {flags:#x}", root, va, (kind,), (mode,), (status,))
    for flags, kind, mode in itertools.product(range(256), (LR, AMOADD, SC), ("u", "s")):
        if flags & A | (not flags & V) or share == 1:
            root, va = places.entry(leaf | flags)
            touch(image, f"flags {flags:#x}", root, va, (kind,), (mode,), (SUM,))
    shapes(image, places)
    addresses(image)
    across(image, places)


def shapes(image, places):
    """Entries of a wrong shape: reserved bits, large pages that are not aligned, tables that are none."""
    full = V | R | W | X | A | D
    for user, mode in ((0, "s"), (U, "u")):
        for bit in (8, 9, *range(54, 64)):
            root, va = places.entry(TARGET >> 2 | full | user | 1 << bit)
            touch(image, f"bit {bit} of a leaf", root, va, modes=(mode,), statuses=(0,))
        for bit in (1, 2, 3, 4, 5, 6, 7, 8, 9, *range(54, 64)):
            table = image.page()
            image.pte(table, 0, TARGET >> 2 | full | user)
            root, va = places.entry(table >> 2 | V | 1 << bit, level=1)
            touch(image, f"bit {bit} of a pointer", root, va, modes=(mode,), statuses=(0,), kinds=(LW, SW))
        for bit in range(10, 28):
            root, va = places.entry(0x80000000 >> 2 | full | user | 1 << bit, 2)
            touch(image, f"page of 1 GiB with bit {bit}", root, va + TARGET - 0x80000000, modes=(mode,), statuses=(0,))
        for flags in (full, full & ~D, full & ~(A | D)):
            root, va = places.entry(0x80000000 >> 2 | flags | user, 2)
            touch(image, f"page of 1 GiB {flags:#x}", root, va + TARGET - 0x80000000, modes=(mode,), statuses=(0,))
        for bit in range(10, 19):
            root, va = places.entry(ENTRY >> 2 | full | user | 1 << bit, 1)
            touch(image, f"page of 2 MiB with bit {bit}", root, va + 0x24000, modes=(mode,), statuses=(0,))
        for flags in (full, full & ~D, full & ~(A | D)):
            root, va = places.entry(ENTRY >> 2 | flags | user, 1)
            touch(image, f"page of 2 MiB {flags:#x}", root, va + 0x24000, modes=(mode,), statuses=(0,))
        for level, pointer in itertools.product((0, 1, 2), (HOLE, image.page(), 1 << 55)):
            root, va = places.entry(pointer >> 2 | V, level)
            # QEMU 7.2 has a page fault where a table is not in RAM; section 4.3.2, step 2, wants an access fault.
            touch(image, f"pointer to {pointer:#x} on level {level}", root, va, modes=(mode,), statuses=(0,), free=15)
        for level, pa in itertools.product((0, 1, 2), (3 << 30, 1 << 55)):
            root, va = places.entry(pa >> 2 | full | user, level)
            touch(image, f"page at {pa:#x}", root, va, (LW, SW, FETCH, LR, SC), (mode,), (0,))
            touch(image, f"page at {pa:#x}", root, va, (AMOADD,), (mode,), (0,), free=AMO_CAUSE)


def addresses(image):
    """Addresses of which bits 63..39 do not repeat bit 38, and those at the edges."""
    edges = [1 << n for n in range(30, 64)] + [(1 << n) - 8 for n in range(30, 64)] + \
            [MASK << n & MASK for n in range(30, 64)] + [0, 8, MASK - 7, MASK - 4095]
    for va in edges:
        if va >> 30 == 2:
            continue        # there the executor lies
        touch(image, f"address {va:#x}", image.root, va, statuses=(0,))
        image.case(f"jump to {va:#x}", i(JALR, 0, 1, 11, 0), registers(x11=va))
    for bit in range(38, 64):       # where the low bits alone would find a page
        for base, mode in ((UDATA, "u"), (SDATA, "s")):
            for va in (base ^ 1 << bit, base | MASK << bit & MASK):
                touch(image, f"address {va:#x}", image.root, va, modes=(mode,), statuses=(0,))
                touch(image, f"address {va - 0x10000:#x}", image.root, va - 0x10000, (FETCH,), (mode,), (0,))
    for pa in (HOLE, 3 << 30, 1 << 40, 1 << 55):     # without paging
        for kind in (LW, SW, LR, AMOADD, SC):
            image.case(f"no RAM at {pa:#x}", ACCESS[kind], registers(x11=pa), mode="bare",
                       free=AMO_CAUSE if kind == AMOADD else 0)
        image.case(f"jump to {pa:#x}", i(JALR, 0, 1, 11, 0), registers(x11=pa), mode="bare")


def across(image, places):
    """Loads, stores and fetches that cross from one page to the next, which allows or does not."""
    full = V | R | W | X | U | A | D
    seconds = [0, full & ~V, full & ~R & ~W, full & ~W, full & ~X, full & ~U, full & ~A, full & ~D, V | X | U | A, full,
               full | 1 << 54, HOLE >> 2 | full]
    for first, second in itertools.product((full, full & ~W, 0, full & ~A, full & ~D, full & ~R & ~W), seconds):
        for f3, back in ((1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (3, 4), (3, 7)):
            for code in (i(LOAD, f3, 10, 11, 0), s(f3, 11, 12, 0)):
                root, va = places.entry(TARGET >> 2 | first)
                root, beyond = places.entry(second if second >> 10 else TARGET + PAGE >> 2 | second)
                assert beyond == va + PAGE
                image.case(f"{1 << f3} bytes across {first:#x} and {second:#x}", code,
                           registers(x11=beyond - back, x12=0x9002900290029002))
    for second in seconds:
        if second >> 10:
            continue            # QEMU 7.2 ends with an assertion at such a fetch from where no RAM is
        # The page's last halfword begins an instruction of four bytes
        page = image.page()
        image.put(page + PAGE - 4, half(0x9002) + half(0x0513))      # addi a0, ...
        image.put(TARGET, half(0x9002))
        root, va = places.entry(page >> 2 | full)
        root, beyond = places.entry(TARGET + PAGE >> 2 | second)
        for start in (beyond - 2, beyond - 4):
            image.case(f"fetch across, then {second:#x}", b"", registers(), pc=start, root=root)
