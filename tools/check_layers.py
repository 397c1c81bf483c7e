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
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

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
    "ipc": "pipes and services",
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


def rule_text(layer):
    return f"{layer} may use: " + "; ".join(LAYERS[layer])


class Checker:
    def __init__(self):
        self.errors = []
        self.seen = collections.defaultdict(set)        # layer -> what it uses: layers, headers of arch
        self.words = {}                                 # header path -> identifiers in it

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
        private = quoted[3:] if "/ext/" in path and quoted.startswith("../") else quoted     # its layer's own
        if "/" not in private:
            if not (ROOT / path).parent.joinpath(quoted).exists():
                self.error(path, number, f'"{quoted}" is not beside the file')
            return
        header = "include/" + quoted
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

    # ---- Symbols ----------------------------------------------------------------------------------

    def check_objects(self, directory):
        defined, needed = {}, []
        for source in sources():
            if source.endswith(".h"):
                continue
            obj = directory / (os.path.splitext(source)[0] + ".o")
            if not obj.exists():
                continue
            for kind, name in symbols(obj):
                if kind == "U":
                    needed.append((source, name))
                elif kind.isupper():
                    defined[name] = source
        for source, name in needed:
            if name in defined:
                self.check_symbol(source, name, defined[name])
        return len(defined)

    def check_symbol(self, source, name, definer):
        user, used = layer_of(source), layer_of(definer)
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


def symbols(obj):
    text = subprocess.run([find_nm(), "-g", str(obj)], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 2:
            yield fields[-2], fields[-1]


def find_nm():
    prefix = os.environ.get("TOOLPREFIX")
    if prefix is None:
        prefix = subprocess.run([ROOT / "tools/find-toolchain.sh"], stdout=subprocess.PIPE, text=True,
                                check=True).stdout.strip()
    return prefix + "nm"


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
    objects = checker.check_objects(ROOT / "build/kobj")
    if not objects:
        checker.error("build/kobj", 0, "no objects: run make first")
    else:
        check_readme(checker, "--update" in sys.argv)
    print("\n".join(checker.errors) or f"layers: {objects} symbols, every file keeps to its layer")
    return 1 if checker.errors else 0


if __name__ == "__main__":
    sys.exit(main())
