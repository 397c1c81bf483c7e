"""What QEMU forgives and a real machine may not: looked for in the machine code itself."""

import re

from machine import BUILD


def mnemonics():
    """Those of the whole kernel, from the listing that `make` writes."""
    listing = (BUILD / "kernel.asm").read_text(errors="replace")
    return re.findall(r"^[ ]*[0-9a-f]+:\t[0-9a-f ]+\t([a-z][\w.]*)", listing, re.M)


def test_every_return_from_a_trap_ends_a_reservation():
    """An sc leads to each sret: the lr of one process must not serve the next one (QEMU itself sees to that)."""
    returns = 0
    ended = False
    for name in mnemonics():
        if name == "sc.d":
            ended = True
        elif name == "sret":
            assert ended, "no sc before sret"
            returns += 1
        if name in ("sret", "j", "jr", "ret", "call", "jal", "jalr"):
            ended = False
    assert returns == 2


def test_another_address_space_means_other_code():
    """fence.i after each load of satp: code that another hart has stored, of an exec or of a task that moves."""
    names = mnemonics()
    loads = [i for i, name in enumerate(names) if name == "sfence.vma" and "fence.i" in names[i:i + 2]]
    assert len(loads) == 1
    assert "csrw" in names[loads[0] - 8:loads[0]]
