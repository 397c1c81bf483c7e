"""Device trees that lie: a line that says what is left out, or why the boot ends; never a trap, never silence."""

import pytest

import devicetree
from devicetree import cells, wide
from machine import PROMPT, QEMU

MIB = 1 << 20
RAM = 0x80000000
UART = 0x10000000
SLOT = 0x10001000       # the first virtio slot; QEMU puts our disk there
PLIC = 0xc000000
NOWHERE = 0x70000000    # nothing answers there
REACH = 254 << 30       # the end of the kernel's linear map
BEYOND = 1 << 40


@pytest.fixture
def tree(tmp_path):
    """The tree of QEMU's machine, to be changed."""
    return devicetree.of_qemu(QEMU, tmp_path / "qemu.dtb")


@pytest.fixture
def lie(boot, tmp_path, tree):
    """lie(...) boots the kernel with the changed tree."""
    def start(reservations=(), options=(), cpus=2, **rest):
        path = tmp_path / "changed.dtb"
        path.write_bytes(devicetree.write(tree, reservations))
        return boot(cpus=cpus, mem="128M", options=["-dtb", str(path), *options], **rest)
    return start


def memory(*ranges):
    return {"device_type": b"memory\0", "reg": wide(*ranges)}


def slots(tree):
    return {name: node for name, node in tree["soc"].items() if name.startswith("virtio_mmio")}


def works(machine, *lines):
    """The kernel has said so, and runs."""
    for line in lines:
        assert line in machine.text(), machine.tail()
    assert machine.run("echo it works") == "it works\n"
    machine.poweroff()


def refused(machine, line):
    machine.expect_line(line)
    machine.wait_for_end()
    assert "panic" not in machine.text()


# ---- RAM ----------------------------------------------------------------------------------------------

def test_memory_that_is_none(lie, tree):
    """Nothing is there, or past the RAM's end, or devices are, or the linear map does not reach it."""
    places = ((0x60000000, 32 * MIB), (RAM + 128 * MIB, 5 * MIB), (0x10000000, 16 * MIB), (BEYOND, 64 * MIB),
              (REACH - 2 * MIB, 4 * MIB), ((1 << 64) - 2 * MIB, MIB))
    for i, place in enumerate(places):
        tree[f"memory@{i}"] = memory(*place)
    works(lie(),
          "memory: 60000000-62000000 is left out: there is no RAM",
          "memory: 88000000-88500000 is left out: there is no RAM",
          "memory: 10000000-11000000 is left out: there is no RAM",
          "memory: 10000000000-10004000000 is left out: outside the kernel's linear map",
          "memory: 3f7fe00000-3f80000000 is left out: there is no RAM",
          "memory: 3f80000000-3f80200000 is left out: outside the kernel's linear map",
          "memory: ffffffffffe00000-fffffffffff00000 is left out: outside the kernel's linear map")


def test_many_banks(lie, tree):
    """More pieces than the kernel keeps: the rest is left out."""
    tree["memory@80000000"] = memory(*(v for i in range(12) for v in (RAM + i * 10 * MIB, 8 * MIB)),
                                     RAM + 120 * MIB, 8 * MIB)
    refused(lie(shell=False), "too many pieces of RAM")


def test_blob_outside_the_ram_it_lists(lie, tree):
    """QEMU puts the blob near the end of its RAM; this tree does not list that."""
    tree["memory@80000000"] = memory(RAM, 48 * MIB, RAM + 64 * MIB, 32 * MIB)
    refused(lie(shell=False), "boot: stage memory fails: the device tree does not lie in the RAM that it lists")


@pytest.mark.parametrize("ranges", [(), (RAM + 64 * MIB, MIB), (BEYOND, MIB)])
def test_no_ram_to_speak_of(lie, tree, ranges):
    tree["memory@80000000"] = memory(*ranges)
    refused(lie(shell=False), "boot: stage memory fails: ")


def test_as_many_reserved_ranges_as_can_be(lie, tree):
    """The last one counts, too: the blob lies above all others."""
    taken = [(RAM + (32 + i) * MIB, 4096) for i in range(30)]
    machine = lie(reservations=taken)
    works(machine)


def test_blob_not_to_be_mapped(lie, tree):
    tree["reserved-memory"] = {"#address-cells": cells(2), "#size-cells": cells(2), "ranges": b"",
                               "all@86000000": {"reg": wide(RAM + 96 * MIB, 32 * MIB), "no-map": b""}}
    refused(lie(shell=False), "boot: stage memory fails: the device tree does not lie in the RAM")


