"""Looking inside with gdb: the stub, the symbols, the flow of one shared page, a backtrace through a trap."""

import os
import re
import subprocess

import pexpect
import pytest

from machine import BUILD, ROOT, WAIT, kernel_path
from test_make import free_port, make, make_machine

FLOW = ["share_pages", "map_shared_pages", "mm_lend", "mm_borrow", "pt_map"]


class Gdb:
    """gdb-multiarch on a kernel, connected to a machine; or what `command` starts, which connects by itself."""

    def __init__(self, target=None, kernel=BUILD / "kernel", command=None):
        command = command or ["gdb-multiarch", "-q", "-nx", "-x", "tools/gdb/lamina.gdb", str(kernel)]
        self.child = pexpect.spawn(command[0], command[1:],
                                   cwd=str(ROOT), encoding="utf-8", codec_errors="replace", timeout=WAIT,
                                   echo=False, dimensions=(100, 500), env={**os.environ, "TERM": "dumb"})
        self.child.delaybeforesend = None
        self.child.expect(r"\(gdb\) ")
        self.greeting = self.child.before.replace("\r", "")
        self.say("set style enabled off")
        self.say("set remotetimeout unlimited")         # else a slow answer is taken for the next one's
        self.say("set tcp connect-timeout unlimited")
        if target:
            self.say(f"target remote {target}")

    def say(self, command):
        self.child.sendline(command)
        self.child.expect(r"\(gdb\) ")
        return self.child.before.replace("\r", "")

    def number(self, expression):
        return int(re.search(r"= (\d+)", self.say(f"print/u {expression}"))[1])

    def registers(self, frame=0):
        """The pc and the 31 registers as that frame has them."""
        self.say(f"frame {frame}")
        found = re.findall(r"^(\w+) +0x([0-9a-f]+)", self.say("info registers"), re.MULTILINE)
        self.say("frame 0")
        return {name: int(value, 16) for name, value in found}

    def resume(self):
        """Continue, and return at once: the machine runs while the test types at it."""
        self.child.sendline("continue")
        self.child.expect("Continuing")

    def wait(self):
        self.child.expect(r"\(gdb\) ")
        return self.child.before.replace("\r", "")

    def close(self):
        self.child.close(force=True)


@pytest.fixture
def debugged(boot, tmp_path):
    """A machine stopped before its first instruction, and a gdb connected to it."""
    sessions = []

    def start(**options):
        socket = tmp_path / "gdb.sock"
        machine = boot(shell=False, options=["-S", "-gdb", f"unix:{socket},server=on,wait=off"], **options)
        while not socket.exists() and machine.child.isalive():
            pass
        gdb = Gdb(socket, kernel_path(options.get("variant", "")))
        sessions.append(gdb)
        return machine, gdb

    yield start
    for gdb in sessions:
        gdb.close()


@pytest.mark.weight(10)
def test_flow_stops_in_each_layer_in_order(debugged):
    """One breakpoint a layer fires in the order of docs/flows/map-shared.md: nothing was inlined away."""
    machine, gdb = debugged(cpus=1)
    gdb.say("break share_pages")
    gdb.resume()
    machine.wait_for_shell()
    machine.start("shmem_test")
    stops = [gdb.wait()]
    for function in FLOW[1:]:
        gdb.say(f"tbreak {function}")
        stops.append(gdb.say("continue"))
    for function, stop in zip(FLOW, stops):
        assert re.search(rf"\b{function} \(", stop), stop
    trace = gdb.say("backtrace")
    for function in ("pt_map", "mm_borrow", "map_shared_pages", "share_pages", "trap_entry"):
        assert function in trace, trace


def test_nothing_sleeps_before_the_shell(debugged):
    """Both names of the call have a symbol; init waits in a call of its own. `zombie` does sleep."""
    machine, gdb = debugged(cpus=1)
    gdb.say("break sys_sleep")
    gdb.say("break sys_pause")
    gdb.resume()
    machine.wait_for_shell()
    machine.start("zombie")
    assert re.search(r"\bsys_(sleep|pause) \(", gdb.wait())


