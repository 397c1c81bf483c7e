#!/usr/bin/python3
"""Is hart_test sharp? Plants one fault at a time in a copy of the machine: some case must differ from QEMU's.

    tests/machine/planted.py        every fault; QEMU runs the short form's cases once, the machine once for each fault
"""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile

from build import ROOT
from hart_test import compare_cases, compare_ram, on_machine, on_qemu
from harness import library
from image import Image
from suites import SUITES

FAULTS = [  # file, what stands there, what stands there instead
    ("alu.c", "(int64_t)i->rs1 < imm", "i->rs1 < (uint64_t)imm"),
    ("alu.c", "return high == 0 || high == 16 || illegal(h, i);", "return true;"),
    ("alu.c", "((int64_t)a < 0 ? b : 0) - ((int64_t)b < 0 ? a : 0)", "((int64_t)a < 0 ? b : 0)"),
    ("alu.c", "remainder ? 0 : 0 - (uint64_t)a", "remainder ? 0 : ~0ULL"),
    ("alu.c", "sign32(divide_unsigned(a, b, i->funct == 7))", "divide_unsigned(a, b, i->funct == 7)"),
    ("amo.c", "sign_extend(i->rs2, i->funct)", "i->rs2"),
    ("amo.c", "bool below = old < operand;", "bool below = (uint32_t)old < (uint32_t)operand;"),
    ("amo.c", "op == 2 ? CAUSE_MISALIGNED_LOAD : CAUSE_MISALIGNED_STORE", "CAUSE_MISALIGNED_LOAD"),
    ("amo.c", "    h->reservation = NEVER;\n    i->result = !done;", "    i->result = !done;"),
    ("amo.c", "op == 2 ? ACCESS_LOAD : ACCESS_STORE, &pa", "ACCESS_LOAD, &pa"),
    ("compressed.c", "return rd ? i_type(IMM32, 0, rd, rd, imm) : 0;", "return i_type(IMM32, 0, rd, rd, imm);"),
    ("compressed.c", "return which < 2 ?", "return which < 3 ?"),
    ("compressed.c", "bits(c, 6, 6, 7)", "bits(c, 6, 6, 8)"),
    ("csr.c", "if ((number >> 8 & 3) > (uint32_t)h->mode)\n        return false;", ""),
    ("csr.c", "h->sepc = value & ~1ULL;", "h->sepc = value & ~3ULL;"),
    ("csr.c", "if (value >> 60 != 0 && value >> 60 != SATP_MODE_SV39)\n        return;", ""),
    ("csr.c", "h->sstatus |= enabled | STATUS_SPIE;", "h->sstatus |= enabled;"),
    ("csr.c", "{IRQ_EXTERNAL, IRQ_SOFTWARE, IRQ_TIMER}", "{IRQ_EXTERNAL, IRQ_TIMER, IRQ_SOFTWARE}"),
    ("csr.c", "if (h->stvec & TVEC_VECTORED && cause & CAUSE_INTERRUPT)", "if (h->stvec & TVEC_VECTORED)"),
    ("hart.c", "i->result = sign_extend(i->result, i->funct);", "i->result = sign_extend(i->result, i->funct & 3);"),
    ("hart.c", "(swap || source) && !csr_write", "!csr_write"),
    ("hart.c", "(i->rs1 + (uint64_t)imm_i(i)) & ~1ULL", "(i->rs1 + (uint64_t)imm_i(i))"),
    ("hart.c", "h->mode == MODE_USER || i->rd || i->funct", "h->mode == MODE_USER"),
    ("mmu.c", "(access == ACCESS_FETCH || !(h->sstatus & STATUS_SUM))", "!(h->sstatus & STATUS_SUM)"),
    ("mmu.c", "(h->sstatus & STATUS_MXR && flags & PTE_X)", "(flags & PTE_X)"),
    ("mmu.c", "access == ACCESS_STORE ? PTE_A | PTE_D : PTE_A", "PTE_A | PTE_D"),
    ("mmu.c", " || pte >> 54)", ")"),
    ("mmu.c", "level == 0 || pte & (PTE_U | PTE_A | PTE_D)", "level == 0"),
    ("mmu.c", "return page_fault[access]; /* a large page", "found->level = 0; /* a large page"),
    ("mmu.c", "return page_fault[access]; /* bits 63..39", "found->level = 0; /* bits 63..39"),
    ("mmu.c", "for (unsigned i = 0; i < size; i++)\n        if (!mmu_translate(h, va + i, ACCESS_STORE, &pa[i]))",
     "for (unsigned i = size; i-- > 0;)\n        if (!mmu_translate(h, va + i, ACCESS_STORE, &pa[i]))"),
    ("mmu.c", "fetch_page(h, h->pc + 2)", "fetch_page(h, h->pc)"),
]


def plant(directory, name, old, new):
    """A copy of the machine with one fault. => its library; None when the place is not there"""
    copy = pathlib.Path(directory) / "machine"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "machine", copy)
    text = (copy / name).read_text()
    if old not in text:
        return None
    (copy / name).write_text(text.replace(old, new))
    return library(copy)


def forget(lib):
    """What was built for one fault is of no further use."""
    if lib:
        lib.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="faults of files whose name begins so")
    args = parser.parse_args()
    image, missed = Image(), 0
    for name in SUITES:
        SUITES[name](image, random.Random(1), 0.2)
    binary = image.finish()
    theirs = on_qemu(image, binary, 240)
    with tempfile.TemporaryDirectory() as directory:
        for name, old, new in (fault for fault in FAULTS if fault[0].startswith(args.only)):
            lib = plant(directory, name, old, new)
            try:
                ours = on_machine(image, binary, lib) if lib else theirs
                found = list(compare_cases(image, ours, theirs).values()) or compare_ram(image, ours, theirs)
            except SystemExit as stuck:
                found = [str(stuck)]
            forget(lib)
            missed += not found
            first = f"seen {len(found)} times" if found else "not seen" if lib else "no longer there: mend this list"
            what = " ".join(new.split())[:50] or "nothing"
            print(f"{'ok    ' if found else 'FAILED'} planted: {name}: {what}: {first}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
