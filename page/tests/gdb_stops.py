"""In gdb, at a machine that runs a command: stop in the middle of the kernel, often, and write stops.json."""

import json
import os

import gdb

PLACES = ["sys_write", "mm_fault", "trap_interrupt", "plic_dispatch", "trap_fault", "spin_unlock", "page_put_many",
          "context_switch", "trap_from_user",
          "trap_entry"]
STEPS = 12              # instructions after each of them
LEFT_OVER = 1              # of them may be left that the command does not come to
SLOT = 1 << 14
NAMES = ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1"] + [f"a{i}" for i in range(8)] + \
        [f"s{i}" for i in range(2, 12)] + [f"t{i}" for i in range(3, 7)]


def value(text):
    return int(gdb.parse_and_eval(text)) & (1 << 64) - 1


def backtrace():
    """[pc, function, line, inlined] of each frame of the kernel's, but not of those that gdb guesses behind a tail call."""
    found, frame = [], gdb.newest_frame()
    while frame and frame.is_valid() and frame.pc() >> 63 and len(found) < 40:
        if frame.type() != gdb.TAILCALL_FRAME:
            found.append([str(frame.pc()), frame.name(), frame.find_sal().line, frame.type() == gdb.INLINE_FRAME])
        frame = frame.older()
    return found


def stop():
    slot = value("$sp") // SLOT * SLOT
    stack = gdb.selected_inferior().read_memory(slot + 4096, SLOT - 4096)
    return {"pc": str(value("$pc")), "sepc": str(value("$sepc")), "x": [str(value("$" + name)) for name in NAMES],
            "stackAt": str(slot + 4096), "stack": bytes(stack).hex(), "frames": backtrace()}


gdb.execute("set pagination off")
breakpoints = [gdb.Breakpoint(f"*&{place}") for place in PLACES]
stops = []
while len(breakpoints) > LEFT_OVER:
    gdb.execute("continue")
    hit = [b for b in breakpoints if b.hit_count > 0]
    for _ in range(STEPS):
        if value("$pc") >> 63 and value("$sp") >> 63:
            stops.append(stop())
        gdb.execute("stepi")
    for b in hit:
        breakpoints.remove(b)
        b.delete()
with open(os.environ["OUT"] + "/stops.json", "w") as file:
    json.dump(stops, file)
