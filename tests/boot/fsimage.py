"""A file system image in memory, to be looked at and damaged. Layouts: include/fs/format.h, uapi/kernel/fs.h."""

import struct

BLOCK = 1024
INODE = 64
INODES_PER_BLOCK = BLOCK // INODE
ENTRY = 16
DIRECT = 12         # blocks that an inode names itself; number 12 is the indirect block
FREE, DIRECTORY, FILE, DEVICE = range(4)
SUPER = ("magic", "size", "nblocks", "ninodes", "nlog", "logstart", "inodestart", "bmapstart")
FIELDS = {"type": (0, "<h"), "major": (2, "<h"), "minor": (4, "<h"), "nlink": (6, "<h"), "size": (8, "<I")}


class Image:
    def __init__(self, data):
        self.data = bytearray(data)
        for name, value in zip(SUPER, struct.unpack_from("<8I", self.data, BLOCK)):
            setattr(self, name, value)
        self.data_start = self.size - self.nblocks

    def word(self, offset):
        return struct.unpack_from("<I", self.data, offset)[0]

    def set_word(self, offset, value):
        struct.pack_into("<I", self.data, offset, value & 0xffffffff)

    def set_super(self, name, value):
        self.set_word(BLOCK + 4 * SUPER.index(name), value)

    def set_log(self, count, *blocks):
        for i, value in enumerate((count, *blocks)):
            self.set_word(self.logstart * BLOCK + 4 * i, value)

    # ---- Inodes -------------------------------------------------------------------------------------

    def inode(self, number):
        return self.inodestart * BLOCK + number * INODE

    def get(self, number, field):
        offset, form = FIELDS[field]
        return struct.unpack_from(form, self.data, self.inode(number) + offset)[0]

    def set(self, number, **fields):
        for field, value in fields.items():
            offset, form = FIELDS[field]
            struct.pack_into(form, self.data, self.inode(number) + offset, value)

    def where(self, number, index):
        """Where the number of a file's block is kept: in the inode, or from 12 on in its indirect block."""
        if index < DIRECT:
            return self.inode(number) + 12 + 4 * index
        return self.word(self.inode(number) + 12 + 4 * DIRECT) * BLOCK + 4 * (index - DIRECT)

    def block(self, number, index):
        return self.word(self.where(number, index))

    def set_block(self, number, index, block):
        self.set_word(self.where(number, index), block)

    def indirect(self, number):
        return self.word(self.inode(number) + 12 + 4 * DIRECT)

    def set_indirect(self, number, block):
        self.set_word(self.inode(number) + 12 + 4 * DIRECT, block)

    # ---- The bitmap ---------------------------------------------------------------------------------

    def mark(self, block, used):
        at, bit = self.bmapstart * BLOCK + block // 8, 1 << block % 8
        self.data[at] = self.data[at] | bit if used else self.data[at] & ~bit

    def marked(self, block):
        return self.data[self.bmapstart * BLOCK + block // 8] >> block % 8 & 1

    def new_block(self):
        block = next(b for b in range(self.data_start, self.size) if not self.marked(b))
        self.mark(block, True)
        self.data[block * BLOCK:(block + 1) * BLOCK] = bytes(BLOCK)
        return block

    # ---- Directories --------------------------------------------------------------------------------

    def entry(self, directory, index):
        offset = index * ENTRY
        return self.block(directory, offset // BLOCK) * BLOCK + offset % BLOCK

    def set_entry(self, directory, index, number, name):
        struct.pack_into("<H14s", self.data, self.entry(directory, index), number, name.encode())

    def find(self, directory, name):
        """The index of an entry."""
        for index in range(self.get(directory, "size") // ENTRY):
            number, found = struct.unpack_from("<H14s", self.data, self.entry(directory, index))
            if number and found.rstrip(b"\0").decode() == name:
                return index
        raise KeyError(name)

    def number(self, directory, name):
        return struct.unpack_from("<H", self.data, self.entry(directory, self.find(directory, name)))[0]

    def add_entry(self, directory, number, name):
        """In the first free place: mkfs rounds the root up to whole blocks, so there is one."""
        index = next(i for i in range(2, BLOCK // ENTRY) if self.word(self.entry(directory, i)) & 0xffff == 0)
        self.set_entry(directory, index, number, name)

    # ---- Making -------------------------------------------------------------------------------------

    def new_inode(self, **fields):
        number = next(i for i in range(1, self.ninodes) if self.get(i, "type") == FREE)
        self.set(number, **fields)
        return number

    def add_directory(self, parent, name):
        number = self.new_inode(type=DIRECTORY, nlink=1, size=BLOCK)
        self.set_block(number, 0, self.new_block())
        self.set_entry(number, 0, number, ".")
        self.set_entry(number, 1, parent, "..")
        self.add_entry(parent, number, name)
        self.set(parent, nlink=self.get(parent, "nlink") + 1)
        return number
