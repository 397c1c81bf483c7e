"""Constants that headers define by macros, out of the debug information that -g3 adds (DWARF 5, 6.3).

Only macros without parameters whose text is an integer, made of numbers and of other such macros, are kept.
"""

import re

DEFINE, UNDEF, START_FILE, END_FILE, DEFINE_STRP, UNDEF_STRP, IMPORT = 1, 2, 3, 4, 5, 6, 7
DEFINE_STRX, UNDEF_STRX = 11, 12
INTEGER = re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b")
WORD = re.compile(r"\b[A-Za-z_]\w*\b")
ALLOWED = re.compile(r"[\w\s()+\-*/%<>|&^~]+")


class Reader:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def number(self, size):
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little")

    def uleb(self):
        result = shift = 0
        while True:
            byte = self.number(1)
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    def text(self):
        end = self.data.index(b"\0", self.at)
        found, self.at = self.data[self.at:end].decode(errors="replace"), end + 1
        return found


class Names:
    """Texts by where they are in .debug_str, or, as clang has it, by an index of the unit's list of such places."""

    def __init__(self, elf):
        sections = [elf.get_section_by_name(name) for name in (".debug_str", ".debug_str_offsets")]
        self.texts, self.offsets = [s.data() if s is not None else b"" for s in sections]
        self.bases = {}         # where a unit of macros begins -> where its list does
        for cu in elf.get_dwarf_info().iter_CUs():
            attributes = cu.get_top_DIE().attributes
            if "DW_AT_macros" in attributes and "DW_AT_str_offsets_base" in attributes:
                self.bases[attributes["DW_AT_macros"].value] = attributes["DW_AT_str_offsets_base"].value

    def at(self, offset):
        return Reader(self.texts, offset).text()

    def by_index(self, unit_start, index, size):
        return self.at(Reader(self.offsets, self.bases.get(unit_start, 8) + index * size).number(size))


def definitions(elf):
    """(name, text) of each macro definition in any unit, but not what the compiler itself defines."""
    section = elf.get_section_by_name(".debug_macro")
    if section is None:
        return
    data, names = section.data(), Names(elf)
    reader = Reader(data, 0)
    while reader.at < len(data):
        yield from unit(reader, names)


def unit(reader, names):
    """One unit's. Units that others import stand in the section like any other, so imports are not followed."""
    start = reader.at
    reader.number(2)
    flags = reader.number(1)
    size = 8 if flags & 1 else 4
    if flags & 2:
        reader.number(size)
    if flags & 4:
        raise ValueError(".debug_macro: operands of its own are not understood")
    while True:
        code = reader.number(1)
        if code == 0:
            return
        if code in (START_FILE, DEFINE, UNDEF, DEFINE_STRP, UNDEF_STRP, DEFINE_STRX, UNDEF_STRX):
            reader.uleb()
        if code in (DEFINE, UNDEF):
            text = reader.text()
        elif code in (DEFINE_STRP, UNDEF_STRP):
            text = names.at(reader.number(size))
        elif code in (DEFINE_STRX, UNDEF_STRX):
            text = names.by_index(start, reader.uleb(), size)
        elif code == START_FILE:
            reader.uleb()
        elif code == IMPORT:
            reader.number(size)
        if code in (DEFINE, DEFINE_STRP, DEFINE_STRX):
            name, _, body = text.partition(" ")
            if "(" not in name and not name.startswith("__"):
                yield name, body


def evaluate(body, defined, depth=0):
    """The integer that a macro's text says; None when it says something else."""
    text = INTEGER.sub(lambda m: str(int(m[1], 8 if re.fullmatch(r"0[0-7]+", m[1]) else 0)), body)
    for word in set(WORD.findall(text)):
        known = evaluate(defined[word], defined, depth + 1) if word in defined and depth < 8 else None
        if known is None:
            return None
        text = re.sub(rf"\b{word}\b", f"({known})", text)
    if not text.strip() or not ALLOWED.fullmatch(text):
        return None
    try:
        return int(eval(text.replace("/", "//"), {"__builtins__": {}}))  # pylint: disable=eval-used
    except (SyntaxError, TypeError, ArithmeticError, ValueError):
        return None


def constants(elf):
    defined = dict(definitions(elf))
    values = {name: evaluate(body, defined) for name, body in defined.items()}
    return {name: number for name, number in values.items() if number is not None}