@pytest.mark.weight(10)
def test_backtrace_goes_through_the_trap(debugged):
    """From the system call out to the user program: the trap entry has call frame information."""
    machine, gdb = debugged(cpus=1)
    gdb.say("add-symbol-file build/user/_shmem_test")
    gdb.say("break share_pages")
    gdb.resume()
    machine.wait_for_shell()
    machine.start("shmem_test")
    gdb.wait()
    trace = gdb.say("backtrace")
    assert re.search(r"share_pages", trace)
    assert re.search(r"in main \(", trace) or "usr/shmem_test.c" in trace, trace


def step_in(gdb, function, truth, **changed):
    """From trap_entry to that function, at each instruction: frame 1 is what was interrupted, all its registers."""
    end = gdb.number(f"&{function}")
    steps = 0
    while gdb.number("$pc") != end:
        seen = gdb.registers(frame=1)
        for name, value in truth.items():
            assert seen[name] in (value, changed.get(name, value)), (gdb.say("x/i $pc"), name, seen, truth)
        gdb.say("stepi")
        steps += 1
    return steps


def step_out(gdb, truth):
    """The same on the way out, sret included. gdb's stepi does not follow that: it goes on with the code behind it."""
    instruction = ""
    while "sret" not in instruction:
        instruction = gdb.say("x/i $pc")
        assert gdb.registers(frame=1) == truth, instruction
        if "sret" not in instruction:
            gdb.say("stepi")


@pytest.mark.weight(10)
def test_backtrace_is_true_at_every_instruction(debugged):
    """Into the kernel and out of it, from a program and from the kernel itself; and from task to task."""
    machine, gdb = debugged(cpus=1)
    gdb.say("tbreak kernel_main")
    gdb.say("continue")
    assert gdb.say("backtrace").count("#") == 2                 # _start, where it ends
    gdb.say("tbreak *trap_entry if $scause == 8 && $a7 == 22")
    gdb.resume()
    machine.wait_for_shell()
    machine.start("shmem_test")
    gdb.wait()
    truth = {**gdb.registers(), "pc": gdb.number("$sepc")}
    assert step_in(gdb, "trap_syscall", truth, pc=truth["pc"] + 4) > 35
    gdb.say(f"tbreak *return_keep_s if $sp == {gdb.number('$a0')}")
    gdb.say("continue")
    truth.update(pc=truth["pc"] + 4, a0=gdb.number("((struct trapframe *)$sp)->a0"))
    step_out(gdb, truth)

    gdb.say("tbreak *trap_entry if (long)$sp < 0")
    gdb.say("continue")
    truth = {**gdb.registers(), "pc": gdb.number("$sepc")}
    assert step_in(gdb, "trap_from_kernel", truth) > 40
    gdb.say("finish")
    step_out(gdb, truth)


def test_backtrace_shows_one_task_at_a_time(debugged):
    """While context_switch() loads registers, they are the old task's or the new one's, not a mixture."""
    _, gdb = debugged(cpus=1)
    gdb.say("tbreak *context_switch")
    gdb.say("continue")
    old = (gdb.number("$ra"), gdb.number("$sp"), gdb.number("$s11"))
    new = tuple(gdb.number(f"((struct context *)$a1)->{field}") for field in ("ra", "sp", "s[11]"))
    seen = []
    while "context_switch" in gdb.say("info symbol $pc"):
        caller = gdb.registers(frame=1)
        seen.append((caller["pc"], caller["sp"], caller["s11"]))
        gdb.say("stepi")
    switch = seen.index(new)
    assert 0 < switch and set(seen[:switch]) == {old} and set(seen[switch:]) == {new}


