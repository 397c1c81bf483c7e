#!/usr/bin/python3
"""Every panic() of the kernel is known and classified in tools/panics.txt; a new one is an error.

    tools/check_panics.py            check
    tools/check_panics.py --list     print every site in the form of panics.txt, unknown ones marked `?`

A site is a file, a function and the message. The classes:

    boot         only before the first process: the machine or the build is unfit
    bug          a broken promise inside the kernel, unreachable unless the kernel itself is wrong
    machine      the hardware or the firmware broke its contract
    test         only in the checking build or by a test's own hook

No class exists for what a program, a disk image or a device's data can cause: that must never panic (I8).
ASSERT() needs no entry: by definition it is `bug`.
"""

import re
import sys

from csource import KERNEL_DIRECTORIES, ROOT, c_files, functions

CLASSES = {"boot", "bug", "machine", "test"}
LIST = ROOT / "tools" / "panics.txt"
CALL = re.compile(r"\bpanic\s*\(\s*(\"(?:[^\"\\]|\\.)*\")?")


def sites():
    """(key, line) of each call of panic(), where the key is `file:function: "message"`."""
    for path in c_files(KERNEL_DIRECTORIES):
        for function in functions(path):
            if function.name == "panic":
                continue
            body = "\n".join(function.lines)
            for match in CALL.finditer(body):
                message = match.group(1) or "..."
                line = function.first + body[:match.start()].count("\n")
                yield f"{path}:{function.name}: {message}", line


def classified():
    known = {}
    if LIST.exists():
        for line in LIST.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                kind, _, key = line.partition(" ")
                known[key.strip()] = kind
    return known


def main():
    known = classified()
    found = dict(sites())
    if "--list" in sys.argv:
        for key in found:
            print(f"{known.get(key, '?'):<8} {key}")
        return 0
    errors = [f"{key.split(':')[0]}:{line}: new panic site, classify it in tools/panics.txt: {key}"
              for key, line in found.items() if key not in known]
    errors += [f"tools/panics.txt: no such class: {kind} ({key})" for key, kind in known.items() if kind not in CLASSES]
    errors += [f"tools/panics.txt: the site is gone: {key}" for key in known if key not in found]
    print("\n".join(errors) or f"panics: {len(found)} sites, all classified")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
