#!/usr/bin/python3
"""Lamina on the machine and in QEMU, side by side, from the kernel's entry on.

    tests/machine/lockstep.py                       the short form: the boot and two sharing programs
    tests/machine/lockstep.py --long                the sharing programs, the first of alltests; each built kernel
    tests/machine/lockstep.py --run "ls; shmem_test"    these commands

QEMU leads. It runs the same kernel, with its own firmware, device tree and RAM, which the machine gets as they are when
the kernel is entered. QEMU stops at every trap, and behind everything that only the world outside can answer: a call of
the firmware, a read of the time, an access to a device, a wfi. The machine then runs to the same instruction by itself.
It is told the answer of the world and at which instruction an interrupt came; all else it must find out.
Compared at each stop: x1..x31, pc, sepc, scause, stval, sstatus, satp, the mode, and how many instructions have been
run; all RAM but the firmware's, at every thousandth stop and at the end.
"""

import argparse
import ctypes
import os
import pathlib
import re
import subprocess
import sys
import time

from build import ROOT, cross
from harness import AT_BREAK, AT_TRAP, AT_WAIT, AT_WORLD, NEVER, Harness, Registers
from qemu import CSRS, ENTRY, FIRMWARE_SIZE, RAM_BASE, Qemu, other_version

INTERRUPT = 1 << 63
RAM_EVERY = 1000                    # stops
FAR = 10_000_000                    # instructions that the machine may run to find a trap
SHORT = ["shmem_test", "share_demo"]
LONG = ["shmem_test", "log_test", "shmem_test1", "shmem_test2", "share_demo", "shmem_count", "crypto_cli", "mmap_test",
        "t_lib", "t_file", "t_dir", "t_link", "t_pipe", "t_proc", "t_exec", "t_sbrk", "t_copy", "t_shared",
        "t_sharelife"]


class Difference(Exception):
    """The machine and QEMU are not of one mind; says where and in what."""


