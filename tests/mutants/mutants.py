#!/usr/bin/python3
"""Break each invariant on purpose, and see that a test notices.

A mutant is one small wrong change. For each, a copy of the tree is changed, built and tested: first the host tests of
mm/ and ipc/, then, if those saw nothing, alltests on the machine. A mutant that nothing notices is a hole in the tests: exit
status 1. `make mutants` runs all of them (some minutes); names on the command line choose some.

    tests/mutants/mutants.py [--all-suites | --list] [NAME...]

--list only looks whether each mutant still finds what it changes, as `make test` does. --all-suites goes on after the first suite that notices, to see every one that does (for docs/testing.md).
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST_TESTS = ["fs_fault_test", "page_test", "audit_test", "share_test", "map_test", "race_test", "oom_test", "order_test",
              "model_test", "rest_test", "lend_test", "scale_test", "bring_test", "grant_test", "service_test",
              "exec_test"]

# name: (invariant, file, what stands there, what the mutant has instead)
MUTANTS = {
    "fork-forgets-to-count": ("I1", "mm/fork.c", "        page_get(page);\n        *to = pte;", "        *to = pte;"),
    "region-keeps-its-pins": ("I1", "mm/region.c",
                              "        n = page_put_many(frames, n, PAGE_PIN).freed;\n", "        (void)frames;\n        n = 0;\n"),
    "unmap-tells-no-hart": ("I2", "mm/unmap.c", "    if (cpus)\n", "    if (cpus && g->n > PAGE_BATCH)\n"),
    "borrowed-pages-go-untold": ("I2", "mm/unmap.c", "    if (g->start == g->end)\n        return d;\n",
                                 "    if (!g->n) {\n        g->start = g->end = 0;\n        return d;\n    }\n"),
    "cut-file-stays-mapped": ("I2", "mm/ext/revoke.c", "    unhook_everywhere(r);\n    for (", "    for ("),
    "fork-tells-no-hart": ("I2", "mm/fork.c", "    if (src->cpus)\n", "    if (src->cpus && err)\n"),
    "copy-tells-no-hart": ("I2", "mm/fault.c", "    tlb_shootdown(v->mm->cpus, va, 1);\n", ""),
    "frames-go-before-harts-know": ("I2", "mm/unmap.c",
                                    "    if (cpus)\n        tlb_shootdown(cpus, g->start, (g->end - g->start) >> PAGE_SHIFT);\n"
                                    "    d = page_put_many(g->frames, g->n, PAGE_REF);\n",
                                    "    d = page_put_many(g->frames, g->n, PAGE_REF);\n"
                                    "    if (cpus)\n        tlb_shootdown(cpus, g->start, (g->end - g->start) >> PAGE_SHIFT);\n"),
    "other-harts-are-not-told": ("I2", "arch/riscv/tlb.c", "    if (cpu_mask & ~self) {", "    if (0) {"),
    "this-hart-is-not-told": ("I2", "arch/riscv/tlb.c", "    if (cpu_mask & self) {", "    if (0) {"),
    "absent-entries-are-pinned": ("I8", "mm/lend.c", "pte < last && pte_flags(*pte) == need;",
                                  "pte < last && (!pte->v || pte_flags(*pte) == need);"),
    "sharing-makes-writable": ("I3", "mm/lend.c", "VMA_SHARED, v->prot & terms->prot);",
                               "VMA_SHARED, (v->prot & terms->prot) | PROT_WRITE);"),
    "shrink-keeps-a-page": ("I3", "mm/brk.c", "mm_unmap(mm, page_up(size), page_up(mm->size),",
                            "mm_unmap(mm, page_up(size) + (n > PAGE_SIZE ? PAGE_SIZE : 0), page_up(mm->size),"),
    "no-shared-bit": ("I4", "mm/vma.h", "v->prot & ~PROT_WRITE : v->prot) * PTE_R) | PTE_S;",
                      "v->prot & ~PROT_WRITE : v->prot) * PTE_R);"),
    "pinned-pages-turn-copy-on-write": ("I4", "mm/fork.c", "            if (page_pinned(page)) {",
                                        "            if (page_pinned(page) && !page) {"),
    "sbrk-promises-nothing": ("I5", "mm/brk.c", "err = mm_reserve(mm, (end - start) >> PAGE_SHIFT);", "err = 0;"),
    "fork-promises-nothing": ("I5", "mm/fork.c", "        n += v->promised ? vma_pages(v) : 0;\n", "        n += 0;\n"),
    "failed-map-moves-the-size": ("I6", "mm/shared.c", "    err = mm_prepare(dst, *va, *va + size);\n",
                                  "    err = mm_prepare(dst, *va, *va + size);\n    dst->size = *va + size;\n"),
    "failed-map-keeps-its-region": ("I6", "mm/shared.c", "    vma_destroy_list(&loan.vmas); /* empty, if they are in dst */\n", ""),
    "exit-keeps-a-table": ("I7", "mm/pgtable.c", "    for (unsigned level = 1; level < PT_LEVELS;", "    for (unsigned level = 2; level < PT_LEVELS;"),
    "slab-keeps-empty-frames": ("I7", "mm/slab.c", "    if (slab->used == 0) {", "    if (slab->used == 0 && !obj) {"),
    "no-range-check-on-copies": ("I8", "mm/uaccess.c",
                                 "return range_fits(to, n, USER_TOP) ? n - arch_copy_to_user(to, from, n) : 0;",
                                 "return n - arch_copy_to_user(to, from, n);"),
    "superblock-is-believed": ("I8", "fs/super.c", "    if (wrong) {", "    if (0) {"),
    "no-fault-table": ("I8", "arch/riscv/trap.c", "    uint64_t fixup = find_fixup(tf->epc);", "    uint64_t fixup = 0;"),
    "no-wrap-check-on-sharing": ("I8", "mm/shared.c", "if (size == 0 || !range_fits(src_va, size, USER_TOP))",
                                 "if (size == 0)"),
    "unmap-never-rests": ("rests", "mm/unmap.c", "        mm_work(mm, WORK_VMA + work);\n", ""),
    "pinning-never-rests": ("rests", "mm/lend.c", "        err = mm_work(src, FAULTS_MAX * WORK_COPY);\n", ""),
    "killed-call-goes-on": ("rests", "mm/rest.c", "    return task_killed(current()) ? -EINTR : 0;", "    return 0;"),
    "what-is-set-aside-is-not-counted": ("I5", "mm/rest.c", "    mm->set_aside += n;\n", ""),
    "set-aside-twice": ("I5", "mm/brk.c", "    mm->set_aside = 0;\n", ""),
    "barred-pages-come-back": ("I2", "mm/fault.c", "i >= r->npages || region_barred(r)", "i >= r->npages"),
    "revoked-consent-lends-on": ("I2", "mm/ext/revoke.c", "    if (loans->revoked || (", "    if (("),
    "what-was-lent-on-stays": ("I2", "mm/ext/revoke.c", "        list_splice(lent_on, &l->children);\n", ""),
    "newcomers-are-swept": ("rests", "mm/region.c", "    if (region_barred(r))\n        list_push_back", "    if (0)\n        list_push_back"),
    "split-part-is-not-swept": ("I2", "mm/unmap.c", "        region_split_vma(v, upper);", "        (void)upper;"),
    "fork-copies-what-is-borrowed": ("I2", "mm/fork.c",
                                     "        if ((pte.v & (PTE_V | PTE_H | PTE_S)) != own)\n            continue;\n",
                                     "        if (pte.v & PTE_S)\n            *to = pte;\n"
                                     "        if ((pte.v & (PTE_V | PTE_H | PTE_S)) != own)\n            continue;\n"),
    "forbidden-pages-are-lost": ("I1", "mm/ext/mmap.c", "            if (pte->v)\n", "            if (pte->v & PTE_V)\n"),
    "grant-is-entered-late": ("consent", "ipc/ext/grant.c",
                              "    mutex_lock(&grants_lock);\n    err = enter_grant(g, pid, &mm);\n    mutex_unlock(&grants_lock);\n",
                              "    err = enter_grant(g, pid, &mm);\n"),
    "exec-ends-grants-of-the-new-program": ("consent", "ipc/ext/grant.c", "return p->pid == pid && p->family == family;",
                                            "return p->pid == pid;"),
    "left-pages-are-kept": ("consent", "ipc/ext/grant.c",
                            "        if (g->borrower.pid == current()->pid)\n            loans_revoke",
                            "        if (0)\n            loans_revoke"),
    "requests-share-a-limit": ("consent", "ipc/ext/service.c",
                               "    const struct lend lend = {PROT_READ | PROT_WRITE, &r->loans.consent, .lasting = true};\n",
                               "    static struct loans one = LOANS_INIT(one, true);\n"
                               "    const struct lend lend = {PROT_READ | PROT_WRITE, &one.consent, .lasting = true};\n"),
    "request-leaves-its-loans": ("consent", "ipc/ext/service.c",
                                 "    loans_keep(&r->loans); /* the server may still have them */\n", ""),
    "request-of-what-others-take-back": ("consent", "ipc/ext/service.c", "&r->loans.consent, .lasting = true};", "&r->loans.consent, .lasting = false};"),
    "killed-caller-brings-on": ("rests", "mm/ext/range.c", "    while (va < end && !task_killed(current()) && !mm_fault(",
                                "    while (va < end && !mm_fault("),
    "pages-come-at-another-s-rest": ("I5", "mm/ext/range.c", "    mm_lock(mm);\n    v = vma_first_above", "    spin_lock(&mm->lock);\n    v = vma_first_above"),
    "killed-unmap-stops": ("rests", "mm/unmap.c", "        mm_work(mm, WORK_VMA + work);\n",
                           "        if (mm_work(mm, WORK_VMA + work))\n            return -EINTR;\n"),
    "exec-leaves-too-early": ("consent", "proc/exec.c",
                              "    old = proc_replace_mm(image.mm, exec_name(path));\n    if (proc_hooks.left)\n"
                              "        proc_hooks.left(old->family);\n",
                              "    if (proc_hooks.left)\n        proc_hooks.left(current()->mm->family);\n"
                              "    old = proc_replace_mm(image.mm, exec_name(path));\n"),
    "fault-takes-forbidden-for-absent": ("I1", "mm/fault.c", "        allow_again(v, pte);\n", "        (void)allow_again;\n"),
}


def copy_tree(where):
    for item in ROOT.iterdir():
        if item.name in {"build", ".git", "kernel", "user", "fs.img"}:
            continue
        if item.is_dir():
            shutil.copytree(item, where / item.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(item, where)


def applies(name):
    """The text of the file that a mutant changes; it must hold what is changed, once."""
    _, file, old, _ = MUTANTS[name]
    text = (ROOT / file).read_text()
    if text.count(old) != 1:
        sys.exit(f"mutants: {name}: {file} holds what it changes {text.count(old)} times, not once; mend the list")
    return text


def change(tree, name):
    _, file, old, new = MUTANTS[name]
    path = tree / file
    path.write_text(applies(name).replace(old, new))


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
    names = [a for a in sys.argv[1:] if not a.startswith("--")] or list(MUTANTS)
    for name in names:
        if name not in MUTANTS:
            sys.exit(f"mutants: no mutant {name}; there are {' '.join(MUTANTS)}")
    if "--list" in sys.argv:
        for name in names:
            applies(name)
        print(f"mutants: all {len(names)} find what they change")
        return 0
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
