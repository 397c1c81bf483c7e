#!/usr/bin/python3
"""Follow one operation through the kernel, and list the functions that it enters, in order.

    tools/flow.py               a table of all operations
    tools/flow.py touch         one of them: each function once, where it was first entered, with its file
    tools/flow.py --check       the table; exit 1 if an operation enters more functions than it may, or crosses more
                                layers
    tools/flow.py --update      the table, also written into docs/design.md

The DEBUG=1 kernel runs on one hart in QEMU, one instruction at a time, and QEMU logs where. The program is
tools/flow/ops.c. What is counted, in the operation as it usually goes and in the longest of some dozen turns:

- functions: distinct ones, of lib/ and of headers, too. The debug information knows those that the compiler has
  inlined: they count when an instruction of theirs is met.
- steps: those of them that are in a .c or .S file and not in lib/.
- crossings: distinct calls from a step in one layer to a step in another. A call does not count if the step before
  it was in the other layer already; returns and traps do not count.
- pointers: functions entered through a pointer, but for the table of system calls.
"""

import bisect
import collections
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

from csource import KERNEL_DIRECTORIES, ROOT, c_files, functions
from objects import tool

sys.path.insert(0, str(ROOT / "tests" / "boot"))

from machine import BUILD, Machine, MachineError, qemu_arguments  # noqa: E402

KERNEL = BUILD / "debug" / "kernel"
IMAGE = BUILD / "flow.img"
KERNEL_START = 0xFFFFFFC000000000
FIRMWARE_START = 0x80000000
SLOW_DISK = "throttling.iops-total=10"       # so slow that its reader sleeps, most of the time
SLEEP = "context_switch"
MARK = "sys_getpid"
TICKS = ("tick", "slice")

# name: (what it is, the most functions that it may enter, the most crossings, the most pointers), as it usually goes
OPERATIONS = {
    "touch": ("the first store to a page of fresh memory", 26, 2, 0),
    "map": ("map_shared_pages() of one page", 88, 5, 0),
    "fork": ("fork() of a small process, until the parent goes on", 78, 9, 1),
    "cow": ("the parent's store to a page after fork()", 37, 3, 0),
    "unmap": ("the last holder of a shared page unmaps it, and its frame is free", 56, 5, 0),
    "shrink": ("sbrk() gives a page back", 52, 4, 0),
    "disk": ("read() of what only the disk holds", 104, 20, 3),
    "read": ("read() of what the cache holds", 30, 4, 1),
    "tick": ("a tick of the timer, with nobody else to run", 16, 1, 0),
    "slice": ("a tick of the timer that gives the hart to another process", 22, 3, 0),
}

