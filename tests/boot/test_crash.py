"""A program's crash: what the kernel says in words, and the way from there to the source line."""

import re

import pytest

from machine import BUILD, ROOT
from test_make import make

# What `crash WAY` does, in the kernel's words, and the source line that make where finds: a part of its text.
WAYS = {
    "text": ("store to 0x0 in text, read and execute only", "= 1;"),
    "constant": (r"store to 0x[0-9a-f]+ in (text|constants), read( and execute)? only", "= 1;"),
    "nowhere": ("store to 0x[0-9a-f]+ where nothing is", "= 1;"),
    "kernel": ("store to 0xffffffc080200000 outside user memory", "= 1;"),
    "stack": ("store to 0x[0-9a-f]+ in the guard page below the stack: stack overflow", "overflow|frame|{"),
    "guard": ("store to 0x[0-9a-f]+ in the guard page below the stack", "= 1;"),
    "jump": ("jump to 0x[0-9a-f]+ in data, read and write only", "data"),
    "float": ("no floating point here: instruction 0x2007053", "float|fadd.d"),
    "sret": ("privileged instruction 0x10200073", "sret"),
}


def test_each_crash_is_told_in_words(boot):
    make("-s", "image-files")       # user/ leads to what was built last, by whatever test
    machine = boot(cpus=1)
    for way, (words, source) in WAYS.items():
        output = machine.run(f"crash {way}")
        lines = output.splitlines()
        assert re.fullmatch(r"usertrap\(\): unexpected scause 0x[0-9a-f]+ pid=\d+ crash", lines[0]), output
        assert re.fullmatch(r"            sepc=0x[0-9a-f]+ stval=0x[0-9a-f]+", lines[1]), output
        told = re.fullmatch(rf"            {words}; (make where PROG=crash SEPC=0x[0-9a-f]+)", lines[2])
        assert told, output
        found = make("-s", "--no-print-directory", *told.groups()[-1].split()[1:])
        place = re.search(r"usr/crash\.c:(\d+)", found)
        assert place, found
        assert re.search(source, (ROOT / "usr/crash.c").read_text().splitlines()[int(place[1]) - 1]), found
    machine.poweroff()


def test_jump_to_0(boot):
    """By a call, which is named; and as the entry of a program without one instruction, where no line is to blame."""
    machine = boot(cpus=1)
    words = "            jump to 0x0: a call of a null function pointer, or a return to 0"
    assert machine.run("t_exec null_call").splitlines()[2] == words + "; make where PROG=t_exec.tmp SEPC=0x1000"
    assert machine.run("t_exec odd_images").splitlines()[2] == words
    machine.poweroff()


def test_memory_that_is_not_there(boot):
    """A loan that was taken back, a file that ends; and each form of floating point is named."""
    machine = boot(cpus=1)
    assert re.search("load from 0x[0-9a-f]+ in shared memory, taken back by its owner", machine.run("share_demo"))
    floats = machine.run("t_fault no_floating_point")
    assert floats.count("no floating point here") == 6, floats
    assert machine.run("t_fault instructions").count("privileged instruction") == 10
    assert "in a mapped file, beyond its end" in machine.run("t_mmapcut cut_while_touched")
    machine.poweroff()


def test_expected_crashes_are_announced(boot):
    machine = boot(cpus=1)
    for program in ("mmap_test", "share_demo"):
        said = machine.run(program).splitlines()
        crashes = [i for i, line in enumerate(said) if line.startswith("usertrap()")]
        assert crashes
        for i in crashes:
            assert said[i - 1].startswith(f"{program}: expected now: "), said[i - 1:i + 3]
    machine.poweroff()


@pytest.mark.parametrize("arguments,line", [
    (["PROG=nosuch", "SEPC=0x10"], "where: nosuch was not made here: there is no user/_nosuch"),
    (["PROG=crash", "SEPC=0x7ffff000"], "where: 0x7ffff000 is not in the code of crash"),
    (["PROG=crash"], "where: which address? as make where PROG=ls SEPC=0x1b8; the kernel prints it"),
])
def test_where_there_is_nothing(arguments, line):
    said = make("-s", "--no-print-directory", "where", *arguments, check=False)
    assert said.splitlines()[0] == line


def test_where_in_the_kernel():
    symbols = dict(reversed(line.split()) for line in (BUILD / "kernel.sym").read_text().splitlines())
    said = make("-s", "--no-print-directory", "where", f"SEPC=0x{symbols['map_shared_pages']}")
    assert said.startswith("map_shared_pages at mm/shared.c:")


def test_listings_of_programs():
    """user/ls.asm and user/ls.sym, as xv6's make leaves them."""
    assert re.search(r"^[0-9a-f]+ <main>:", (BUILD / "user/ls.asm").read_text(), re.MULTILINE)
    lines = (BUILD / "user/ls.sym").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{16} \S+", line) for line in lines)
    assert any(line.endswith(" main") for line in lines)
