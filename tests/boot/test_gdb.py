"""Looking inside with gdb: the stub, the symbols, the flow of one shared page, a backtrace through a trap."""

import os
import re
import subprocess

import pexpect
import pytest

from machine import BUILD, ROOT, WAIT
from test_make import free_port, make_machine

FLOW = ["sys_map_shared_pages", "map_shared_pages", "region_pin", "mm_map_region", "pt_map"]


class Gdb:
    """gdb-multiarch on a kernel, connected to a machine."""

    def __init__(self, target, kernel=BUILD / "kernel"):
        self.child = pexpect.spawn("gdb-multiarch", ["-q", "-nx", "-x", "tools/gdb/lamina.gdb", str(kernel)],
                                   cwd=str(ROOT), encoding="utf-8", codec_errors="replace", timeout=WAIT,
                                   echo=False, dimensions=(100, 500), env={**os.environ, "TERM": "dumb"})
        self.child.expect(r"\(gdb\) ")
        self.say("set style enabled off")
        self.say("set remotetimeout unlimited")         # else a slow answer is taken for the next one's
        self.say("set tcp connect-timeout unlimited")
        self.say(f"target remote {target}")

    def say(self, command):
        self.child.sendline(command)
        self.child.expect(r"\(gdb\) ")
        return self.child.before.replace("\r", "")

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
        gdb = Gdb(socket)
        sessions.append(gdb)
        return machine, gdb

    yield start
    for gdb in sessions:
        gdb.close()


@pytest.mark.weight(10)
def test_flow_stops_in_each_layer_in_order(debugged):
    """One breakpoint a layer fires in the order of docs/flows/map-shared.md: nothing was inlined away."""
    machine, gdb = debugged(cpus=1)
    gdb.say("break sys_map_shared_pages")
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
    for function in ("pt_map", "mm_map_region", "map_shared_pages", "sys_map_shared_pages", "trap_entry"):
        assert function in trace, trace


@pytest.mark.weight(10)
def test_backtrace_goes_through_the_trap(debugged):
    """From the system call out to the user program: the trap entry has call frame information."""
    machine, gdb = debugged(cpus=1)
    gdb.say("add-symbol-file build/user/_shmem_test")
    gdb.say("break sys_map_shared_pages")
    gdb.resume()
    machine.wait_for_shell()
    machine.start("shmem_test")
    gdb.wait()
    trace = gdb.say("backtrace")
    assert re.search(r"sys_map_shared_pages", trace)
    assert re.search(r"in main \(", trace) or "usr/shmem_test.c" in trace, trace


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


def test_symbols_file_agrees_with_the_kernel():
    symbols = dict(reversed(line.split()) for line in (BUILD / "kernel.sym").read_text().splitlines())
    said = subprocess.run(["gdb-multiarch", "-q", "-nx", "-batch", "-ex", "print &map_shared_pages",
                           str(BUILD / "kernel")], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert symbols["map_shared_pages"] in said.replace("0x", "")
