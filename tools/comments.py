"""What the comments of the kernel say about other places in it, compared with what is there.

- A file, a `file:function()`, a `function() in file` or a `function()` that a comment names exists.
- "Called by A, B and C." at the head of a file: each file, folder/ or function() named there calls something of it, as
  the object files have it. "by A through P" says that A calls it through a pointer, which they do not show.
- "Read next: F." leads to a file of the same layer or of one below, and no chain of them leads back.
"""

import os
import re

from check_layers import LAYERS, layer_of
from csource import KERNEL_DIRECTORIES, ROOT, c_files, functions
from objects import Objects, knots

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FILE = r"(?:[\w-]+/)*[\w-]+\.[chS]\b"
IN_FILE = re.compile(rf"\b({FILE}):(\w+)|\b(\w+)\(\) in ({FILE})")
NAMED_FILE = re.compile(rf"(?<![\w/.])({FILE})")
NAMED_FUNCTION = re.compile(r"(?<![\w./:>-])([a-z_]\w{2,})\(\)")
CALLED_BY = re.compile(r"Called by:? (.*?)(?:[.;](?=\s|$)|[Rr]ead next)", re.DOTALL)
CLAUSE = re.compile(r",? (?:and )?by ")
CALLER = re.compile(rf"(?P<file>{FILE})|(?P<function>\w+)\(\)|\b(?P<folder>[a-z]+)/(?![\w])")
READ_NEXT = re.compile(rf"[Rr]ead next:? (?:\w+\(\) in )?({FILE})")
WORD = re.compile(r"[A-Za-z_]\w*")


def sources():
    headers = [path.relative_to(ROOT) for path in sorted((ROOT / "include").glob("*/*.h"))]
    return [str(path) for path in [*c_files(KERNEL_DIRECTORIES, "*.[chS]"), *headers]]


def plain(comment):
    """The comment on one line, without stars, and where its lines begin does not matter."""
    return " ".join(re.sub(r"^\s*(?:/\*+|\*/|\*)", "", line).replace("*/", "").strip() for line in comment.splitlines())


def resolve(name, user):
    """The file that a comment in `user` means: of its folder, of its layer's headers, or by its path."""
    folder = os.path.dirname(user)
    layer = "asm" if layer_of(user) == "arch" else layer_of(user)
    places = [name, "include/" + name, f"{folder}/{name}", f"include/{layer}/{name}", f"{os.path.dirname(folder)}/{name}",
              f"include/uapi/{name}"] + [f"{room}/{name}" for room in ("arch/riscv", layer or "", f"{layer}/ext")]
    return next((place for place in places if (ROOT / place).is_file()), None)


class Comments:
    def __init__(self):
        self.errors = []
        self.next = {}                      # file -> the file to read next
        self.objects = Objects()
        self.users = self.objects.users()
        self.texts = {path: (ROOT / path).read_text() for path in sources()}
        self.words = {path: set(WORD.findall(COMMENT.sub(" ", text))) for path, text in self.texts.items()}
        self.known = set().union(*self.words.values())
        for folder in ("include/uapi", "usr", "tests/kernel"):
            for path in sorted((ROOT / folder).rglob("*.[chS]")):
                self.known |= set(WORD.findall(path.read_text()))
        self.homes = {}                     # function -> the files that define it
        for path in c_files(KERNEL_DIRECTORIES):
            for function in functions(path):
                self.homes.setdefault(function.name, set()).add(str(path))

    def check(self):
        for path, text in self.texts.items():
            for match in COMMENT.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                self.check_names(path, line, plain(match[0]))
                self.check_callers(path, line, plain(match[0]))
                self.note_next(path, line, plain(match[0]))
        for knot in knots({a: {b} for a, b in self.next.items()}, set(self.next)):
            self.errors.append(f"{knot[0]}:1: `Read next` leads in a circle: {' '.join(knot)}")
        return self.errors

    def error(self, path, line, text):
        self.errors.append(f"{path}:{line}: {text}")

    def check_names(self, path, line, comment):
        for name, symbol, symbol_in, name_in in IN_FILE.findall(comment):
            file, symbol = resolve(name or name_in, path), symbol or symbol_in
            if file and symbol not in self.words.get(file, WORD.findall((ROOT / file).read_text())):
                self.error(path, line, f"the comment names {symbol} in {file}, which has none")
        for name in NAMED_FILE.findall(comment):
            if not resolve(name, path):
                self.error(path, line, f"the comment names {name}, and there is no such file")
        for name in NAMED_FUNCTION.findall(comment):
            if name not in self.known:
                self.error(path, line, f"the comment names {name}(), and there is no such function")

    def check_callers(self, path, line, comment):
        called = CALLED_BY.search(comment) if path in self.objects.read else None
        clauses = CLAUSE.split(called[1]) if called else ()
        for caller in (caller for clause in clauses if "through" not in clause for caller in CALLER.finditer(clause)):
            if not self.calls(caller, path):
                self.error(path, line, f"called by {caller[0]}? That uses nothing of this file")

    def calls(self, caller, path):
        users = self.users.get(path, set())
        if caller["file"]:
            file = resolve(caller["file"], path)
            return not file or file.endswith(".h") or file in users
        if caller["function"]:
            homes = self.homes.get(caller["function"], set())
            return bool(homes & (users | {path})) or not homes
        return any(user.startswith(caller["folder"] + "/") for user in users)

    def note_next(self, path, line, comment):
        match = READ_NEXT.search(comment)
        file = resolve(match[1], path) if match else None
        if not file:
            return
        self.next[path] = file
        here, there = layer_of(path), layer_of(file)
        below = {entry.partition(":")[0] for entry in LAYERS[here]}
        if there and there != here and there not in below:
            self.error(path, line, f"`Read next` leads up, from {here} to {there}")


def check():
    return Comments().check()
