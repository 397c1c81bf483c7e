"""QEMU with one hart, held by its gdb stub, its RAM in sight as a file that is mapped here.

The stub is spoken to directly (gdb's remote protocol): an instant costs some packets, not a process. A plugin counts
the instructions: count.c.
"""

import functools
import mmap
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from build import build

CPU = "rv64,f=off,d=off,v=off,h=off,zba=off,zbb=off,zbc=off,zbs=off"    # what is left is RV64IMAC
RAM_BASE = 0x80000000
ENTRY = RAM_BASE + 0x200000
FIRMWARE_SIZE = 0x80000     # OpenSBI's, behind its PMP
CSRS = ("sepc", "scause", "stval", "sstatus", "satp")


class QemuError(Exception):
    pass


def other_version():
    """Which QEMU it is, when it is not Debian 12's: others have further extensions, and another plugin interface."""
    qemu = os.environ.get("QEMU", "qemu-system-riscv64")
    version = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    return "" if "version 7.2." in version else f"{version}; the comparison is with 7.2"


class Qemu:
    def __init__(self, kernel, *, ram=64 << 20, initrd=None, append="", limit=600, harts=1, cpu="", counted=True):
        memory_of_host = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="lamina-lock-", dir=memory_of_host))
        gdb, serial, memory, count = (self.directory / name for name in ("gdb", "serial", "ram", "count"))
        count.write_bytes(bytes(8))
        command = ["timeout", "-k", "1", str(limit), os.environ.get("QEMU", "qemu-system-riscv64"),
                   "-machine", "virt,memory-backend=ram", "-cpu", CPU + cpu, "-smp", str(harts),
                   "-object", f"memory-backend-file,id=ram,size={ram},mem-path={memory},share=on", "-m", f"{ram}B",
                   "-kernel", str(kernel), "-display", "none", "-monitor", "none", "-S",
                   "-chardev", f"socket,id=g,path={gdb},server=on,wait=off", "-gdb", "chardev:g",
                   "-chardev", f"socket,id=s,path={serial},server=on,wait=off", "-serial", "chardev:s"]
        if counted:
            command += ["-plugin", f"{build('count', ['count.c'])},count={count}"]
        if initrd:
            command += ["-initrd", str(initrd)]
        if append:
            command += ["-append", append]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.gdb, self.serial = self.connect(gdb), self.connect(serial)
        self.printed = ""
        threading.Thread(target=self.listen, daemon=True).start()
        self.buffer = b""
        self.ask("?")       # an answer says that the machine is made, its RAM too
        self.ram, self.counter = self.map(memory, ram), self.map(count, 8)
        shutil.rmtree(self.directory)   # all is open by now: nothing stays behind, whoever is killed

    @staticmethod
    def map(path, size):
        with open(path, "r+b") as file:
            return mmap.mmap(file.fileno(), size)

    def count(self):
        """Instructions that have been begun outside the firmware."""
        return int.from_bytes(self.counter[:8], "little")

    def connect(self, path):
        end = time.monotonic() + 20
        while True:
            try:
                s = socket.socket(socket.AF_UNIX)
                s.connect(str(path))
                return s
            except OSError:
                s.close()
                if self.process.poll() is not None or time.monotonic() > end:
                    self.close()
                    raise QemuError("QEMU does not start") from None
                time.sleep(0.01)

    def close(self):
        self.process.kill() if self.process.poll() is not None else self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    # ---- Packets ------------------------------------------------------------------------------------

    def send(self, *bodies):
        packets = (b"$%s#%02x" % (body, sum(body) & 255) for body in (b.encode() for b in bodies))
        self.gdb.sendall(b"+" + b"".join(packets))

    def receive(self):
        """The next reply; None when nothing came for the stub's time limit."""
        while True:
            found = re.search(rb"\$([^#]*)#..", self.buffer)
            if found:
                self.buffer = self.buffer[found.end():]
                return found.group(1).decode()
            self.take()

    def take(self):
        try:
            chunk = self.gdb.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise QemuError("QEMU has ended: " + " ".join(self.process.args))
        self.buffer += chunk

    def ask(self, *bodies):
        """Several packets at once, and their replies."""
        self.send(*bodies)
        return [self.receive() for _ in bodies]

    # ---- Registers ----------------------------------------------------------------------------------

    @functools.cached_property
    def numbers(self):
        """The number of each register by its name, from the stub's own description."""
        numbers, number = {}, -1
        for name in ("riscv-64bit-cpu.xml", "riscv-64bit-virtual.xml", "riscv-csr.xml"):
            text, offset = "", 0
            while True:
                part = self.ask(f"qXfer:features:read:{name}:{offset:x},ff0")[0]
                text, offset = text + part[1:], offset + len(part) - 1
                if part[0] != "m":
                    break
            for register in re.findall(r"<reg [^>]*>", text):
                given = re.search(r'regnum="(\d+)"', register)
                number = int(given[1]) if given else number + 1
                numbers[re.search(r'name="(\w+)"', register)[1]] = number
        return numbers

    @staticmethod
    def number(reply):
        return int.from_bytes(bytes.fromhex(reply), "little")

    def look(self, *names):
        """x0..x31 and pc as one tuple, then the registers named."""
        general, *others = self.ask("g", *(f"p{self.numbers[name]:x}" for name in names))
        return struct.unpack("<33Q", bytes.fromhex(general)[:264]), *map(self.number, others)

    # ---- Running ------------------------------------------------------------------------------------

    def breakpoints(self, addresses, on=True):
        for at in addresses:
            if self.ask(f"{'Z' if on else 'z'}0,{at:x},2") != ["OK"]:
                raise QemuError(f"no breakpoint at {at:#x}")

    def step(self):
        self.ask("s")

    def run(self, idle=None, idle_after=0.05):
        """Goes on to the next breakpoint. `idle` is called while none comes: it may type."""
        self.send("c")
        while b"#" not in self.buffer or not re.search(rb"\$[^#]*#..", self.buffer):
            self.gdb.settimeout(idle_after)
            try:
                self.take()
            except TimeoutError:
                if idle:
                    idle()
            finally:
                self.gdb.settimeout(None)
        return self.receive()

    def listen(self):
        """Always: QEMU stands still when some hundred bytes of the console have not been taken."""
        try:
            while chunk := self.serial.recv(4096):
                self.printed += chunk.decode(errors="replace")
        except OSError:
            pass

    def type(self, text):
        self.serial.sendall(text.encode())