class Kernel:
    """What the disassembly says: where functions are, and which instructions ask the world."""

    def __init__(self, path):
        self.path = path
        text = subprocess.run([cross("objdump"), "-d", str(path)], check=True, capture_output=True, text=True).stdout
        self.functions, self.behind = [], {}    # behind: address after the instruction -> (its address, kind)
        function = ""
        for line in text.splitlines():
            if found := re.match(r"([0-9a-f]{16}) <([^.>][^>]*)>:", line):
                function = found[2]
                self.functions.append((int(found[1], 16), function))
            elif found := re.match(r"\s*([0-9a-f]{16}):\s+([0-9a-f]+)\s+(\S+)\s*(.*)", line):
                kind = self.kind(function, found[3], found[4])
                if kind:
                    at = int(found[1], 16)
                    self.behind[at + len(found[2]) // 2] = (at, kind)
        self.entry = next(at for at, name in self.functions if name == "trap_entry")

    @staticmethod
    def kind(function, name, operands):
        if name in ("ecall", "wfi"):
            return name
        if name == "rdtime":
            return "answer"
        if function.startswith("mmio_") and re.fullmatch(r"(l|s)[bhwd]u?", name) and \
                not re.search(r"\((sp|s0)\)", operands):
            return "answer"
        return None

    def where(self, pc):
        before = [f for f in self.functions if f[0] <= pc]
        if not before or pc < self.functions[0][0]:
            return f"{pc:#x}, which is not the kernel's code"
        return f"{pc:#x} = {before[-1][1]}+{pc - before[-1][0]:#x}"


class Commands:
    """Types a command at each prompt, and one empty line at the end."""

    def __init__(self, qemu, commands, show):
        self.qemu, self.left, self.show = qemu, [*commands, ""], show
        self.seen = 0   # characters of the console

    def look(self):
        text = self.qemu.printed
        if self.show:
            print(text[self.seen:].replace("\r", ""), end="", flush=True)
        new, self.seen = len(text) > self.seen, len(text)
        if new and text.endswith("$ ") and self.left:
            self.qemu.type(self.left.pop(0) + "\n")


class Lockstep:
    def __init__(self, kernel, image, commands, ram, show=False, limit=600, functions="", sstc=True):
        self.functions = functions      # where to stop, too: a regular expression
        self.kernel = Kernel(kernel)
        self.qemu = Qemu(kernel, ram=ram, initrd=image, append="root=ram", limit=limit, cpu="" if sstc else ",sstc=off")
        self.machine = Harness(ram, sstc)
        self.commands = Commands(self.qemu, commands, show)
        self.base = 0       # QEMU's count when the machine's is 0
        self.stops = {"trap": 0, "interrupt": 0, "answer": 0, "ecall": 0, "wfi": 0, "function": 0}
        self.compared = {"registers": 0, "ram": 0}
        self.last = "the kernel's entry"

    # ---- The start ----------------------------------------------------------------------------------

    def start(self):
        """Both at the kernel's entry, with the same registers and RAM."""
        q = self.qemu
        q.breakpoints([ENTRY])
        q.run()
        q.breakpoints([ENTRY], on=False)
        q.breakpoints([self.kernel.entry, *self.kernel.behind])
        q.breakpoints(at for at, name in self.kernel.functions if re.fullmatch(self.functions, name))
        ctypes.memmove(self.machine.ram, bytes(q.ram), len(q.ram))
        self.theirs = self.registers()
        self.machine.set(ctypes.byref(self.theirs))
        for name, number in (("stvec", 0x105), ("sie", 0x104), ("sscratch", 0x140)):
            self.machine.set_csr(number, q.look(name)[1])
        self.base, self.count = self.count, 0
        self.compare()

    def registers(self):
        """QEMU's, and its count of instructions."""
        general, mode, *csrs = self.qemu.look("priv", *CSRS)
        self.count = self.qemu.count() - self.base
        r = Registers(pc=general[32], mode=mode)
        r.x[:] = general[:32]
        for name, value in zip(CSRS, csrs):
            setattr(r, name, value)
        return r

    # ---- One stop -----------------------------------------------------------------------------------

    def follow(self, theirs):
        """The machine goes where QEMU stands. => what kind of stop it was"""
        if theirs.pc == self.kernel.entry:
            if theirs.scause & INTERRUPT:
                self.to_interrupt(theirs)
                return "interrupt"
            self.to_exception(theirs)
            return "trap"
        if theirs.pc not in self.kernel.behind:
            self.to_function(theirs)
            return "function"
        at, kind = self.kernel.behind[theirs.pc]
        self.to_answer(theirs, at, kind)
        return kind

    def run(self, count, address=NEVER):
        """To a count, an address, what needs an answer, or a trap that goes to the kernel's entry."""
        while True:
            stopped = self.machine.run(count, address)
            if stopped != AT_TRAP or self.machine.registers().pc == self.kernel.entry:
                return stopped

    def answered(self, theirs, at):
        """The instruction that asks the world is done: its result is what QEMU has."""
        word = int.from_bytes(bytes(self.qemu.ram[self.physical(at):self.physical(at) + 4]), "little")
        if word == 0x73:
            self.machine.set_x(10, theirs.x[10])
            self.machine.set_x(11, theirs.x[11])
        elif rd := self.destination(word):
            self.machine.set_x(rd, theirs.x[rd])
        self.machine.skip(4 if word & 3 == 3 else 2)

    @staticmethod
    def physical(va):
        return (va & 0x3fffffffff) - RAM_BASE if va >> 38 else va - RAM_BASE

    @staticmethod
    def destination(word):
        """Which register an instruction of this kind sets; 0: none."""
        if word & 3 != 3:
            return 8 + (word >> 2 & 7) if word >> 13 & 7 in (2, 3) else 0
        return 0 if word & 0x7f == 0x23 else word >> 7 & 31

    def to_interrupt(self, theirs):
        stopped = self.run(self.count)
        ours = self.machine.registers()
        if stopped == AT_WORLD and ours.pc != theirs.sepc:
            self.answered(theirs, ours.pc)      # it came with the answer
        elif stopped == AT_TRAP:
            self.fail(theirs, f"the machine traps at {self.kernel.where(ours.sepc)}, cause {ours.scause}; QEMU runs on")
        self.machine.trap(theirs.scause, 0)

    def to_exception(self, theirs):
        stopped = self.run(self.count + FAR)
        ours = self.machine.registers()
        if stopped == AT_WORLD and ours.pc == theirs.sepc:
            self.machine.trap(theirs.scause, theirs.stval)      # no device answers there
        elif stopped != AT_TRAP:
            self.fail(theirs, f"QEMU traps at {self.kernel.where(theirs.sepc)}, cause {theirs.scause}; "
                              f"the machine is at {self.kernel.where(ours.pc)}")

    def to_function(self, theirs):
        if self.run(self.count + FAR, theirs.pc) != AT_BREAK:
            self.fail(theirs, f"QEMU has come to {self.kernel.where(theirs.pc)}, the machine to "
                              f"{self.kernel.where(self.machine.registers().pc)}")

    def to_answer(self, theirs, at, kind):
        stopped = self.run(self.count + FAR, theirs.pc)
        ours = self.machine.registers()
        if kind != "wfi" and stopped == AT_WORLD and ours.pc == at:
            self.answered(theirs, at)
        elif ours.pc != theirs.pc or stopped not in (AT_BREAK, AT_WAIT):     # AT_BREAK: it was RAM, after all
            self.fail(theirs, f"QEMU has come to {self.kernel.where(at)}, the machine to "
                              f"{self.kernel.where(ours.sepc if stopped == AT_TRAP else ours.pc)}")

    # ---- Comparing ----------------------------------------------------------------------------------

    def fail(self, theirs, what):
        raise Difference(f"after {self.machine.count()} instructions, since {self.last}: {what}")

    def compare(self):
        """Registers and counts of both, at a stop."""
        theirs, ours = self.theirs.named(), self.machine.registers().named()
        self.compared["registers"] += 1
        for name, value in theirs.items():
            if ours[name] != value:
                self.fail(theirs, f"at {self.kernel.where(self.theirs.pc)} "
                                  f"(sepc {self.kernel.where(self.theirs.sepc)}) {name} is "
                                  f"{ours[name]:#x} on the machine, {value:#x} in QEMU")
        if self.count != self.machine.count():
            self.fail(theirs, f"at {self.kernel.where(self.theirs.pc)} the machine has run {self.machine.count()} "
                              f"instructions, QEMU {self.count}")

    def compare_ram(self):
        self.compared["ram"] += 1
        other = ctypes.addressof(ctypes.c_char.from_buffer(self.qemu.ram))
        at = self.machine.differs(other, FIRMWARE_SIZE)
        if at != NEVER:
            at &= ~7
            ours, theirs = (int.from_bytes(side[at:at + 8], "little") for side in (self.machine.ram, self.qemu.ram))
            self.fail(None, f"RAM at {RAM_BASE + at:#x} holds {ours:#x} on the machine, {theirs:#x} in QEMU")

    def go(self):
        self.start()
        while self.commands.left:
            self.qemu.step()
            self.qemu.run(self.commands.look)
            before, self.theirs = (self.theirs.pc, self.count), self.registers()
            if before == (self.theirs.pc, self.count):
                continue        # QEMU came back to its breakpoint with nothing done
            self.stops[self.follow(self.theirs)] += 1
            self.compare()
            self.last = self.kernel.where(self.theirs.sepc if self.theirs.pc == self.kernel.entry else self.theirs.pc)
            if self.compared["registers"] % RAM_EVERY == 0:
                self.compare_ram()
        self.compare_ram()


def compare(kernel, commands, args, sbi_timer):
    """One run, and one line for it. => whether it showed a difference"""
    began, difference = time.monotonic(), None
    lock = Lockstep(kernel, args.image, commands, 64 << 20, args.show, args.limit, args.functions, not sbi_timer)
    try:
        lock.go()
    except Difference as found:
        difference = found
    finally:
        lock.qemu.close()
    stops = ", ".join(f"{n} {kind}" for kind, n in lock.stops.items() if n)
    what = os.path.relpath(kernel, ROOT) + (", no Sstc" if sbi_timer else "")
    print(f"{'FAILED' if difference else 'ok    '} lockstep: {what}: {lock.machine.count()} instructions; "
          f"stops: {stops}; RAM compared {lock.compared['ram']} times")
    if difference:
        print(f"    {difference}")
    print(f"      {time.monotonic() - began:.1f} s", flush=True)
    return bool(difference)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", type=pathlib.Path, default=ROOT / "build" / "kernel")
    parser.add_argument("--image", type=pathlib.Path, default=ROOT / "build" / "pristine.img")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--run", help="commands, divided by ;")
    parser.add_argument("--show", action="store_true", help="show the console")
    parser.add_argument("--sbi-timer", action="store_true", help="harts without Sstc: the firmware sets the timer")
    parser.add_argument("--functions", default="", help="stop at these, too: a regular expression; .* finds the first")
    parser.add_argument("--limit", type=int, default=900, help="seconds for QEMU")
    args = parser.parse_args()
    if found := other_version():
        print(f"skipped lockstep: {found}")
        return 0
    commands = [c.strip() for c in args.run.split(";")] if args.run else LONG if args.long else SHORT
    failed = compare(args.kernel, commands, args, args.sbi_timer)
    if args.long and not args.run:
        failed += compare(args.kernel, SHORT, args, True)
        for variant in ("check", "debug", "llvm"):      # other code for the same kernel
            if (kernel := args.kernel.parent / variant / "kernel").exists():
                failed += compare(kernel, SHORT, args, False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
