#!/usr/bin/python3
"""Break the kernel on purpose, one thing at a time, and see which test notices.

    tests/mutants.py                 all
    tests/mutants.py I2              only those whose name begins so
    tests/mutants.py --update        all, and write what was seen into docs/testing.md

Each mutant is one replacement in one file, in a copy of the tree. It names the tests that should notice, cheapest
first; the first that fails is the answer. A mutant that lives, or whose text is no longer in the source, is an error.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "testing.md"
BEGIN, END = "<!-- mutants: made by tests/mutants.py --update -->", "<!-- /mutants -->"
LIMIT = 300

MODEL, SHARE, OOM, AUDIT = (f"host {name}_test" for name in ("model", "share", "oom", "audit"))
ALLTESTS, RACES = "run alltests", "run t_sharerace"
FS, CRASH, FAULT = (f"host fs_{name}" for name in ("test", "crash_test", "fault_test"))
REFUSED = "boot broken_image"

# name, what is broken, file, text, its replacement, tests that should notice
MUTANTS = [
    ("I1 fork", "fork does not count the child's hold on a frame", "mm/fork.c",
     "        page_get(page);\n        *to = pte;", "        *to = pte;", [MODEL, ALLTESTS]),
    ("I1 region", "mapping a region does not count its frames", "mm/space.c",
     "page_get(", "(void)(", [SHARE, MODEL, ALLTESTS]),
    ("I2 order", "frames are let go before the TLBs are told", "mm/unmap.c",
     "    if (cpus)\n        tlb_shootdown(cpus, b->start, (b->end - b->start) >> PAGE_SHIFT);\n"
     "    d = page_drop_many(b->pages, b->n);\n",
     "    d = page_drop_many(b->pages, b->n);\n"
     "    if (cpus)\n        tlb_shootdown(cpus, b->start, (b->end - b->start) >> PAGE_SHIFT);\n",
     [SHARE, MODEL, RACES]),
    ("I2 shootdown", "an unmap tells no hart", "mm/unmap.c",
     "        tlb_shootdown(cpus, b->start, (b->end - b->start) >> PAGE_SHIFT);", "        ;",
     [SHARE, MODEL, RACES]),
    ("I2 remote", "only the hart itself is told, not the others", "arch/riscv/tlb.c",
     "    if (cpu_mask & ~self) {", "    if (0) {", [RACES, ALLTESTS]),
    ("I2 local", "the hart itself is not told", "arch/riscv/tlb.c",
     "    if (cpu_mask & self)\n", "    if (0)\n", [RACES, ALLTESTS]),
    ("I2 fork", "after fork the parent goes on storing through its TLB", "mm/fork.c",
     "    if (src->cpus)\n        tlb_shootdown(", "    if (0)\n        tlb_shootdown(", [SHARE, MODEL, ALLTESTS]),
    ("I3 rights", "entries of read-only memory are writable", "mm/vma.h",
     "    return pte_user_flags(v->prot) |", "    return pte_user_flags(v->prot | PROT_WRITE) |",
     [SHARE, MODEL, ALLTESTS]),
    ("I3 unmap", "a vma that goes leaves its entries behind", "mm/unmap.c",
     "        unmap_pages(mm, v, from, to);\n", "", [SHARE, MODEL, ALLTESTS]),
    ("I4 flag", "shared entries do not carry PTE_S", "mm/vma.h",
     "(v->region ? PTE_S : 0)", "0", [SHARE, MODEL, ALLTESTS]),
    ("I4 pinned", "fork makes pinned frames copy-on-write", "mm/fork.c",
     "cow && page_pinned(page)", "0", [SHARE, MODEL, ALLTESTS]),
    ("I5 fork", "fork promises the child nothing", "mm/fork.c",
     "vma_promised(v) && page_reserve(vma_pages(v))", "0", [OOM, MODEL, ALLTESTS]),
    ("I5 gate", "the gate always says yes", "mm/page.c",
     "    long left = __atomic_sub_fetch(&avail, (long)n, __ATOMIC_ACQUIRE);\n",
     "    long left = (__atomic_sub_fetch(&avail, (long)n, __ATOMIC_ACQUIRE), 0);\n", [OOM, MODEL, ALLTESTS]),
    ("I6 size", "a failed mapping leaves the size grown", "mm/space.c",
     "    err = pt_prepare(dst->root, va, end);\n", "    dst->size = end;\n    err = pt_prepare(dst->root, va, end);\n",
     [OOM, MODEL, ALLTESTS]),
    ("I7 root", "an address space that goes leaves its root behind", "mm/space.c",
     "    page_put(page_of(mm->root));\n", "", [MODEL, AUDIT, ALLTESTS]),
    ("I7 region", "the last borrower does not let the region go", "mm/vma.c",
     "region_put(", "(void)(", [SHARE, MODEL, ALLTESTS]),
    ("I8 range", "the range check wraps", "include/asm/page.h",
     "    return va <= top && n <= top - va;", "    return va + n <= top;", [SHARE, ALLTESTS]),
    ("I8 super", "the superblock is believed", "fs/super.c",
     "    if (wrong) {", "    if (0) {", [FS, FAULT, REFUSED]),
    ("I8 fault table", "a fault while copying is the kernel's own", "arch/riscv/trap.c",
     "    uint64_t fixup = find_fixup(tf->epc);", "    uint64_t fixup = 0;", [ALLTESTS]),
]

def quiet(command, directory, limit=LIMIT):
    """Run to the end or the limit; True if it succeeded."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        return subprocess.run(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit,
                              check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def passes(test, tree):
    """Does the test pass in this tree?"""
    kind, name = test.split(" ", 1)
    if kind == "host":
        return quiet(["build/host/" + name], tree)
    if kind == "boot":
        return quiet([sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/boot",
                      "-k", name.replace(" ", " and ")], tree)
    return quiet([sys.executable, "-B", "tests/boot/run_program.py", name], tree)


