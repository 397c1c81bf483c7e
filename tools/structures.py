#!/usr/bin/python3
"""docs/structures.md: every structure of the kernel's headers, each field with what guards it.

    tools/structures.py            is the page as the headers have it?
    tools/structures.py --update   write it

A field's mark stands first in its comment; include/lib/annotate.h explains the marks. Extensions (ext/) have no part
in the page, and neither have structures of an operations table's kind: all their fields are pointers to functions.
"""

import os
import re
import sys

from csource import LAYER_DIRECTORIES, ROOT, c_files

PAGE = ROOT / "docs/structures.md"
LEGEND = "include/lib/annotate.h"
UNMARKED_MAX = 0                        # fields without a mark

STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\}[^;]*;", re.MULTILINE | re.DOTALL)
PIECE = re.compile(r"/\*(?P<comment>.*?)\*/|(?P<field>[^;/{}]*(?:\{[^{}]*\}[^;{}]*)?);", re.DOTALL)
MARK = re.compile(r"^\[([^\]]+)\]\s*(.*)", re.DOTALL)
DEFAULT = re.compile(r"Fields without a mark: \[([^\]]+)\]")
OWNER = re.compile(r"Owner: ([\w/]+\.[cS])")
LOCK = re.compile(r"^struct (?:spinlock|mutex|waitqueue) \w")
INTRODUCTION = """# Structures

Each structure of the kernel's headers, without extensions: its fields, what guards each, and the file that owns it, which
is the one that makes its objects and changes them. Made by `tools/structures.py` from the headers; `make docs` renews it.

{legend}
"""


class Field:
    def __init__(self, declaration):
        self.declaration = " ".join(re.sub(r"/\*.*?\*/", "", declaration, flags=re.DOTALL).split())
        self.comment = ""

    def finish(self, default):
        """Part the comment into mark and text."""
        match = MARK.match(self.comment)
        if match:
            self.mark, self.text = match[1], match[2]
        else:
            self.mark, self.text = "itself" if LOCK.match(self.declaration) else default, self.comment


class Structure:
    def __init__(self, header, name, comment, body):
        self.header, self.name, self.comment = header, name, comment
        self.fields = list(fields(body))
        default = DEFAULT.search(comment)
        marked = default or any(MARK.match(field.comment) or LOCK.match(field.declaration) for field in self.fields)
        for field in self.fields:
            field.finish(default[1] if default else None if marked else "value")

    def is_table(self):
        return all("(*" in field.declaration for field in self.fields)


def plain(comment):
    """A comment's text without its stars."""
    return " ".join(re.sub(r"^\s*\*", "", line).strip() for line in comment.splitlines()).strip()


def fields(body):
    """The fields, each with the comment behind it, or the one on the lines above it."""
    above, last, end = "", None, 0
    for piece in PIECE.finditer(body):
        gap = body[end:piece.start()]
        if piece["comment"] is None:
            if piece["field"].strip():
                last = Field(piece["field"])
                last.comment = above
                yield last
            above = ""
        elif last is not None and "\n" not in gap and not above:
            last.comment = plain(piece["comment"])
        else:
            above = (above + " " + plain(piece["comment"])).strip()
        if piece["comment"] is None and "\n\n" in gap:
            above = ""
        end = piece.end()


def structures(header):
    text = (ROOT / header).read_text()
    for match in STRUCT.finditer(text):
        before = text[:match.start()].rstrip()
        comment = ""
        if before.endswith("*/") and "\n\n" not in text[len(before):match.start()]:
            comment = plain(before[before.rindex("/*") + 2:-2])
        yield Structure(header, match[1], comment, match[2])


def owner(header):
    """The file that the header names, or the one of the same name."""
    named = OWNER.search((ROOT / header).read_text())
    if named:
        return named[1]
    layer, name = header.split("/")[-2:] if header.startswith("include/") else os.path.split(header)
    layer = {"asm": "arch/riscv"}.get(layer, layer)
    for source in (f"{layer}/{name[:-2]}.c", f"{layer}/{name[:-2]}.S"):
        if (ROOT / source).exists():
            return source
    return None


def headers(layer):
    public = "include/" + {"arch/riscv": "asm"}.get(layer, layer)
    return [str(path) for path in c_files([public, layer], "*.h")]


def section(structure):
    made_by = owner(structure.header)
    place = f"`{structure.header}`" + (f", owned by `{made_by}`" if made_by else "")
    note = DEFAULT.sub("", structure.comment).strip(" .")
    lines = [f"### struct {structure.name}", "", place + (f". {note}." if note else "."), "",
             "| field | guarded by | what |", "|---|---|---|"]
    lines += [f"| `{cell(f.declaration)}` | {cell(f.mark or '-')} | {cell(f.text)} |" for f in structure.fields]
    return "\n".join(lines) + "\n"


def cell(text):
    return text.replace("|", "\\|")


def legend():
    """The marks, as the header explains them."""
    found = re.search(r"/\*\n \* Marks on fields.*?\*/", (ROOT / LEGEND).read_text(), re.DOTALL)
    lines = [re.sub(r"^ \* ?", "", line) for line in found[0].splitlines()[1:-1]] if found else []
    return "\n".join("  " + line if line.startswith(" ") else line for line in lines)


def page():
    parts, unmarked = [INTRODUCTION.format(legend=legend())], []
    for layer in LAYER_DIRECTORIES:
        found = [s for header in headers(layer) for s in structures(header) if not s.is_table()]
        if found:
            parts.append(f"## {layer}\n")
        parts += map(section, found)
        unmarked += [f"{s.header}: {s.name}.{f.declaration}" for s in found for f in s.fields if not f.mark]
    return "\n".join(parts), unmarked


def main():
    text, unmarked = page()
    if "--update" in sys.argv:
        PAGE.write_text(text)
    errors = []
    if not PAGE.exists() or PAGE.read_text() != text:
        errors.append("docs/structures.md is not what the headers say: `make docs` renews it")
    if len(unmarked) > UNMARKED_MAX:
        errors += [f"{field}: no mark says what guards it" for field in unmarked]
    print("\n".join(errors) or f"structures: as the headers have them; {len(unmarked)} fields have no mark")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
