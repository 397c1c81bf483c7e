#!/usr/bin/python3
"""Hold every file to its layer, by its includes and by the symbols of its object file.

    tools/check_layers.py            check, and compare the README's picture with what was seen
    tools/check_layers.py --update   the same, but write the picture into the README

A failure names the file, the line and the rule. The rules are the table below and nothing else.
"""

import collections
import os
import pathlib
import re
import sys

from csource import ROOT, c_files
from objects import Objects

# Layer -> what it may use, top to bottom. "arch: page pte" means: of arch only these headers of include/asm/.
LAYERS = {
    "init": ["syscall", "ipc", "proc", "fs", "drivers", "mm", "sched", "arch", "lib"],
    "syscall": ["ipc", "proc", "fs", "mm", "sched", "arch", "lib"],
    "ipc": ["proc", "fs", "mm", "sched", "arch", "lib"],
    "proc": ["fs", "mm", "sched", "arch", "lib"],
    "fs": ["drivers", "mm", "sched", "arch", "lib"],
    "drivers": ["mm", "sched", "arch", "lib"],
    "mm": ["sched: task waitqueue", "arch: page pte tlb mmu mmio uaccess kstack cpu", "lib"],
    "sched": ["arch", "lib"],
    "arch": ["lib"],
    "lib": ["arch: cpu"],
}

WHAT = {
    "init": "the order of boot",
    "syscall": "number -> function, arguments, errno",
    "ipc": "pipes, ids, grants, services",
    "proc": "processes: fork, exec, exit, wait",
    "fs": "files, the log, the block cache",
    "drivers": "device tree, console, disks",
    "mm": "memory, and the sharing of it",
    "sched": "tasks, sleeping, timers",
    "arch": "RISC-V: traps, TLB, SBI",
    "lib": "strings, printk, lists, spin locks",
}

DIRECTORIES = {"arch/riscv": "arch", "include/asm": "arch", "tests/kernel": "init"}
DIRECTORIES.update({layer: layer for layer in LAYERS if layer != "arch"})
DIRECTORIES.update({"include/" + layer: layer for layer in LAYERS if layer != "arch"})
DIRECTORIES.update({room + "/ext": layer for room, layer in list(DIRECTORIES.items())})

# Going up: the only names that a lower layer may call in a higher one, declared in a header of its own.
UPCALLS = {
    "arch": {"trap_syscall", "trap_fault", "trap_interrupt", "task_first_run", "kernel_main", "secondary_main"},
    "sched": {"mm_activate", "plic_dispatch", "task_end_killed"},
}

# Who may use what lies in a folder ext/ of any layer: the core is whole without it.
ABOVE_EXTENSIONS = {"init", "syscall"}
CORE_USES_MAX = 0       # so many uses by the core are left; none is to be added

# Headers in include/ that only their own layer includes, and that still have to move to its sources.
TO_MOVE = set()

SYSTEM_HEADERS = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h"}
BEGIN, END = "<!-- layers: made by tools/check_layers.py -->", "<!-- /layers -->"

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
EXTERN = re.compile(r"^\s*extern\b.*?\b(\w+)\s*(?:\(|\[|;)")


def layer_of(path):
    return DIRECTORIES.get(os.path.dirname(path))


def allowed(user, used, header):
    """May layer `user` use `header` (a base name without .h) of layer `used`?"""
    if user == used:
        return True
    for entry in LAYERS[user]:
        name, _, only = entry.partition(":")
        if name == used:
            return not only or header in only.split()
    return False


def is_extension(path):
    """Does the file lie in a folder ext/, or is it the public header of one that does?"""
    directory, name = os.path.split(path)
    if os.path.basename(directory) == "ext":
        return True
    layer, source = layer_of(path), os.path.splitext(name)[0] + ".c"
    return bool(layer) and directory.startswith("include/") and (ROOT / layer / "ext" / source).exists()


def may_extend(path):
    return is_extension(path) or layer_of(path) in ABOVE_EXTENSIONS


def rule_text(layer):
    return f"{layer} may use: " + "; ".join(LAYERS[layer])


