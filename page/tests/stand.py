#!/usr/bin/python3
"""Boot the kernel in QEMU, let `standing` run, stop, and write what the test compares page/kernel.js with.

    page/tests/stand.py DIRECTORY

    ram.bin        RAM from 0x80000000 on
    standing.txt   what the console said
    monitor.json   of each hart, by QEMU's monitor: registers, `info mem`
    gdb.json       of the same instant, by gdb: what it reads by the kernel's own types
    stops.json     of instants in the middle of the kernel: registers, stack, gdb's backtrace
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/boot"))
import machine as machines  # noqa: E402

RAM, MEGABYTES, CPUS = 0x80000000, 128, 3
IMAGE = ROOT / "build/page-test.img"


class Monitor:
    """QEMU's monitor, which answers a line at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.answer()

    def answer(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            text += self.socket.recv(65536)
        return text.decode().replace("\r", "")

    def say(self, command):
        self.socket.sendall(command.encode() + b"\n")
        return self.answer().split("\n", 1)[1].rsplit("\n", 1)[0]


def registers(text):
    """{name: value} of `info registers`, pc and csrs as well; as text, since JavaScript's numbers are too short."""
    return {name: "0x" + value for name, value in re.findall(r"([\w/]+)\s+([0-9a-f]{16})", text)}


def look(monitor, directory):
    """What the monitor says of a machine that stands."""
    harts = []
    for hart in range(CPUS):
        monitor.say(f"cpu {hart}")
        harts.append({"registers": registers(monitor.say("info registers")), "mem": monitor.say("info mem")})
    (directory / "monitor.json").write_text(json.dumps(harts))
    monitor.say(f'pmemsave {RAM:#x} {MEGABYTES << 20:#x} "{directory}/ram.bin"')


def ask_gdb(directory):
    """It stops the machine, if it does not stand already, and has it go on where a script says so."""
    environment = {**os.environ, "OUT": str(directory)}
    scripts = ["-x", str(HERE / "gdb_truth.py"), "-x", str(HERE / "gdb_stops.py")]
    subprocess.run(["timeout", "120", "gdb-multiarch", "-q", "-nx", "-batch", "-ex", "set architecture riscv:rv64",
                    "-ex", f"target remote {directory}/gdb.sock", *scripts, str(ROOT / "build/kernel")],
                   check=True, env=environment, stdout=subprocess.DEVNULL)


def main():
    directory = pathlib.Path(sys.argv[1]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    sockets = [f"-gdb unix:{directory}/gdb.sock,server=on,wait=off",
               f"-monitor unix:{directory}/monitor.sock,server=on,wait=off"]
    with machines.Machine(image=IMAGE, cpus=CPUS, mem=f"{MEGABYTES}M", limit=300,
                          options=" ".join(sockets).split()) as machine:
        machine.wait_for_shell()
        machine.start("standing &")
        machine.expect(r"\nstanding\r?\n")
        machine.type("\x0f")
        machine.expect(r"audit: 0 violations")
        monitor = Monitor(directory / "monitor.sock")
        monitor.say("stop")
        look(monitor, directory)
        (directory / "standing.txt").write_text(machine.text())
        machine.type("ls | wc\n")
        ask_gdb(directory)


if __name__ == "__main__":
    main()