def test_backtrace_after_a_stack_overflow(boot, debugged):
    """The report runs on another stack; gdb finds the one that is full."""
    _, gdb = debugged(cpus=1, variant="check", append="overflow panic=off")
    gdb.say("tbreak *stack_overflow")
    gdb.say("continue")
    truth = gdb.registers(frame=1)
    for _ in range(7):
        caller = gdb.registers(frame=1)
        assert [caller[name] for name in ("pc", "sp", "fp", "s2")] == [truth[name] for name in ("pc", "sp", "fp", "s2")]
        gdb.say("stepi")
    gdb.say("tbreak panic")
    gdb.say("continue")
    assert re.search(r"trap_stack_overflow.*handler called.*overflow", gdb.say("backtrace 6"), re.DOTALL)


def test_breakpoint_from_reset(debugged):
    """A breakpoint at a high-half address, set before the first instruction, fires."""
    _, gdb = debugged(cpus=1)
    gdb.say("tbreak kernel_main")
    assert "kernel_main" in gdb.say("continue")


def test_qemu_gdb_says_so_first(tmp_path):
    """Graders connect after the first newline, editors wait for the sentence."""
    port = free_port()
    with make_machine("-s", "--no-print-directory", "qemu-gdb", f"GDBPORT={port}", "CPUS=1",
                      f"IMAGE={tmp_path}/fs.img") as machine:
        machine.expect(r"^\*\*\* Now run 'gdb' in another window\.\r?\n")
        gdb = Gdb(f"127.0.0.1:{port}")
        try:
            gdb.say("tbreak kernel_main")
            assert "kernel_main" in gdb.say("continue")
            gdb.resume()
            machine.wait_for_shell()
            machine.poweroff()
        finally:
            gdb.close()


def test_gdb_reads_the_kernel_that_runs(tmp_path):
    """After `make qemu-gdb CHECK=1` a plain `make gdb` has that kernel; another one's file is noticed, in one line."""
    port = free_port()
    quiet = ["-s", "--no-print-directory"]
    with make_machine(*quiet, "qemu-gdb", "CHECK=1", f"GDBPORT={port}", "CPUS=1", f"IMAGE={tmp_path}/fs.img") as machine:
        machine.expect("in another window")
        gdb = Gdb(command=["make", *quiet, "gdb", f"GDBPORT={port}"])
        assert "another kernel" not in gdb.greeting and "build/check/kernel" in gdb.say("info files"), gdb.greeting
        gdb.say("tbreak kernel_main")
        assert "kernel_main" in gdb.say("continue")
        gdb.say("detach")
        gdb.close()
        machine.wait_for_shell()
        gdb = Gdb(command=["gdb-multiarch", "-q", "-nx", "-x", "tools/gdb/lamina.gdb", "-ex", f"lamina-connect {port}",
                           "build/kernel"])
        assert gdb.greeting.count("another kernel") == 1, gdb.greeting
        gdb.say("detach")
        gdb.close()
        machine.poweroff()


def test_without_gdb_there_is_a_line():
    said = make("-s", "--no-print-directory", "gdb", "GDB=no-such-gdb", check=False)
    assert said.startswith("no-such-gdb is not installed; run") and "gdb-multiarch" in said.splitlines()[0]


@pytest.mark.parametrize("variant", ["", "llvm"])
def test_macros_can_be_printed(variant):
    said = subprocess.run(["gdb-multiarch", "-q", "-nx", "-batch", "-ex", "list pt_map", "-ex", "print PTE_S",
                           str(kernel_path(variant))], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said.endswith("$1 = 256\n")


def test_symbols_file_agrees_with_the_kernel():
    symbols = dict(reversed(line.split()) for line in (BUILD / "kernel.sym").read_text().splitlines())
    said = subprocess.run(["gdb-multiarch", "-q", "-nx", "-batch", "-ex", "print &map_shared_pages",
                           str(BUILD / "kernel")], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert symbols["map_shared_pages"] in said.replace("0x", "")