class Checker:
    def __init__(self):
        self.errors = []
        self.core_uses = []                             # of extensions
        self.seen = collections.defaultdict(set)        # layer -> what it uses: layers, headers of arch
        self.words = {}                                 # header path -> identifiers in it
        self.includers = collections.defaultdict(set)   # header in include/ -> files that include it

    def error(self, path, line, text):
        self.errors.append(f"{path}:{line}: {text}")

    def saw(self, user, used, header):
        """Note a use for the picture; of a layer that is open in part only, note the header."""
        if user != used:
            part = any(entry.startswith(used + ":") for entry in LAYERS[user])
            self.seen[user].add(f"asm/{header}" if part else used)

    # ---- Includes ---------------------------------------------------------------------------------

    def check_source(self, path):
        layer = layer_of(path)
        for number, text in enumerate((ROOT / path).read_text().splitlines(), 1):
            match = INCLUDE.match(text)
            if match:
                self.check_include(path, layer, number, *match.groups())
            elif path.endswith(".c"):
                self.check_extern(path, number, text)

    def check_include(self, path, layer, number, quoted, angled):
        if angled:
            if angled not in SYSTEM_HEADERS:
                self.error(path, number, f"<{angled}>: the kernel has no C library")
            return
        if quoted.startswith("uapi/"):
            return
        beside = os.path.normpath(os.path.join(os.path.dirname(path), quoted))
        if is_extension(beside) and (ROOT / beside).exists() and not may_extend(path):
            self.core_uses.append(f'{path}:{number}: "{quoted}" is an extension, and this is the core')
        if "/" not in quoted or quoted.startswith("../"):
            if not (ROOT / beside).exists() or layer_of(beside) != layer:
                self.error(path, number, f'"{quoted}" is not beside the file')
            return
        header = "include/" + quoted
        if is_extension(header) and not may_extend(path):
            self.core_uses.append(f'{path}:{number}: "{quoted}" is the header of an extension, and this is the core')
        self.includers[header].add(path)
        used = layer_of(header)
        if used is None or not (ROOT / header).exists():
            self.error(path, number, f'"{quoted}" is no header of a layer')
            return
        self.saw(layer, used, pathlib.Path(quoted).stem)
        if not allowed(layer, used, pathlib.Path(quoted).stem):
            self.error(path, number, f'"{quoted}" belongs to {used}; {rule_text(layer)}')

    def check_extern(self, path, number, text):
        match = EXTERN.match(text)
        if match and not match.group(1).startswith("__"):
            self.error(path, number, f"local extern of {match.group(1)}: include the header that declares it")

    def check_public_headers(self):
        """A header is in include/ if another layer, a test or a tool includes it, or a header of which that is true."""
        public = {header for header, users in self.includers.items()
                  if any(layer_of(user) != layer_of(header) or user.startswith("tests/") for user in users)}
        for path in c_files(["tools"]):
            public |= {"include/" + header for header in re.findall(r'#include "([^"]+)"', (ROOT / path).read_text())}
        grown = True
        while grown:
            more = {header for header, users in self.includers.items() if users & public} - public
            public |= more
            grown = bool(more)
        for header in sorted(path for path in sources() if path.startswith("include/")):
            if header not in public and header[len("include/"):-len(".h")] not in TO_MOVE:
                self.error(header, 1, "no other layer includes it: it belongs beside its layer's sources")

    # ---- Symbols ----------------------------------------------------------------------------------

    def check_objects(self):
        objects = Objects([source for source in sources() if not source.endswith(".h")])
        for source, name in objects.needed:
            if name in objects.defined:
                self.check_symbol(source, name, objects.defined[name])
        return len(objects.defined)

    def check_symbol(self, source, name, definer):
        user, used = layer_of(source), layer_of(definer)
        if is_extension(definer) and not may_extend(source):
            self.core_uses.append(f"{source}:{line_of(source, name)}: {name} belongs to the extension {definer}, "
                                  "and this is the core")
        if user == used or name in UPCALLS.get(user, ()):
            return
        headers = self.headers_declaring(used, name)
        line = line_of(source, name)
        if not headers:
            self.error(source, line, f"{name} of {definer} is in no public header of {used}")
        elif not any(allowed(user, used, pathlib.Path(h).stem) for h in headers):
            self.error(source, line, f"{name} belongs to {used} ({headers[0]}); {rule_text(user)}")

    def headers_declaring(self, layer, name):
        directory = "include/asm" if layer == "arch" else "include/" + layer
        found = []
        for header in sorted((ROOT / directory).glob("*.h")):
            if header not in self.words:
                self.words[header] = set(re.findall(r"\w+", header.read_text()))
            if name in self.words[header]:
                found.append(str(header.relative_to(ROOT)))
        return found


def line_of(source, name):
    for number, text in enumerate((ROOT / source).read_text().splitlines(), 1):
        if re.search(rf"\b{re.escape(name)}\b", text):
            return number
    return 1


def sources():
    for directory in DIRECTORIES:
        for path in sorted((ROOT / directory).glob("*")):
            if path.suffix in (".c", ".h", ".S"):
                yield str(path.relative_to(ROOT))


def picture(seen):
    """The layers as a drawing: each line may use only lines below it, and names those it does use."""
    rows = [("usr", "programs, the C library, the tests", "system calls only")]
    for layer, what in WHAT.items():
        uses = [other for other in LAYERS if other in seen[layer]]
        headers = sorted(other for other in seen[layer] if "/" in other)
        if headers:
            uses.append("of arch " + " ".join(header.partition("/")[2] for header in headers))
        rows.append((layer, what, " ".join(uses) or "nothing"))
    lines = ["    layer    what it is                             uses", "    " + "-" * 92]
    lines += [f"    {layer:<8} {what:<38} {uses}" for layer, what, uses in rows]
    return "\n".join(lines)


def check_readme(checker, update):
    path = ROOT / "README.md"
    text = path.read_text()
    if BEGIN not in text or END not in text:
        checker.error("README.md", 1, "the markers of the layer picture are missing")
        return
    head, rest = text.split(BEGIN, 1)
    body, tail = rest.split(END, 1)
    wanted = "\n\n" + picture(checker.seen) + "\n\n"
    if body == wanted:
        return
    if update:
        path.write_text(head + BEGIN + wanted + END + tail)
    else:
        checker.error("README.md", head.count("\n") + 1,
                      "the layer picture differs from the sources; `make docs` renews it")


def main():
    checker = Checker()
    for path in sources():
        checker.check_source(path)
    checker.check_public_headers()
    objects = checker.check_objects()
    if not objects:
        checker.error("build/kobj", 0, "no objects: run make first")
    else:
        check_readme(checker, "--update" in sys.argv)
    if len(checker.core_uses) > CORE_USES_MAX:
        checker.errors += checker.core_uses
    elif checker.core_uses:
        print("\n".join(checker.core_uses))
    print("\n".join(checker.errors) or f"layers: {objects} symbols, every file keeps to its layer")
    return 1 if checker.errors else 0


if __name__ == "__main__":
    sys.exit(main())
