#!/usr/bin/python3
"""docs/path.md: the files that a course reads, week by week, and all the others as "later".

    tools/path.py            do the tables have each file of the kernel once, with its lines and its first sentence?
    tools/path.py --update   renew them

Which files a week has is written by hand: the first column of its table. All else of the tables is made from the files,
and so are the tables under "Later" and the total.
"""

import re
import sys

from csource import LAYER_DIRECTORIES, ROOT, c_files

PAGE = ROOT / "docs/path.md"
LATER = "## Later"
ROW = re.compile(r"^\| `([\w./-]+\.[chS])` \|.*\|$", re.MULTILINE)
SENTENCE_MAX = 120
TOTAL = re.compile(r"\*\*[\d,]+ lines\*\*")


def length(path):
    return len((ROOT / path).read_text().splitlines())


def sentence(path):
    """The first sentence of the file's first comment."""
    comment = re.search(r"/\*(.*?)\*/", (ROOT / path).read_text(), re.DOTALL)
    paragraph = comment[1].strip(" *\n").split("\n *\n")[0] if comment else ""
    text = " ".join(re.sub(r"^ \* ?", "", line).strip() for line in paragraph.splitlines())
    text = re.split(r"(?<=\w)[.;](?:\s|$)", re.sub(r"^[\w.]+ - ", "", text))[0]
    return (text if len(text) <= SENTENCE_MAX else text.split(": ")[0]).rstrip(".:").replace("|", "\\|")


def row(path):
    return f"| `{path}` | {length(path)} | {sentence(path)} |"


def layer_files():
    """=> layer -> its files, the headers in include/ too"""
    found = {}
    for layer in LAYER_DIRECTORIES:
        public = "include/" + {"arch/riscv": "asm"}.get(layer, layer)
        found[layer] = [str(path) for room in (public, layer, layer + "/ext") for path in c_files([room], "*.[chS]")]
    return found


def weeks(text):
    """The files of the tables before "Later"."""
    return ROW.findall(text.split(LATER)[0])


def renewed(text):
    """The page with its tables and its total as the files are; a file that is gone keeps its row."""
    head = ROW.sub(lambda m: row(m[1]) if (ROOT / m[1]).exists() else m[0], text.split(LATER)[0])
    read = set(weeks(text))
    head = TOTAL.sub(f"**{sum(length(p) for p in read if (ROOT / p).exists()):,} lines**", head, count=1)
    parts = [head + LATER + "\n\nEvery other file, and what it is for. Files in `ext/` are extensions: the rest works without them.\n"]
    for layer, files in layer_files().items():
        rest = [path for path in files if path not in read]
        if rest:
            parts.append(f"\n### {layer}\n\n| file | lines | |\n|---|---|---|\n" + "\n".join(map(row, rest)) + "\n")
    return "".join(parts)


def main():
    text = PAGE.read_text()
    if "--update" in sys.argv:
        PAGE.write_text(renewed(text))
    errors = [f"docs/path.md: there is no {path}" for path in weeks(text) if not (ROOT / path).exists()]
    errors += [f"docs/path.md: {path} stands there twice" for path in sorted(set(weeks(text))) if weeks(text).count(path) > 1]
    if not errors and PAGE.read_text() != renewed(text):
        errors.append("docs/path.md is not what the files say: `make docs` renews it")
    print("\n".join(errors) or f"path: {len(weeks(text))} files, {sum(map(length, weeks(text)))} lines")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
