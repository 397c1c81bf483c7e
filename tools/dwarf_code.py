"""Where each instruction comes from: functions, lines, inlined calls, and how to find the caller at each of them.

The code of a program is made of parts, each what one object file gave it. A part's addresses count from its start, so
that the user library's parts are the same in every program and are written once. All numbers of a kind stand in a column
of differences, which are small and compress well.
"""

import bisect
import posixpath

from dwarf_frames import callers_of
from dwarf_types import name_of, signed, value
from elftools.construct import StaticField
from elftools.dwarf.ranges import BaseAddressEntry
from elftools.dwarf.structs import DWARFStructs


class Part:
    """The code of one object file between `start` and `end`; every list is sorted by address."""

    def __init__(self, start, end):
        self.start, self.end = start, end
        self.lines = []         # (address, file, line)
        self.functions = []     # (address, size, name)
        self.inlined = []       # (address, size, name, file and line of the call, depth)
        self.callers = []       # (address, rule)


class Table:
    """Gives each different thing a number."""

    def __init__(self):
        self.items, self.numbers = [], {}

    def number(self, item):
        if item not in self.numbers:
            self.numbers[item] = len(self.items)
            self.items.append(item)
        return self.numbers[item]


def differences(numbers):
    return [n - before for n, before in zip(numbers, [0] + list(numbers[:-1]))]


def columns(rows, *kinds):
    """A list of rows as a list of columns; kind "d" as differences, "p" plain."""
    found = list(zip(*rows)) or [()] * len(kinds)
    return [differences(c) if kind == "d" else list(c) for c, kind in zip(found, kinds)]


def know_data16():
    """Files' checksums, which clang writes, have a form that pyelftools 0.29 names and cannot read."""
    create = DWARFStructs._create_dw_form  # pylint: disable=protected-access

    def create_all(self):
        create(self)
        self.Dwarf_dw_form.setdefault("DW_FORM_data16", StaticField("", 16))

    DWARFStructs._create_dw_form = create_all  # pylint: disable=protected-access


know_data16()


# ---- lines ----

def file_name(program, number, directory):
    """A source file's path as it was given to the compiler, from the folder of the build."""
    header = program.header
    index = number if header["version"] >= 5 else number - 1
    if not 0 <= index < len(header["file_entry"]):
        return None
    entry = header["file_entry"][index]
    name = entry["name"].decode()
    folder = folder_of(header, entry["dir_index"])
    path = name if name.startswith("/") or folder in ("", directory) else f"{folder}/{name}"
    return posixpath.normpath(path[len(directory) + 1:] if path.startswith(directory + "/") else path)


def folder_of(header, index):
    folders = header["include_directory"]
    if header["version"] < 5:
        index -= 1
    return folders[index].decode() if 0 <= index < len(folders) else ""


def parts_of(cu, dwarf, names):
    """The parts of one compilation unit, with their lines. `names` maps a file's number to a Table's."""
    program = dwarf.line_program_for_CU(cu)
    found, rows = [], []
    for entry in program.get_entries() if program else []:
        state = entry.state
        if state is None:
            continue
        if state.end_sequence:
            if rows and state.address > rows[0][0]:
                found.append(Part(rows[0][0], state.address))
                found[-1].lines = without_repeats(rows)
            rows = []
        else:
            rows.append((state.address, names(program, state.file), state.line))
    return found


def without_repeats(rows):
    """The last row of an address counts; one that says what the row before said goes."""
    last = dict((row[0], row) for row in rows)
    kept = []
    for row in sorted(last.values()):
        if not kept or kept[-1][1:] != row[1:]:
            kept.append(row)
    return kept


# ---- functions ----

def part_at(parts, starts, address):
    i = bisect.bisect_right(starts, address) - 1
    return parts[i] if i >= 0 and address < parts[i].end else None


def functions_of(elf):
    """(address, size, name) of each function of the symbol table, assembly too; a size of 0 reaches to the next."""
    code = [i for i in range(elf.num_sections()) if elf.get_section(i)["sh_flags"] & 4]
    found = []
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        kind, bind = symbol["st_info"]["type"], symbol["st_info"]["bind"]
        if symbol["st_shndx"] not in code or symbol.name.startswith((".", "$")):
            continue
        if kind == "STT_FUNC" or (kind == "STT_NOTYPE" and bind == "STB_GLOBAL" and "__" not in symbol.name):
            found.append((symbol["st_value"], symbol["st_size"], symbol.name))
    return with_ends(sorted(found))


def with_ends(found):
    """A label that lies within a function is none of its own."""
    kept = []
    for i, (address, size, name) in enumerate(found):
        following = found[i + 1][0] if i + 1 < len(found) else address
        within = kept and address < kept[-1][0] + kept[-1][1]
        if not within and (size or following > address):
            kept.append((address, size or following - address, name))
    return kept


# ---- inlined calls ----