TRACE = re.compile(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
FUNCTION = re.compile(r"^ *\d+: ([0-9a-f]{16}) +\d+ FUNC .* (\S+)$", re.MULTILINE)
INSTRUCTION = re.compile(r"^\s*([0-9a-f]{16}):\s+([0-9a-f]+)\s+(\S+)[ \t]*([^#<\n]*)", re.MULTILINE)


# ---- The machine -------------------------------------------------------------------------------------------


def make(*arguments):
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BUILDING")
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    subprocess.run(["make", "-s", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)


class Monitor:
    """QEMU's monitor, which switches the log on and off."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.answer()

    def answer(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            text += self.socket.recv(4096)

    def do(self, command):
        self.socket.sendall(command.encode() + b"\n")
        self.answer()


def record(operations, directory, shift):
    """Run the operations in one machine. => what the hart executed in each: a list of addresses."""
    control = directory / "monitor"
    options = ["-singlestep", "-icount", f"shift={shift}", "-monitor", f"unix:{control},server,nowait"]
    command = qemu_arguments(image=f"{IMAGE},{SLOW_DISK}", variant="debug", cpus=1, options=options)
    with Machine(image=IMAGE, command=command) as machine:
        machine.wait_for_shell()
        monitor = Monitor(control)
        for name in operations:
            machine.start(f"ops {name}")
            machine.expect("ready")
            monitor.do(f"logfile {directory / name}")
            monitor.do("log exec,nochain")
            machine.type("\n")
            machine.expect("done")
            monitor.do("log none")
            monitor.do(f"logfile {directory / 'rest'}")
            machine.expect(r"\$ ")
    return {name: addresses(directory / name) for name in operations}


def addresses(log):
    with open(log, errors="replace") as lines:
        return [int(match[1], 16) for match in map(TRACE.match, lines) if match]


# ---- The kernel's code ----------------------------------------------------------------------------------------


class Code:
    """Which function an address belongs to, and what the instruction there does."""

    def __init__(self, pcs):
        self.starts = {int(start, 16): name for start, name in FUNCTION.findall(tool("readelf", "-sW", KERNEL))}
        self.sorted = sorted(self.starts)
        self.instructions = {int(at, 16): (len(code) // 2, name, operands.strip())
                             for at, code, name, operands in INSTRUCTION.findall(tool("objdump", "-d", KERNEL))}
        self.sources = sources()
        self.chains = self.find_chains(sorted(pcs))

    def find_chains(self, pcs):
        """For each address its functions as (name, file): the one that the linker knows first, inlined ones behind."""
        text = tool("addr2line", "-aife", KERNEL, text="\n".join(map(hex, pcs)))
        found, chain = {}, []
        lines = iter(text.splitlines())
        for line in lines:
            if line.startswith("0x"):
                pc = int(line, 16)
                chain = found[pc] = []
            else:
                chain.append(self.place(line, next(lines)))
        for pc, chain in found.items():
            name = self.starts[self.start_of(pc)]
            file = chain[-1][1]
            chain[-1] = self.place(name, file)
        return {pc: tuple(reversed(chain)) for pc, chain in found.items()}

    def start_of(self, pc):
        return self.sorted[bisect.bisect_right(self.sorted, pc) - 1]

    def place(self, name, line):
        """A function's file: an instruction may belong to a line of another one."""
        file = line.split(":")[0]
        file = os.path.relpath(file, ROOT) if file.startswith("/") else file
        files = self.sources.get(name, [file])
        return name, file if file in files else files[0]

    def name(self, pc):
        return self.chains[pc][0]

    def is_call(self, pc):
        _, name, operands = self.instructions[pc]
        return name == "jal" and not operands.startswith("zero") or \
            name == "jalr" and not operands.startswith("zero")

    def by_pointer(self, previous, pc):
        """Does the instruction jump to where a register says? A far call of two instructions does not count."""
        _, name, operands = self.instructions[pc]
        if name not in ("jalr", "jr") or operands == "ra":
            return False
        before = self.instructions.get(previous, (0, "", ""))
        register = re.search(r"\w+(?=\)|$)", operands)[0]
        return not (before[1] == "auipc" and before[2].startswith(register + ","))


def sources():
    """Function -> the files that define it."""
    found = collections.defaultdict(list)
    headers = [path.relative_to(ROOT) for path in (ROOT / "include").glob("*/*.h")]
    for path in [*headers, *c_files(KERNEL_DIRECTORIES, "*.[ch]")]:
        for function in functions(path):
            found[function.name].append(str(path))
    for path in c_files(KERNEL_DIRECTORIES, "*.S"):
        for name in re.findall(r"^(\w+):", (ROOT / path).read_text(), re.MULTILINE):
            found[name].append(str(path))
    return found


def is_step(function):
    return function[1].endswith((".c", ".S")) and layer(function[1]) != "lib"


def layer(file):
    first, _, rest = file.partition("/")
    if first == "include":
        first = rest.partition("/")[0]
    return {"asm": "arch"}.get(first, first)


# ---- One operation --------------------------------------------------------------------------------------------


class Flow:
    """What one turn of an operation entered."""

    def __init__(self, code, stays):
        self.code = code
        self.entered = {}               # (name, file) -> (depth, inlined?), in the order of the first entry
        self.calls = set()              # (caller, callee) between layers
        self.crossings = []
        self.pointers = []
        self.last = None                # the layer of the last step
        self.instructions = sum(len(stay) for stay in stays)
        for stay in stays:
            self.follow(stay)

    def follow(self, stay):
        """One stay in the kernel, from the trap to the program's next instruction."""
        stack, before, previous = [], None, None
        for pc in stay:
            physical = self.code.name(pc)
            if pc in self.code.starts and (previous is None or self.arrives(previous, pc)):
                self.enter(stack, before, previous, pc)
            elif not stack or stack[-1] != physical:
                while stack and stack[-1] != physical:
                    stack.pop()
                if not stack:
                    stack.append(physical)
            self.add(physical, len(stack), False)
            for depth, inlined in enumerate(self.code.chains[pc][1:], len(stack) + 1):
                self.add(inlined, depth, True)
            before, previous = previous, pc

    def arrives(self, previous, pc):
        """By a call or a jump to another function, and not by a loop or from the instruction before?"""
        return self.code.is_call(previous) or (self.code.name(previous) != self.code.name(pc) and
                                               previous + self.code.instructions[previous][0] != pc)

    def enter(self, stack, before, previous, pc):
        callee = self.code.name(pc)
        call = previous is not None and (self.code.is_call(previous) or callee[0] != "trap_entry")
        if previous is not None and not self.code.is_call(previous) and stack:
            stack.pop()
        stack.append(callee)
        if not call:
            return
        caller = self.code.chains[previous][-1]
        if is_step(callee) and is_step(self.code.name(previous)):
            self.cross(caller, callee)
        if self.code.by_pointer(before, previous) and caller[0] != "trap_syscall" and callee not in self.pointers:
            self.pointers.append(callee)

    def cross(self, caller, callee):
        there = layer(callee[1])
        if layer(caller[1]) != there and (caller, callee) not in self.calls:
            self.calls.add((caller, callee))
            if there != self.last:
                self.crossings.append((caller, callee))

    def add(self, function, depth, inlined):
        if function not in self.entered:
            self.entered[function] = (depth, inlined)
            if is_step(function):
                self.last = layer(function[1])

    def steps(self):
        return [function for function in self.entered if is_step(function)]

    def files(self):
        return {file for _, file in self.entered}


def stays(pcs):
    """Cut what was executed into stays in the kernel; the firmware's instructions are left out."""
    stay = []
    for pc in pcs:
        if pc >= KERNEL_START:
            stay.append(pc)
        elif pc < FIRMWARE_START and stay:
            yield stay
            stay = []


def turns(name, pcs, code):
    """The stays of each turn: those between two marks, or each interrupt of a program for the tick."""
    entered = [({code.chains[pc][0][0] for pc in stay}, stay) for stay in stays(pcs)]
    if name in TICKS:
        return [[stay] for names, stay in entered if "trap_interrupt" in names and "trap_syscall" not in names]
    found, turn = [], None
    for names, stay in entered:
        if MARK in names:
            if turn:
                found.append(turn)
            turn = [] if turn is None else None
        elif turn is not None:
            turn.append(stay)
    if name == "disk":
        found = [turn for turn in found if SLEEP in {code.chains[pc][0][0] for stay in turn for pc in stay}]
    return found


# ---- What is printed --------------------------------------------------------------------------------------------


def print_flow(flow):
    print(f"{'':>4}  {'layer':<8} {'file':<28} function")
    for number, ((name, file), (depth, inlined)) in enumerate(flow.entered.items(), 1):
        print(f"{number:>4}  {layer(file):<8} {file:<28} {'  ' * (depth - 1)}{name}{' (inlined)' if inlined else ''}")
    print()
    print("crossings: " + ", ".join(f"{a[0]} -> {b[0]}" for a, b in flow.crossings))
    print("pointers:  " + ", ".join(name for name, _ in flow.pointers))


COLUMNS = ("functions", "steps", "files", "crossings", "pointers", "instructions")


def numbers(flow):
    return (len(flow.entered), len(flow.steps()), len(flow.files()), len(flow.crossings), len(flow.pointers),
            flow.instructions)


def print_table(measured):
    print(f"{'':<8} {'usually':<55}   the longest")
    print(f"{'':<8} " + "   ".join(["  ".join(COLUMNS)] * 2))
    for name, flows in measured.items():
        print(f"{name:<8} " + "   ".join("  ".join(f"{number:>{len(column)}}" for number, column
                                                   in zip(numbers(flow), COLUMNS)) for flow in usual(flows)))


def usual(flows):
    """The turn whose number of functions is the median, and the one with most."""
    flows = sorted(flows, key=lambda flow: (len(flow.entered), flow.instructions))
    return flows[(len(flows) - 1) // 2], flows[-1]


def measure(operations):
    """=> name -> the turns of the operation"""
    make("DEBUG=1", "kernel-files")
    make("EXTRA=tools/flow/ops.c", f"IMAGE={IMAGE.relative_to(ROOT)}", str(IMAGE.relative_to(ROOT)))
    executed = {}
    for shift, some in ((0, [name for name in operations if name not in TICKS]),
                        (10, [name for name in operations if name in TICKS])):
        if some:                        # an instruction takes 2**shift ns: there is no tick in most operations
            with tempfile.TemporaryDirectory(prefix="lamina-flow-") as directory:
                executed.update(record(some, pathlib.Path(directory), shift))
    code = Code({pc for pcs in executed.values() for pc in pcs if pc >= KERNEL_START})
    measured = {name: [Flow(code, turn) for turn in turns(name, pcs, code)] for name, pcs in executed.items()}
    for name, flows in measured.items():
        if not flows:
            raise MachineError(f"{name} was not seen in the log")
    return measured


def above(name, flow):
    """What of this operation is above its limit, in words."""
    _, *limits = OPERATIONS[name]
    figures = len(flow.entered), len(flow.crossings), len(flow.pointers)
    return [f"{name}: {figure} {what}, and {limit} are the limit"
            for figure, limit, what in zip(figures, limits, ("functions", "crossings", "pointers")) if figure > limit]


def update_design(measured):
    """Write what is now behind what was before."""
    path = ROOT / "docs/design.md"
    text = path.read_text()
    for name, flows in measured.items():
        flow = usual(flows)[0]
        now = iter((len(flow.entered), len(flow.crossings), len(flow.pointers)))
        text = re.sub(rf"^(\| `{name}`: [^|]*)((?:\| \d+ \| \d+ ){{3}})\|$",
                      lambda row: row[1] + re.sub(r"(\| \d+ \|) \d+ ", lambda m: f"{m[1]} {next(now)} ", row[2]) + "|",
                      text, flags=re.MULTILINE)
    path.write_text(text)


def main():
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")] or list(OPERATIONS)
    if not set(wanted) <= set(OPERATIONS):
        print("usage: tools/flow.py [--check | --update] [" + " | ".join(OPERATIONS) + "]", file=sys.stderr)
        return 2
    try:
        measured = measure(wanted)
    except (MachineError, subprocess.CalledProcessError) as error:
        print(f"flow: {error}", file=sys.stderr)
        return 1
    if len(wanted) == 1:
        print(f"{wanted[0]}: {OPERATIONS[wanted[0]][0]}\n")
        print_flow(usual(measured[wanted[0]])[0])
        print()
    print_table(measured)
    if "--update" in sys.argv:
        update_design(measured)
    if "--check" not in sys.argv:
        return 0
    errors = [error for name, flows in measured.items() for error in above(name, usual(flows)[0])]
    print("\n".join(errors) or "flow: all within the limits")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
