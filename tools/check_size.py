#!/usr/bin/python3
"""How long functions, files and the kernel are, and which files go round in a circle: the figures, and their limits.

`make test` fails above a limit. The table LIMITS is the one place to lower one, or to raise it with a reason.
"""

import re
import statistics
import sys

from csource import KERNEL_DIRECTORIES, LAYER_DIRECTORIES, ROOT, c_files, functions
from objects import Objects, knots

# what: (limit, aim)
LIMITS = {
    "lines of the longest function": (45, 45),
    "lines of 95 functions in 100": (30, 30),
    "lines of the median function": (12, 12),
    "lines of the longest file": (500, 500),
    "lines of the kernel": (20600, 16000),
    "lines of the core path": (6140, 6000),
    "files of mm in a circle": (0, 0),
    "files of proc in a circle": (0, 0),
    "files of ipc in a circle": (0, 0),
    "files of sched in a circle": (0, 0),
    "files of fs in a circle": (0, 0),
}

# Those outside the kernel, whose functions may be a little longer.
OTHERS = ("usr", "usr/lib", "usr/tests", "tools", "tests/kernel")
MAX_ELSEWHERE = 60

PATH = ROOT / "docs/path.md"
ON_THE_PATH = re.compile(r"^\| `([\w./-]+\.[chS])` \| \d+ \|", re.MULTILINE)


def length(path):
    return len((ROOT / path).read_text().splitlines())


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def kernel_headers():
    return [path.relative_to(ROOT) for path in sorted((ROOT / "include").glob("*/*.h")) if "uapi" not in path.parts]


def core_path():
    """The files that docs/path.md has a course read."""
    return ON_THE_PATH.findall(PATH.read_text().split("## Later")[0]) if PATH.exists() else []


def measure():
    """=> what LIMITS names -> (figure, where)"""
    found = [function for path in c_files(KERNEL_DIRECTORIES) for function in functions(path)]
    lengths = [function.length for function in found]
    longest = max(found, key=lambda function: function.length)
    files = list(c_files(KERNEL_DIRECTORIES, "*.[chS]")) + kernel_headers()
    file = max(files, key=length)
    figures = {
        "lines of the longest function": (longest.length, f"{longest.path}:{longest.name}()"),
        "lines of 95 functions in 100": (percentile(lengths, 0.95), ""),
        "lines of the median function": (round(statistics.median(lengths)), f"{len(found)} functions"),
        "lines of the longest file": (length(file), str(file)),
        "lines of the kernel": (sum(map(length, files)), f"{len(files)} files, headers too, but for include/uapi"),
        "lines of the core path": (sum(map(length, core_path())), f"{len(core_path())} files of docs/path.md"),
    }
    figures.update(circles(files))
    return figures


def circles(files):
    graph, figures = Objects().calls(), {}
    for layer in ("mm", "proc", "ipc", "sched", "fs"):
        found = knots(graph, {str(path) for path in files if path.parts[0] == layer})
        figures[f"files of {layer} in a circle"] = (sum(map(len, found)), "; ".join(map(" ".join, found)))
    return figures


def print_layers():
    print("layer         files  lines  functions  median  95th   max  longest function")
    for layer in (*LAYER_DIRECTORIES, *OTHERS):
        rooms = [layer] + [room for room in (layer + "/ext",) if (ROOT / room).is_dir()]
        headers = kernel_headers() if layer in LAYER_DIRECTORIES else []
        folder = "asm" if layer == "arch/riscv" else layer
        files = list(c_files(rooms, "*.[chS]")) + [path for path in headers if path.parts[1] == folder]
        found = [function for path in c_files(rooms) for function in functions(path)]
        if found:
            print(row(layer, len(files), sum(map(length, files)), found))


def row(name, files, lines, found):
    lengths = [function.length for function in found]
    longest = max(found, key=lambda function: function.length)
    return (f"{name:<13} {files:>5} {lines:>6} {len(found):>10} {statistics.median(lengths):>7.0f}"
            f" {percentile(lengths, 0.95):>5} {max(lengths):>5}  {longest.path}:{longest.name}()")


def elsewhere():
    return [f"{f.path}:{f.first}: {f.name}() has {f.length} lines, and {MAX_ELSEWHERE} are the limit"
            for path in c_files(OTHERS) for f in functions(path) if f.length > MAX_ELSEWHERE]


def main():
    print_layers()
    print(f"\n{'':<34} {'now':>7} {'limit':>7} {'aim':>7}")
    errors = elsewhere()
    figures = measure()
    for what, (limit, aim) in LIMITS.items():
        figure, where = figures[what]
        print(f"{what:<34} {figure:>7} {limit:>7} {aim:>7}  {where}")
        if figure > limit:
            errors.append(f"size: {figure} {what}, and {limit} are the limit")
    print("\n".join(errors) or "size: all within the limits")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
