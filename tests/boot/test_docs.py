"""The documents' own commands, run as they stand there: gdb's, the machine's, and make where.

tools/docs.py says how a document writes a command and the shape of its output. A document with commands for gdb is one
session, from its first command to its last; the programs that the others name are run one after the other.
"""

import os
import re
import shlex
import sys

import pytest

from machine import PROMPT, ROOT
from test_gdb import Gdb
from test_make import free_port, make, make_machine

sys.path.insert(0, str(ROOT / "tools"))

import docs  # noqa: E402  (the path is set up first)

SESSIONS = [d for d in docs.documents() if any(c.kind == "gdb" for c in docs.in_blocks(d))]
FAILURE = re.compile(r"No symbol|Cannot access|Undefined|not defined|optimized out|No such|<error", re.IGNORECASE)

# Long ones that have a boot test of their own, and a server.
ELSEWHERE = {"alltests", "t_sidebyside", "crypto_srv"}


def one_blank(text):
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def line_pattern(line):
    """... is any text, up to lines of its own; numbers of gdb's history may differ."""
    if line == "...":
        return r"(?:[^\n]*\n)*"
    pattern = re.escape(" ".join(line.split()))
    pattern = pattern.replace(r"0x\.\.\.", "0x[0-9a-f]+").replace(r"\.\.\.", ".*")
    return re.sub(r"\\\$\d+", r"\\$\\d+", pattern) + r"\n"


def has_shape(output, shape):
    """Is the output what the document shows?"""
    return re.fullmatch("".join(line_pattern(line) for line in shape), one_blank(output) + "\n", re.DOTALL) is not None


def test_has_shape():
    assert has_shape("$7 = {a = 0x12,\tb = 3}", ["$1 = {a = 0x..., b = 3}"])
    assert has_shape("one\ntwo\n", ["...", "two"]) and has_shape("two", ["...", "two"]) and has_shape("one", ["o..."])
    assert not has_shape("$7 = 4", ["$1 = 5"]) and not has_shape("one\ntwo", ["one"])
    assert not has_shape("x = 0xg", ["x = 0x..."])


class Session:
    """One document's commands, typed in the windows that it names."""

    def __init__(self, image):
        self.port = f"GDBPORT={free_port()}"
        self.image = f"IMAGE={image}"
        self.machine = self.gdb = None
        self.up = self.running = False
        self.prompts = 0                # that are still to come on the console

    def close(self):
        for end in (self.gdb, self.machine):
            if end:
                end.close()

    def shell(self, text, output):
        """make qemu-gdb, make gdb, or a command that ends: with 0x... as the last output has it."""
        words = shlex.split(text)[1:]
        if "qemu-gdb" in words:
            self.machine = make_machine("-s", "--no-print-directory", *words, self.port, self.image)
            self.machine.expect(r"in another window")
            return ""
        if "gdb" in words:
            self.gdb = Gdb(command=["make", "-s", "--no-print-directory", *words, self.port])
            return ""
        address = re.search(r"sepc=(0x[0-9a-f]+)", output)
        return make("-s", "--no-print-directory", *[w.replace("0x...", address[1]) if address else w for w in words])

    def console(self, text, stops):
        """A command at the machine's prompt. `stops`: it runs into a breakpoint, and gdb says so."""
        if not self.up:
            self.machine.wait_for_shell()
            self.up = True
        elif self.prompts:
            self.machine.expect(PROMPT)
        self.prompts = 0
        if not stops:
            return self.machine.run(text)
        self.machine.start(text)
        self.prompts = 1
        self.running = False
        return self.gdb.wait()

    def do(self, command, following, output):
        """Run one command. => its output, or None while the machine runs on."""
        to_gdb = following is not None and following.kind == "gdb"
        if command.kind == "shell":
            return self.shell(command.text, output)
        if command.kind == "console":
            return self.console(command.text, to_gdb)
        if command.text == "continue" and not to_gdb:
            self.gdb.resume()
            self.running = True
            return None
        return self.gdb.say(command.text)

    def run(self, commands):
        output = ""
        for command, following in zip(commands, [*commands[1:], None]):
            output = self.do(command, following, output)
            if output is None:
                continue
            shown = "\n".join(command.shape)
            if command.shape:
                assert has_shape(output, command.shape), f"{command.place}: {command.text}\n{output}\nis not\n{shown}"
            else:
                assert not FAILURE.search(output), f"{command.place}: {command.text}\n{output}"
        if self.running:
            if self.prompts:
                self.machine.expect(PROMPT)
            self.machine.poweroff()


@pytest.mark.weight(10)
@pytest.mark.parametrize("document", SESSIONS, ids=lambda d: d.stem)
def test_session(document, tmp_path):
    session = Session(tmp_path / "fs.img")
    try:
        session.run(docs.in_blocks(document))
    finally:
        session.close()


def named_programs():
    """Each command for the machine that a document without gdb names, once: with arguments, or alone in a block."""
    names = docs.programs()
    found = {}
    for document in docs.documents():
        if document not in SESSIONS:
            found.update((c.text, c.place) for c in docs.in_blocks(document) if c.kind == "console")
        found.update(item for item in docs.in_text(document)
                     if item[0].split()[0] in names and "make" not in item[0]
                     and (" " in item[0] or document.stem == "sharing"))
    return {text: place for text, place in found.items() if text not in ELSEWHERE}


@pytest.mark.weight(30)
def test_programs(boot):
    """What tests, demonstrates or shows itself ends with its own OK; the others say something."""
    machine = boot()
    for text, place in named_programs().items():
        output = machine.run(text)
        name = text.split()[0]
        good = output.rstrip().endswith(f"{name}: OK") if f'{name}: OK' in output or name.startswith("t_") else output
        assert good and "failed" not in output and "FAILED" not in output, f"{place}: {text}\n{output[-2000:]}"
    machine.poweroff()
