"""The commands in the documents: those of the indented blocks, with what should come of them, and those in the text.

    make bench                  a shell's command: the first two blanks in a row begin a remark
    $ ls                        one at the machine's prompt
    (gdb) print *src            one to gdb; what follows, up to the next command or empty line, is the output's shape
"""

import re
import shlex

from csource import ROOT

COMMAND = re.compile(r"    (?:(?P<gdb>\(gdb\)) (?P<to_gdb>.*)|(?P<console>\$) (?P<typed>.*?)(?:  .*)?|(?P<shell>make\b.*?)(?:  .*)?)")
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FOR_GDB = re.compile(r"(?:print|p|info|monitor|call|list|x|break|tbreak)(?:/\w+)? [^ ].*|lamina-\w.*")


class Command:
    def __init__(self, kind, text, place):
        self.kind = kind            # "gdb", "console" or "shell"
        self.text = text
        self.place = place          # document:line
        self.shape = []             # lines, in which ... stands for anything


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def in_blocks(document):
    """The commands of the document's indented blocks, in order."""
    commands, open_one = [], None
    for number, line in enumerate(document.read_text().splitlines(), 1):
        found = COMMAND.fullmatch(line)
        if found:
            kind = "gdb" if found["gdb"] else "console" if found["console"] else "shell"
            text = found["to_gdb"] or found["typed"] or found["shell"]
            open_one = Command(kind, text.strip(), f"{document.relative_to(ROOT)}:{number}")
            commands.append(open_one)
        elif line.startswith("    ") and open_one:
            open_one.shape.append(line.strip())
        else:
            open_one = None
    return commands


def in_text(document):
    """What stands between backquotes: (text, document:line)."""
    return [(text, f"{document.relative_to(ROOT)}:{number}")
            for number, line in enumerate(document.read_text().splitlines(), 1)
            if not line.startswith("    ")
            for text in INLINE.findall(line)]


def programs():
    """The names of the programs on the image."""
    makefile = (ROOT / "usr/programs.mk").read_text().replace("\\\n", " ")
    return {name for names in re.findall(r"^USR_(?:PROGRAMS|TESTS) *=(.*)", makefile, re.MULTILINE)
            for name in names.split()}


def makefiles():
    return "\n".join(f.read_text() for f in [ROOT / "Makefile", *sorted((ROOT / "mk").glob("*.mk"))])


def unknown_to_make(command):
    """The words of a make command that name no target and no variable."""
    text = makefiles()
    targets = {word for heads in re.findall(r"^([^\s#:=][^:=\n]*):(?!=)", text, re.MULTILINE) for word in heads.split()}
    patterns = [re.compile(re.escape(t).replace("%", r".+")) for t in targets if "%" in t]
    variables = set(re.findall(r"^(\w+) *\?=", text, re.MULTILINE))
    unknown = []
    for word in shlex.split(command)[1:]:
        name, is_variable, _ = word.partition("=")
        known = name in variables if is_variable else word in targets or any(p.fullmatch(word) for p in patterns)
        if not known and not word.startswith("-"):
            unknown.append(word)
    return unknown


def check():
    """Static checks: make knows what is said of it, and each command for gdb in a text is run in some block."""
    blocks = [command for document in documents() for command in in_blocks(document)]
    texts = [item for document in documents() for item in in_text(document)]
    shell = [(c.text, c.place) for c in blocks if c.kind == "shell"]
    shell += [(part, place) for text, place in texts for part in text.split("; ") if part.startswith("make ")]
    run = {c.text for c in blocks if c.kind == "gdb"}
    run_names = {text.split()[0] for text in run}
    errors = [f"{place}: make knows no {word}" for text, place in shell for word in unknown_to_make(text)]
    errors += [f"{place}: `{text}` stands in no block, so no test runs it"
               for text, place in texts
               if FOR_GDB.fullmatch(text) and text not in run and not (" " not in text and text in run_names)]
    return errors