# ---- Devices ------------------------------------------------------------------------------------------

def test_virtio_elsewhere(lie, tree):
    """More slots, all in the wrong places."""
    places = (BEYOND, (1 << 64) - 4096, RAM + 64 * MIB, RAM + 2 * MIB, RAM - 256, RAM - 4096, NOWHERE, UART)
    for i, place in enumerate(places):
        tree["soc"][f"virtio_mmio@{i}"] = dict(slots(tree)[f"virtio_mmio@{SLOT:x}"], reg=wide(place, 0x1000))
    works(lie(),
          "device at 10000000000: outside the kernel's linear map, left out",
          "virtio_mmio@1: no usable address, left out",
          "device at 84000000: in RAM, left out",
          "device at 80200000: in RAM, left out",
          "device at 7fffff00: in RAM, left out",
          "virtio at 0x7ffff000: no such device, left out",
          "virtio at 0x70000000: no such device, left out",
          "virtio at 0x10000000: no such device, left out")


def test_all_virtio_elsewhere(lie, tree):
    for name, node in slots(tree).items():
        node["reg"] = wide(NOWHERE + int(name.split("@")[1], 16) % MIB, 0x1000)
    refused(lie(shell=False), "boot: stage files fails: no disk and no RAM disk")


@pytest.mark.parametrize("place, line", [
    (NOWHERE, "serial@1: no serial port answers there, left out"),
    (RAM + MIB, "in RAM, left out"),
    (BEYOND, "outside the kernel's linear map, left out"),
    (SLOT, "serial@1: no serial port answers there, left out"),
])
def test_uart_elsewhere(lie, tree, place, line):
    """The firmware's console serves. The firmware has the true port: of two, it looks for an ns16550 first."""
    soc = tree["soc"]
    del tree["chosen"]["stdout-path"]
    soc["serial@1"] = dict(soc[f"serial@{UART:x}"], reg=wide(place, 0x100))
    soc[f"serial@{UART:x}"]["compatible"] = b"ns16550\0"
    machine = lie(shell=False)      # its console ends lines in its own way
    machine.expect_line(line)
    machine.expect_line("console: firmware")
    machine.expect(PROMPT)
    machine.type("echo it works\n")
    machine.expect(r"it works\s+it works")
    machine.type("poweroff\n")
    machine.wait_for_end()


@pytest.mark.parametrize("place, line", [
    (NOWHERE, "irq: no interrupt controller"),
    (RAM + 16 * MIB, "in RAM, left out"),
])
def test_plic_elsewhere(lie, tree, place, line):
    """No further away: the firmware looks at it first, and traps."""
    node = next(n for name, n in tree["soc"].items() if name.startswith("plic@"))
    node["reg"] = wide(place, 0x600000)
    works(lie(), line, "irq: no interrupt controller, devices are polled")


# ---- The rest -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("hz", [0, 1, 0xffffffff])
def test_timebase(lie, tree, hz):
    tree["cpus"]["timebase-frequency"] = cells(hz)
    works(lie(), f"boot: the device tree's timebase of {hz} Hz cannot be")


def test_hart_that_is_none(lie, tree):
    """The firmware starts it, and it never comes. A microsecond an instruction: its twenty seconds pass quickly."""
    cpus = tree["cpus"]
    cpus["cpu@7"] = dict(cpus.pop("cpu@1"), reg=cells(7))
    works(lie(cpus=1, options=["-icount", "shift=10"]), "boot: hart 7 does not come")


def test_initrd_elsewhere(lie, tree):
    tree["chosen"]["linux,initrd-start"] = wide(NOWHERE)
    tree["chosen"]["linux,initrd-end"] = wide(NOWHERE + MIB)
    works(lie(), "ramdisk: ignored, not in RAM")


def test_odd_properties_of_slots(lie, tree):
    """One in each of the slots without a device: those stay out, or it makes no difference."""
    odd = [("interrupts", cells(999)), ("interrupts", cells(0)), ("interrupts", b""), ("interrupt-parent", cells(77)),
           ("reg", b""), ("reg", wide(SLOT, 8)), ("reg", wide(SLOT + 2, 0x1000))]
    for i, (name, value) in enumerate(odd):
        slots(tree)[f"virtio_mmio@{SLOT + (i + 1) * 0x1000:x}"][name] = value
    works(lie(), *(f"virtio_mmio@1000{i}000: no usable address, left out" for i in (6, 7, 8)))
