"""docs/hacking.md, step by step: what it says is done to a copy of the tree, and what it promises must come.

The blocks of the document are all that there is: `c` is a new file, `diff` a change of a file, `sh` commands for the host,
of which `make qemu` starts a machine, `console` commands for that machine with what they print.
"""

import fcntl
import re
import shutil
import subprocess

import pytest

from machine import ROOT, Machine
from test_habits import CLEAN, copy_of_tree

DOCUMENT = ROOT / "docs" / "hacking.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w./]+/[\w./]+|Makefile)`")


def steps(text):
    """=> (kind, file named last before the block, what is in the block), in the order of the document."""
    for block in BLOCK.finditer(text):
        paragraph = text[:block.start()].rstrip().rpartition("\n\n")[2]
        named = re.findall(r"(?:In|New file) " + FILE.pattern, paragraph)
        yield block.group(1), named[-1] if named else None, block.group(2)


class Reader:
    """Somebody who follows the document to the letter, in a tree of their own."""

    def __init__(self, tree):
        self.tree = tree
        self.machine = None

    def c(self, file, text):
        assert not (self.tree / file).exists(), f"{file} is no new file"
        (self.tree / file).write_text(text)

    def diff(self, file, text):
        lines = text.splitlines(keepends=True)
        assert all(line[0] in " +-" for line in lines), text
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        before = (self.tree / file).read_text()
        assert before.count(old) == 1, f"{file} holds this {before.count(old)} times, not once:\n{old}"
        (self.tree / file).write_text(before.replace(old, new))

    def sh(self, _, text):
        for command in text.splitlines():
            assert self.machine is None, f"the machine still runs at: {command}"
            if command.startswith("make qemu"):
                self.machine = Machine(command=["env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL", *command.split()],
                                       image="unused", cwd=self.tree)
                self.machine.wait_for_shell()
            else:
                subprocess.run(["sh", "-ec", command], cwd=self.tree, env=CLEAN, stdin=subprocess.DEVNULL, check=True, timeout=600)

    def console(self, _, text):
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            if command == "poweroff":
                self.machine.poweroff()
                self.machine = None
            else:
                printed = self.machine.run(command)
                assert printed == expected, f"$ {command}\n{printed}"


def quick_copy(destination):
    """A copy of the tree that need not compile what has not changed, nor the programs that the document does not run."""
    copy_of_tree(destination)
    programs = destination / "usr/programs.mk"
    few = {"USR_PROGRAMS": "init sh crypto_srv echo cat poweroff", "USR_TESTS": "alltests"}
    text, lists = re.subn(r"^(USR_PROGRAMS|USR_TESTS) = \\\n(?:\t.*\n)+",
                          lambda m: f"{m[1]} = \\\n\t{few[m[1]]}\n", programs.read_text(), flags=re.MULTILINE)
    assert lists == 2
    programs.write_text(text)
    with open(ROOT / "Makefile", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)        # no make builds meanwhile
        shutil.copytree(ROOT / "build", destination / "build", symlinks=True,
                        ignore=shutil.ignore_patterns("*.img", "*.img.*", "user", "host", "llvm", "debug",
                                                      "page", "page-test", "unkind", "machine-test"))
    return destination


@pytest.mark.weight(8)
def test_hacking_step_by_step(tmp_path, request):
    reader = Reader(quick_copy(tmp_path / "tree"))
    request.addfinalizer(lambda: reader.machine and reader.machine.close())
    taken = []
    for kind, file, text in steps(DOCUMENT.read_text()):
        getattr(reader, kind)(file, text)
        taken.append(kind)
    assert reader.machine is None and set(taken) == {"c", "diff", "sh", "console"}


def test_hacking_leaves_no_step_out():
    """Every fence opens a block of a known kind, and nothing is set as code by indentation alone."""
    text = DOCUMENT.read_text()
    kinds = [kind for kind, _, _ in steps(text)]
    assert len(kinds) * 2 == len(re.findall(r"^```", text, re.MULTILINE)) and set(kinds) <= {"c", "diff", "sh", "console"}
    assert all(file for kind, file, _ in steps(text) if kind in ("c", "diff"))
    assert not re.search(r"^(    |\t)", BLOCK.sub("", text), re.MULTILINE)
    for heading in ("system call", "program", "lock", "test", "disk"):
        assert re.search(rf"^## \d\. .*{heading}", text, re.MULTILINE)
