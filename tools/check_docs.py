#!/usr/bin/python3
"""Every `file:symbol()` that a document cites exists, and no document cites a line number. Make knows what a document says
of it, and a command for gdb stands in a block, which tests/boot/test_docs.py runs. What comments of the kernel say about
other files is true (tools/comments.py).

    tools/check_docs.py            check
    tools/check_docs.py --update   also renew the line counts in the README's reading list

A reading-list line is `path` (N lines); it may be off by a tenth before it is an error.
"""

import re
import sys

import comments
import docs
from csource import ROOT

STALE_COMMENTS = 0              # so many comments may name what is not there; the aim is 0

CITATION = re.compile(r"([\w.-]+(?:/[\w.-]+)*\.(?:c|h|S|py|mk|ld|gdb)):(\w+)(\(\))?")
COUNT = re.compile(r"`([\w./-]+)` \((\d+) lines\)")
PATH = re.compile(r"`((?:arch|lib|mm|sched|drivers|fs|proc|ipc|syscall|init|usr|include|tools|tests|docs|mk)/[\w./-]*)`")


def documents():
    """All but the two that are made from the sources and have checks of their own, which `make docs` satisfies."""
    made = [ROOT / "docs/path.md", ROOT / "docs/structures.md"]
    books = sorted((ROOT / "docs").rglob("*.md")) + sorted((ROOT / "tests").rglob("*.md"))
    return [ROOT / "README.md", *(book for book in books if book not in made)]


def defines(path, symbol):
    """Is the symbol defined in the file: not only called or declared in passing?"""
    text = path.read_text()
    word = re.escape(symbol)
    patterns = [
        rf"^[A-Za-z_#].*\b{word}\b",                      # a head, a macro, a type, a variable in column 0
        rf"^\s+{word}\b\s*(?:=|,|$|\()",                  # a member of an enum, a name on its own line
        rf"^(?:\s*)(?:FUNC|ENTRY|GLOBAL)?\W*{word}\b",    # a label in assembly
        rf"^\s*def {word}\b",
    ]
    return any(re.search(pattern, text, re.MULTILINE) for pattern in patterns)


def check(document, update):
    name = document.relative_to(ROOT)
    text = document.read_text()
    errors = []
    made_here = re.findall(r"[Nn]ew file `([\w./-]+)`", text)
    for number, line in enumerate(text.splitlines(), 1):
        for path, symbol, _ in CITATION.findall(line):
            file = ROOT / path
            if symbol.isdigit():
                errors.append(f"{name}:{number}: cites the line {path}:{symbol}; name a function instead")
            elif not file.exists():
                errors.append(f"{name}:{number}: there is no file {path}")
            elif not defines(file, symbol):
                errors.append(f"{name}:{number}: {path} does not define {symbol}")
        for path in PATH.findall(line):
            if not (ROOT / path).exists() and "*" not in path and path not in made_here:
                errors.append(f"{name}:{number}: there is no {path}")
        for path, count in COUNT.findall(line):
            errors += check_count(name, number, path, int(count), update)
    if update:
        renewed = COUNT.sub(lambda m: f"`{m[1]}` ({length(m[1])} lines)", text)
        if renewed != text:
            document.write_text(renewed)
    return errors


def length(path):
    file = ROOT / path
    return len(file.read_text().splitlines()) if file.exists() else 0


def check_count(name, number, path, count, update):
    actual = length(path)
    if update or abs(actual - count) <= max(3, actual // 10):
        return []
    return [f"{name}:{number}: {path} has {actual} lines, not {count}; `make docs` renews the counts"]


def main():
    errors = [error for document in documents() for error in check(document, "--update" in sys.argv)]
    errors += docs.check()
    stale = comments.check()
    if len(stale) > STALE_COMMENTS:
        errors += stale
    print("\n".join(errors) or f"docs: every citation leads somewhere; {len(stale)} comments do not")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