def ranges_of(die, cu, dwarf):
    """[start, end) of each piece of code that belongs to an entry."""
    if "DW_AT_ranges" in die.attributes:
        lists = dwarf.range_lists()
        base = value(cu.get_top_DIE(), "DW_AT_low_pc", 0)
        for entry in lists.get_range_list_at_offset(value(die, "DW_AT_ranges"), cu=cu):
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
            elif entry.is_absolute:
                yield entry.begin_offset, entry.end_offset
            else:
                yield base + entry.begin_offset, base + entry.end_offset
    elif "DW_AT_low_pc" in die.attributes:
        low, high = die.attributes["DW_AT_low_pc"].value, die.attributes["DW_AT_high_pc"]
        yield low, high.value if high.form == "DW_FORM_addr" else low + high.value


def source_name(die):
    while die is not None and name_of(die) is None:
        attribute = next((a for a in ("DW_AT_abstract_origin", "DW_AT_specification") if a in die.attributes), None)
        die = die.get_DIE_from_attribute(attribute) if attribute else None
    return name_of(die) if die is not None else "?"


def inlined_of(die, cu, dwarf, depth=0):
    """(start, end, name, file, line, depth) of each call that was inlined below an entry."""
    for child in die.iter_children():
        if child.tag == "DW_TAG_inlined_subroutine":
            name = source_name(child)
            call = value(child, "DW_AT_call_file", 0), value(child, "DW_AT_call_line", 0)
            for start, end in ranges_of(child, cu, dwarf):
                if end > start:
                    yield start, end, name, call[0], call[1], depth
            yield from inlined_of(child, cu, dwarf, depth + 1)
        elif child.tag == "DW_TAG_lexical_block":
            yield from inlined_of(child, cu, dwarf, depth)


# ---- all of it ----

class Code:
    """The code of many programs; equal parts are written once."""

    def __init__(self):
        self.files, self.names, self.rules = Table(), Table(), Table()
        self.parts = Table()
        self.folders = {}       # path in `files` -> where the file is
        self.named = {}         # of the program just added: address -> the name of a function in its source

    def add(self, elf):
        """=> [[start, number of the part], ...] of one program."""
        dwarf = elf.get_dwarf_info() if elf.has_dwarf_info() else None
        self.named = {}
        parts = self.described(dwarf) if dwarf else []
        parts.sort(key=lambda p: p.start)
        self.give_functions(parts, functions_of(elf))
        self.give_callers(parts, callers_of(elf))
        return [[signed(p.start), self.parts.number(self.encode(p))] for p in parts]

    def described(self, dwarf):
        parts = []
        for cu in dwarf.iter_CUs():
            top = cu.get_top_DIE()
            directory = (value(top, "DW_AT_comp_dir") or b"").decode()

            def names(program, number, directory=directory):
                path = file_name(program, number, directory) or "?"
                self.folders.setdefault(path, directory)
                return self.files.number(path)

            mine = parts_of(cu, dwarf, names)
            self.give_inlined(mine, cu, dwarf, names)
            parts += mine
        return parts

    def give_inlined(self, parts, cu, dwarf, names):
        program = dwarf.line_program_for_CU(cu)
        for die in cu.get_top_DIE().iter_children():
            if die.tag != "DW_TAG_subprogram" or not ({"DW_AT_low_pc", "DW_AT_ranges"} & set(die.attributes)):
                continue
            self.named.setdefault(value(die, "DW_AT_low_pc"), source_name(die))
            for start, end, name, file, line, depth in inlined_of(die, cu, dwarf):
                part = next((p for p in parts if p.start <= start < p.end), None)
                if part:
                    part.inlined.append((start, end - start, self.names.number(name), names(program, file), line,
                                         depth))

    def give_functions(self, parts, functions):
        """Functions that no part has, of a file without debug information, become parts of their own."""
        starts = [p.start for p in parts]
        bare = []
        for address, size, name in functions:
            part = part_at(parts, starts, address)
            if part is None:
                part = Part(address, address + size)
                bare.append(part)
            # Of several names the source's: not an alias, nor that of the compiler's copy, name.constprop.0.
            name = self.named.get(address, name.partition(".")[0])
            part.functions.append((address, size, self.names.number(name)))
        parts += bare
        parts.sort(key=lambda p: p.start)

    def give_callers(self, parts, callers):
        starts = [p.start for p in parts]
        for address, rule in callers:
            part = part_at(parts, starts, address)
            number = self.rules.number(rule)
            if part and (not part.callers or part.callers[-1][1] != number):
                part.callers.append((address, number))

    @staticmethod
    def encode(part):
        def here(rows):
            return [(row[0] - part.start, *row[1:]) for row in rows]

        return Frozen({
            "size": part.end - part.start,
            "lines": columns(here(part.lines), "d", "d", "d"),
            "functions": columns(here(part.functions), "d", "p", "d"),
            "inlined": columns(here(sorted(part.inlined, key=lambda r: (r[0], r[5]))), "d", "p", "p", "d", "d", "p"),
            "callers": columns(here(part.callers), "d", "p"),
        })

    def as_json(self):
        return {"files": self.files.items, "names": self.names.items, "rules": self.rules.items,
                "parts": [frozen.content for frozen in self.parts.items]}


class Frozen:
    """A dictionary that a Table can tell from another."""

    def __init__(self, content):
        self.content = content
        self.text = repr(content)

    def __eq__(self, other):
        return self.text == other.text

    def __hash__(self):
        return hash(self.text)
