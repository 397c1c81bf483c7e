"""What the checks share: which C files there are, and where their functions begin and end.

The kernel's layout makes this simple: a function begins in column 0 and ends with a `}` in column 0.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAYER_DIRECTORIES = ("arch/riscv", "lib", "mm", "sched", "drivers", "fs", "proc", "ipc", "syscall", "init")
# What the core of a layer can do without lies in its folder ext/.
KERNEL_DIRECTORIES = tuple(room for layer in LAYER_DIRECTORIES for room in (layer, layer + "/ext")
                           if (ROOT / room).is_dir())

ATTRIBUTE = re.compile(r"__\w+\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
HEAD = re.compile(r"^(?:[A-Za-z_][^;=()]*?\b)?(\w+)\s*\((?!.*;\s*$)")


class Function:
    def __init__(self, path, name, first, lines):
        self.path = path
        self.name = name
        self.first = first          # line number of the first line of its head
        self.lines = lines          # from the head to the closing brace

    @property
    def length(self):
        return len(self.lines)


def c_files(directories, pattern="*.c"):
    for directory in directories:
        for path in sorted((ROOT / directory).glob(pattern)):
            yield path.relative_to(ROOT)


def functions(path):
    """Every function that is defined in a C file."""
    lines = (ROOT / path).read_text().splitlines()
    start = name = None
    opened = False
    for number, line in enumerate(lines, 1):
        if opened:
            if line.startswith("}"):
                yield Function(path, name, start, lines[start - 1:number])
                start, opened = None, False
            continue
        head = None if line.startswith(("#", "typedef", "}", " ")) else head_name(line)
        if start is None and head:
            start, name = number, head
            if one_liner(line):
                yield Function(path, name, start, [line])
                start = None
                continue
        if start is not None:
            if line.rstrip().endswith("{"):
                opened = True
            elif line.rstrip().endswith(";") or not line.strip():
                start = None                            # it was a declaration


def head_name(line):
    """The name of the function whose head begins here, past attributes; None for any other line."""
    match = HEAD.match(ATTRIBUTE.sub("", line))
    return match.group(1) if match else None


def one_liner(line):
    return "{" in line and line.rstrip().endswith("}")
