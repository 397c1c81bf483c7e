"""A device tree blob as nested dictionaries: a node maps the names of properties to bytes, of children to nodes."""

import struct
import subprocess

BEGIN, END_NODE, PROP, END = 1, 2, 3, 9
HEADER = 10     # words
VERSION, COMPATIBLE = 17, 16


def cells(*values):
    return b"".join(struct.pack(">I", value & 0xffffffff) for value in values)


def wide(*values):
    """Addresses and sizes of two cells each."""
    return b"".join(struct.pack(">Q", value) for value in values)


def text(blob, offset):
    return blob[offset:blob.index(b"\0", offset)].decode()


def parse(blob):
    """=> the root. Memory reservations are not kept: QEMU makes none."""
    _, _, at, strings = struct.unpack_from(">4I", blob)
    nodes = [{}]
    while True:
        token, = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN:
            name = text(blob, at)
            at += len(name) // 4 * 4 + 4
            nodes[-1][name] = {}
            nodes.append(nodes[-1][name])
        elif token == END_NODE:
            nodes.pop()
        elif token == PROP:
            size, name = struct.unpack_from(">2I", blob, at)
            nodes[-1][text(blob, strings + name)] = blob[at + 8:at + 8 + size]
            at += 8 + (size + 3) // 4 * 4
        elif token == END:
            return nodes[0][""]


def padded(data):
    return data + bytes(-len(data) % 4)


def write_node(name, node, strings):
    out = cells(BEGIN) + padded(name.encode() + b"\0")
    for key, value in node.items():         # properties stand before children
        if not isinstance(value, dict):
            if key not in strings:
                strings[key] = sum(len(s) + 1 for s in strings)
            out += cells(PROP, len(value), strings[key]) + padded(value)
    for key, value in node.items():
        if isinstance(value, dict):
            out += write_node(key, value, strings)
    return out + cells(END_NODE)


def write(root, reservations=()):
    strings = {}
    structure = write_node("", root, strings) + cells(END)
    names = b"".join(key.encode() + b"\0" for key in strings)
    reserve = b"".join(wide(*entry) for entry in (*reservations, (0, 0)))
    at = 4 * HEADER
    where = at + len(reserve)
    total = where + len(structure) + len(names)
    return cells(0xd00dfeed, total, where, where + len(structure), at, VERSION, COMPATIBLE, 0, len(names),
                 len(structure)) + reserve + structure + names


def of_qemu(qemu, path, cpus=2, mem="128M"):
    """The tree that QEMU gives its machine, as parse() has it."""
    subprocess.run([qemu, "-machine", f"virt,dumpdtb={path}", "-smp", str(cpus), "-m", mem, "-display", "none"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return parse(path.read_bytes())
