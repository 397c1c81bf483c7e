#!/usr/bin/python3
"""Break each invariant on purpose, and see that a test notices.

A mutant is one small wrong change. For each, a copy of the tree is changed, built and tested: first the host tests of
mm/, then, if those saw nothing, alltests on the machine. A mutant that nothing notices is a hole in the tests: exit
status 1. `make mutants` runs all of them (some minutes); names on the command line choose some.

    tests/mutants/mutants.py [--all-suites] [NAME...]

--all-suites goes on after the first suite that notices, to see every one that does (for docs/testing.md).
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST_TESTS = ["fs_fault_test", "page_test", "audit_test", "share_test", "map_test", "race_test", "oom_test", "order_test",
              "model_test"]

# name: (invariant, file, what stands there, what the mutant has instead)
MUTANTS = {
    "fork-forgets-to-count": ("I1", "mm/fork.c", "        page_get(page);\n        *to = pte;", "        *to = pte;"),
    "region-keeps-its-pins": ("I1", "mm/region.c",
                              "        page_unreserve(page_drop_many(r->frames + at, n, PAGE_PIN).freed);\n", ""),
    "unmap-tells-no-hart": ("I2", "mm/unmap.c", "    if (cpus)\n", "    if (cpus && b->n > PAGE_BATCH)\n"),
    "borrowed-pages-go-untold": ("I2", "mm/unmap.c", "    if (b->start == b->end)\n        return;\n    if (cpus)",
                                 "    if (!b->n)\n        return;\n    if (cpus)"),
    "cut-file-stays-mapped": ("I2", "mm/region.c", "        if (n)\n            region_unhook(r);\n", ""),
    "fork-tells-no-hart": ("I2", "mm/fork.c", "    if (src->cpus)\n", "    if (src->cpus && err)\n"),
    "copy-tells-no-hart": ("I2", "mm/fault.c", "vma_own_flags(v));\n    tlb_shootdown(mm->cpus, va, 1);\n    /*",
                           "vma_own_flags(v));\n    /*"),
    "frames-go-before-harts-know": ("I2", "mm/unmap.c",
                                    "    if (cpus)\n        tlb_shootdown(cpus, b->start, (b->end - b->start) >> PAGE_SHIFT);\n"
                                    "    d = page_drop_many(b->frames, b->n, PAGE_REF);\n",
                                    "    d = page_drop_many(b->frames, b->n, PAGE_REF);\n"
                                    "    if (cpus)\n        tlb_shootdown(cpus, b->start, (b->end - b->start) >> PAGE_SHIFT);\n"),
    "other-harts-are-not-told": ("I2", "arch/riscv/tlb.c", "    if (cpu_mask & ~self) {", "    if (0) {"),
    "this-hart-is-not-told": ("I2", "arch/riscv/tlb.c", "    if (cpu_mask & self)\n", "    if (0)\n"),
    "absent-entries-are-pinned": ("I8", "mm/pin.c", "NO_ENTRY (~0UL)", "NO_ENTRY (0UL)"),
    "sharing-makes-writable": ("I3", "mm/pin.c", "VMA_SHARED, v->prot & lend.prot);",
                               "VMA_SHARED, (v->prot & lend.prot) | PROT_WRITE);"),
    "shrink-keeps-a-page": ("I3", "mm/brk.c", "mm_unmap(mm, page_up(size), page_up(mm->size),",
                            "mm_unmap(mm, page_up(size) + (n > PAGE_SIZE ? PAGE_SIZE : 0), page_up(mm->size),"),
    "no-shared-bit": ("I4", "mm/vma.h", "v->prot & ~PROT_WRITE : v->prot) | PTE_S;", "v->prot & ~PROT_WRITE : v->prot);"),
    "pinned-pages-turn-copy-on-write": ("I4", "mm/fork.c", "            if (page_pinned(page)) {",
                                        "            if (page_pinned(page) && !page) {"),
    "sbrk-promises-nothing": ("I5", "mm/brk.c", "if (page_reserve(npages))\n            goto out_vma;",
                              "if (npages > 100000)\n            goto out_vma;"),
    "fork-promises-nothing": ("I5", "mm/fork.c", "if (v->promised && page_reserve(vma_pages(v))) {",
                              "if (v->promised && vma_pages(v) > 100000) {"),
    "failed-map-moves-the-size": ("I6", "mm/space.c", "    int err = pt_prepare(dst->root, va, end);\n",
                                  "    int err = pt_prepare(dst->root, va, end);\n\n    dst->size = end;\n"),
    "failed-map-keeps-its-region": ("I6", "mm/shared.c", "        vma_destroy_list(&vmas);\n", ""),
    "exit-keeps-a-table": ("I7", "mm/pgtable.c", "    trim_level(root, 1, start, end, floor, ceiling, &chain);\n", ""),
    "slab-keeps-empty-frames": ("I7", "mm/slab.c", "    if (slab->used == 0) {", "    if (slab->used == 0 && !obj) {"),
    "no-range-check-on-copies": ("I8", "mm/uaccess.c",
                                 "return range_fits(to, n, USER_TOP) ? n - arch_copy_to_user(to, from, n) : 0;",
                                 "return n - arch_copy_to_user(to, from, n);"),
    "superblock-is-believed": ("I8", "fs/super.c", "    if (wrong) {", "    if (0) {"),
    "no-fault-table": ("I8", "arch/riscv/trap.c", "    uint64_t fixup = find_fixup(tf->epc);", "    uint64_t fixup = 0;"),
    "no-wrap-check-on-sharing": ("I8", "mm/shared.c", "if (size == 0 || !range_fits(va, size, USER_TOP))",
                                 "if (size == 0)"),
}


def copy_tree(where):
    for item in ROOT.iterdir():
        if item.name in {"build", ".git", "kernel", "user", "fs.img"}:
            continue
        if item.is_dir():
            shutil.copytree(item, where / item.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(item, where)


def change(tree, name):
    _, file, old, new = MUTANTS[name]
    path = tree / file
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"mutants: {name}: {file} holds what it changes {text.count(old)} times, not once; mend the list")
    path.write_text(text.replace(old, new))


def run(command, tree, limit):
    try:
        done = subprocess.run(command, cwd=tree, timeout=limit, stdin=subprocess.DEVNULL, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return 1, "(hangs)"


def host_suites(tree):
    """The host tests that fail, with the first test case that does."""
    code, output = run(["make", "-s", "-f", "tests/host/Makefile"] + [f"build/host/{t}" for t in HOST_TESTS], tree, 300)
    if code:
        return [f"does not build: {output[-200:]}"]
    noticed = []
    for test in HOST_TESTS:
        code, output = run([f"build/host/{test}"], tree, 120)
        if code:
            case = re.search(r"FAILED  \] (\w+)", output)
            noticed.append(f"{test} ({case.group(1) if case else 'dies'})")
    return noticed


def machine_suite(tree):
    """What alltests says on two harts, in the checking build."""
    code, output = run(["make", "-s", "CHECK=1", "EXTRA=tests/boot/programs/pinned.c", "IMAGE=build/pristine.img"], tree, 600)
    if code:
        return [f"does not build: {output[-200:]}"]
    driver = ("import sys; sys.path.insert(0, 'tests/boot'); from machine import Machine\n"
              "m = Machine(variant='check', cpus=2, limit=300); m.wait_for_shell()\n"
              "out = m.run('alltests', 250); print(out); print(m.run('pinned', 30)); m.close()\n")
    code, output = run(["/usr/bin/python3", "-c", driver], tree, 400)
    failed = re.findall(r"^(\w[\w -]*): FAILED", output, re.MULTILINE)
    died = re.search(r"panic: [^\n]*", output)
    if died:
        failed.append(died.group(0).strip())
    if not failed and not re.search(r"alltests: \d+ passed, 0 failed", output):
        failed.append("alltests does not come to its end")
    if not failed and (code or "pinned: OK" not in output):
        failed.append("pinned does not come to its end")
    return failed


def main():
    every = "--all-suites" in sys.argv
    names = [a for a in sys.argv[1:] if a != "--all-suites"] or list(MUTANTS)
    for name in names:
        if name not in MUTANTS:
            sys.exit(f"mutants: no mutant {name}; there are {' '.join(MUTANTS)}")
    passed = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="lamina-mutant-") as scratch:
            tree = pathlib.Path(scratch)
            copy_tree(tree)
            change(tree, name)
            noticed = host_suites(tree)
            if every or not noticed:
                noticed += machine_suite(tree)
        passed += bool(noticed)
        print(f"{MUTANTS[name][0]} {name}: {', '.join(noticed) or 'NOT NOTICED'}", flush=True)
    print(f"{passed} passed, {len(names) - passed} failed")
    return 0 if passed == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