def build(test, tree):
    if test.startswith("host "):
        return quiet(["make", "-j2", "-f", "tests/host/Makefile", "build/host/" + test.split()[1]], tree)
    return quiet(["make", "all"], tree)


def try_mutant(mutant, tree):
    """The name of the first test that noticed, or None."""
    _, _, path, text, replacement, tests = mutant
    file = tree / path
    original = file.read_text()
    if text not in original:
        return f"(no such text in {path})"
    file.write_text(original.replace(text, replacement, 1))
    try:
        for test in tests:
            if not build(test, tree):
                return "(does not build)"
            if not passes(test, tree):
                return test
        return None
    finally:
        file.write_text(original)


def describe(test):
    kind, name = test.split(" ", 1)
    return {"host": f"`{name}` on the host", "run": f"`{name}` on the kernel",
            "boot": f"boot tests for {name.replace('_', ' ')}"}[kind]


def table(results):
    rows = ["| mutant | what is broken | noticed by |", "|---|---|---|"]
    rows += [f"| {m[0]} | {m[1]} (`{m[2]}`) | {describe(test)} |" for m, test in results]
    return "\n".join(rows)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    chosen = [m for m in MUTANTS if not arguments or any(m[0].startswith(a) for a in arguments)]
    results, errors = [], 0
    with tempfile.TemporaryDirectory(prefix="lamina-mutants-") as directory:
        tree = pathlib.Path(directory) / "tree"
        shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        for mutant in chosen:
            noticed = try_mutant(mutant, tree)
            bad = noticed is None or noticed.startswith("(")
            errors += bad
            print(f"{mutant[0]:<16} {mutant[1]}: {noticed or 'LIVES'}", flush=True)
            results.append((mutant, noticed))
    print(f"{len(chosen) - errors} mutants noticed, {errors} not")
    if "--update" in sys.argv and not errors:
        head, rest = DOCUMENT.read_text().split(BEGIN, 1)
        DOCUMENT.write_text(head + BEGIN + "\n\n" + table(results) + "\n\n" + END + rest.split(END, 1)[1])
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
