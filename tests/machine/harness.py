"""The machine's one hart as a shared library, for Python: see harness.c."""

import ctypes
import time

from build import ROOT, build

HOSTS = {"native.c", "wasm.c", "gdbstub.c", "gdbview.c", "session.c", "past.c"}     # not the core
NEVER = (1 << 64) - 1
AT_COUNT, AT_TRAP, AT_WAIT, AT_WORLD, AT_BREAK = range(5)


class Registers(ctypes.Structure):
    _fields_ = [("x", ctypes.c_uint64 * 32)] + [(name, ctypes.c_uint64) for name in (
        "pc", "sepc", "scause", "stval", "sstatus", "satp", "mode")]

    def named(self):
        """As a dictionary: x1..x31 and the others."""
        values = {f"x{i}": self.x[i] for i in range(1, 32)}
        return values | {name: getattr(self, name) for name, _ in self._fields_[1:]}


def library(machine=ROOT / "machine"):
    """The harness on the core that lies there. => its path"""
    core = [p for p in sorted(machine.glob("*.c")) if p.name not in HOSTS]
    if machine == ROOT / "machine":
        return build("harness", ["harness.c", *core], machine.glob("*.h"), f"-I{machine}")
    return build(f"harness-{time.monotonic_ns()}", ["harness.c", *core], (), f"-I{machine}", "-w")


class Harness:
    def __init__(self, ram, sstc=True, lib=None):
        self.lib = ctypes.CDLL(str(lib or library()))
        for name, result, *arguments in (
                ("new", ctypes.c_void_p, ctypes.c_uint64, ctypes.c_bool),
                ("get", None, ctypes.POINTER(Registers)), ("set", None, ctypes.POINTER(Registers)),
                ("set_csr", ctypes.c_bool, ctypes.c_uint32, ctypes.c_uint64),
                ("set_x", None, ctypes.c_uint32, ctypes.c_uint64),
                ("count", ctypes.c_uint64), ("skip", None, ctypes.c_uint32),
                ("trap", None, ctypes.c_uint64, ctypes.c_uint64),
                ("run", ctypes.c_int, ctypes.c_uint64, ctypes.c_uint64),
                ("run_bare", ctypes.c_bool, ctypes.c_uint64, ctypes.c_uint64),
                ("differs", ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64)):
            function = getattr(self.lib, "harness_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)
        self.ram = (ctypes.c_char * ram).from_address(self.new(ram, sstc))

    def registers(self):
        r = Registers()
        self.get(ctypes.byref(r))
        return r
