#!/usr/bin/python3
"""Write what the page needs to read a machine's memory: layouts, names and lines, out of debug information.

    tools/layouts.py -o build/layouts.json build/kernel build/user/_ls build/user/_sh ...

    --sources FILE   also write the text of each source file that the lines name, as one JSON object
    --sizes          print how large each piece is

The JSON: `kernel` has structs, enums, constants, objects and labels; `programs` has for each program its objects;
`code` has what page/code.js decodes, shared by all of them. Addresses are signed, so that the kernel's are below 0 and
JavaScript holds them exactly. page/kernel.js is its reader.
"""

import argparse
import json
import pathlib
import sys
import zlib

import dwarf_macros
from dwarf_code import Code
from dwarf_types import Types, signed
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

FORMAT = 1
EXACT = 1 << 53             # JavaScript's numbers are exact up to here


def build_id(elf):
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_NOTE":
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return note["n_desc"]
    return build_id_in_text(elf)


def build_id_in_text(elf):
    """The kernel has its note within .rodata, where `__build_id` says; the id follows a head of 16 bytes."""
    symbols = elf.get_section_by_name(".symtab").get_symbol_by_name("__build_id")
    if not symbols:
        return ""
    at = symbols[0]["st_value"]
    section = elf.get_section(symbols[0]["st_shndx"])
    note = section.data()[at - section["sh_addr"]:][:36]
    return note[16:].hex()


def labels_of(elf):
    """Where parts of the image begin and end: what linker scripts and assembly name."""
    found = {}
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        if symbol["st_info"]["type"] == "STT_NOTYPE" and symbol.name.startswith("__") and symbol["st_shndx"] != "SHN_UNDEF":
            found[symbol.name] = signed(symbol["st_value"])
    return found


def objects_of(elf):
    """{name: [address, size]} of a program's variables."""
    return {s.name: [s["st_value"], s["st_size"]] for s in elf.get_section_by_name(".symtab").iter_symbols()
            if s["st_info"]["type"] == "STT_OBJECT"}


def kernel_of(elf, code):
    if not elf.has_dwarf_info():
        sys.exit("layouts: the kernel has no debug information")
    types = Types()
    types.collect(elf.get_dwarf_info())
    constants = {**types.constants, **dwarf_macros.constants(elf)}
    return {
        "build": build_id(elf),
        "structs": types.structs,
        "several": sorted(types.several),
        "enums": types.enums,
        "constants": {name: signed(n) for name, n in constants.items() if abs(signed(n)) <= EXACT},
        "objects": types.objects,
        "labels": labels_of(elf),
        "parts": code.add(elf),
    }


def program_name(path):
    """user/_ls is the program ls."""
    return pathlib.Path(path).name.removeprefix("_")


def layouts(kernel, programs):
    """=> the JSON object, and the Code it came from."""
    code = Code()
    with open(kernel, "rb") as file:
        found = {"format": FORMAT, "kernel": kernel_of(ELFFile(file), code), "programs": {}}
    for path in programs:
        with open(path, "rb") as file:
            elf = ELFFile(file)
            found["programs"][program_name(path)] = {"entry": elf["e_entry"], "parts": code.add(elf),
                                                     "objects": objects_of(elf)}
    found["code"] = code.as_json()
    return found, code


def sources_of(code):
    """{path: text} of each file that is still where it was compiled."""
    found = {}
    for path, folder in code.folders.items():
        file = pathlib.Path(folder, path)
        if file.is_file():
            found[path] = file.read_text(errors="replace")
    return found


def compact(content):
    return json.dumps(content, separators=(",", ":")).encode()


def print_sizes(found):
    pieces = {"kernel": found["kernel"], "programs": found["programs"],
              "names": {k: v for k, v in found["code"].items() if k != "parts"}}
    for kind in ("lines", "functions", "inlined", "callers"):
        pieces[kind] = [part[kind] for part in found["code"]["parts"]]
    pieces["all"] = found
    for name, content in pieces.items():
        text = compact(content)
        print(f"{name:10} {len(text):9,} bytes, compressed {len(zlib.compress(text, 9)):8,}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--sources")
    parser.add_argument("--sizes", action="store_true")
    parser.add_argument("kernel")
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    try:
        found, code = layouts(options.kernel, options.programs)
    except (OSError, ELFError) as error:
        sys.exit(f"layouts: {error}")
    pathlib.Path(options.output).write_bytes(compact(found))
    if options.sources:
        pathlib.Path(options.sources).write_bytes(compact(sources_of(code)))
    if options.sizes:
        print_sizes(found)


if __name__ == "__main__":
    main()
