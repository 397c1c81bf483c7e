#!/usr/bin/python3
"""Every instruction, CSR and kind of fault: on the machine and in QEMU.

    tests/machine/hart_test.py              the short form: a part of the cases
    tests/machine/hart_test.py --long       all of them
    tests/machine/hart_test.py --only csrs --seed 7

suites.py makes the cases, image.py lays them out for executor.S, which runs each from a given state to its first trap.
Compared for each case: x1..x31, sepc, scause, stval, sstatus, sie, sip, satp, scounteren, senvcfg; for every 256 cases
the data page; at the end all RAM from the entry on, with the A and D bits of the page tables. What suites.py leaves out
is what the specification leaves free: it says so where it does.
"""

import argparse
import concurrent.futures
import ctypes
import pathlib
import random
import struct
import sys
import tempfile
import time

from harness import NEVER, Harness
from image import ENTRY, RAM, RESULT_NAMES, RESULT_SIZE, RESULTS, Image
from qemu import RAM_BASE, Qemu, other_version
from suites import SUITES

SHOWN = 12      # differences


def stuck(image, ram):
    """The name of the case that a run which does not end is in."""
    at = image.symbols["parameters"] - RAM_BASE
    _, _, _, result = struct.unpack_from("<4Q", ram, at)
    n = (result - RESULTS) // RESULT_SIZE
    return f"near case {n}: {image.cases[min(max(n, 0), len(image.cases) - 1)][0]}"


def on_qemu(image, binary, limit):
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(binary)
        file.flush()
        # The second hart waits in the firmware. With one alone QEMU makes an AMO a load and a store.
        qemu = Qemu(file.name, ram=RAM, limit=limit, harts=2, counted=False)
        try:
            end, done = time.monotonic() + limit, image.symbols["parameters"] + 48 - RAM_BASE
            qemu.send("c")
            while not any(qemu.ram[done:done + 8]):
                if time.monotonic() > end:
                    raise SystemExit(f"hart_test: QEMU does not come to an end, {stuck(image, qemu.ram)}")
                time.sleep(0.02)
            return bytes(qemu.ram)
        finally:
            qemu.close()


def on_machine(image, binary, lib=None):
    machine = Harness(RAM, lib=lib)
    at = ENTRY - RAM_BASE
    machine.ram[at:at + len(binary)] = binary
    registers = machine.registers()
    registers.pc, registers.mode = ENTRY, 1
    machine.set(ctypes.byref(registers))
    if not machine.run_bare(400 * len(image.cases) * 10 + 1000000, image.symbols["end"]):
        raise SystemExit(f"hart_test: the machine does not come to an end, {stuck(image, bytes(machine.ram))}")
    done = image.symbols["parameters"] + 48 - RAM_BASE
    return bytes(machine.ram[:done]) + bytes(8) + bytes(machine.ram[done + 8:])


def describe(image, n, ours, theirs):
    """What differs in one case, in words; None when nothing does."""
    name, code, free = image.cases[n]
    pairs = zip(RESULT_NAMES, struct.unpack("<40Q", ours), struct.unpack("<40Q", theirs))
    different = [f"{r} {a:#x} on the machine, {b:#x} in QEMU" for r, a, b in pairs if (a ^ b) & ~free]
    return f"{name} [{code[:12].hex(' ', 4)}]: {'; '.join(different[:4])}" if different else None


def compare_cases(image, ours, theirs):
    """=> what differs, in words, by the number of the case"""
    (our_cases, our_pages), (their_cases, their_pages) = image.results(ours), image.results(theirs)
    found = {n: describe(image, n, a, b) for n, (a, b) in enumerate(zip(our_cases, their_cases)) if a != b}
    for (n, a), (_, b) in zip(our_pages, their_pages):
        if a != b and not any(found.values()):
            at = next(i for i in range(len(a)) if a[i] != b[i])
            found[n] = f"the data page at {at:#x} after this case: {a[at]:#x} on the machine, {b[at]:#x} in QEMU"
    return {n: text for n, text in found.items() if text}


def compare_ram(image, ours, theirs):
    """The rest: tables, with their A and D bits, and what stores that went astray would have changed."""
    mine = range(image.symbols["parameters"] - RAM_BASE, image.symbols["parameters"] - RAM_BASE + 64)
    found = []
    for at in range(ENTRY - RAM_BASE, RESULTS - RAM_BASE, 4096):
        if ours[at:at + 4096] != theirs[at:at + 4096]:
            for i in range(at, at + 4096, 8):
                a, b = (int.from_bytes(run[i:i + 8], "little") for run in (ours, theirs))
                if a != b and i not in mine:
                    found.append(f"RAM at {RAM_BASE + i:#x}: {a:#x} on the machine, {b:#x} in QEMU")
    return found


def run(names, args):
    """One image with these suites. => how many of its checks failed"""
    began, failed, ranges, image = time.monotonic(), 0, {}, Image()
    for name in names:
        first = len(image.cases)
        SUITES[name](image, random.Random(args.seed), 1 if args.long else 0.2)
        ranges[name] = range(first, len(image.cases))
    binary = image.finish()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        ours, theirs = pool.submit(on_machine, image, binary), pool.submit(on_qemu, image, binary, args.limit)
        ours, theirs = ours.result(), theirs.result()
    found = compare_cases(image, ours, theirs)
    for name in names:
        texts = [text for n, text in found.items() if n in ranges[name]]
        failed += say(f"{name}: {len(ranges[name])} cases", texts, args.kinds)
    if not found:
        failed += say(f"RAM after {', '.join(names)}", compare_ram(image, ours, theirs), False)
    print(f"      {time.monotonic() - began:.1f} s", flush=True)
    return failed


def say(what, texts, kinds):
    """One line for a check, and some of what differs. => whether it failed"""
    print(f"{'FAILED' if texts else 'ok    '} hart: {what}, {len(texts)} differ")
    for text in list({text[:8]: text for text in texts[::-1]}.values() if kinds else texts)[:SHOWN]:
        print(f"    {text}")
    return bool(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", choices=SUITES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", action="store_true", help="show one difference of each kind, not the first ones")
    parser.add_argument("--limit", type=int, default=240, help="seconds for QEMU, for each image")
    args = parser.parse_args()
    if found := other_version():
        print(f"skipped hart: {found}")
        return 0
    names = [args.only] if args.only else list(SUITES)
    groups = [[name] for name in names] if args.long else [names]
    return 1 if sum(run(group, args) for group in groups) else 0


if __name__ == "__main__":
    sys.exit(main())
