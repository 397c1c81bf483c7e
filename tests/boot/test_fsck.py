"""tools/fsck.c: a table of planted corruptions, each of which it must name; and what is no corruption."""

import subprocess

import pytest

from fsimage import BLOCK, DEVICE, DIRECTORY, ENTRY, FILE, FREE, Image
from machine import BUILD, fsck

ROOT_INODE = 1
BITS_PER_BLOCK = 8 * BLOCK
MAX_BLOCKS = 268    # of a file
LOG_ENTRIES = 30


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A sound image with one of each: empty, small, direct and large files, a device, a link, two directories."""
    directory = tmp_path_factory.mktemp("fsck")
    sizes = {"empty": 0, "small": 10, "direct": 12 * BLOCK, "large": 20 * BLOCK - 5}
    for name, size in sizes.items():
        (directory / name).write_bytes(b"x" * size)
    path = directory / "fs.img"
    subprocess.run([BUILD / "tools" / "mkfs", "-b", "400", "-i", "60", path, *(directory / n for n in sizes)],
                   check=True, stdout=subprocess.DEVNULL)
    image = Image(path.read_bytes())
    small = image.number(ROOT_INODE, "small")
    outer = image.add_directory(ROOT_INODE, "outer")
    image.add_directory(outer, "inner")
    image.add_entry(outer, small, "link")
    image.set(small, nlink=2)
    return bytes(image.data)


class Damage:
    """A sound image, the numbers of its inodes as attributes, and where to plant."""

    def __init__(self, data):
        self.image = image = Image(data)
        for name in ("empty", "small", "direct", "large", "console", "outer"):
            setattr(self, name, image.number(ROOT_INODE, name))
        self.inner = image.number(self.outer, "inner")
        self.free = next(i for i in range(1, image.ninodes) if image.get(i, "type") == FREE)
        self.unused = next(b for b in range(image.data_start, image.size) if not image.marked(b))

    def super(self, name, value):
        self.image.set_super(name, value)

    def log(self, *blocks, count=None):
        self.image.set_log(len(blocks) if count is None else count, *blocks)

    def set(self, number, **fields):
        self.image.set(number, **fields)

    def block(self, number, index, block):
        self.image.set_block(number, index, block)

    def used(self, block):
        self.image.mark(block, True)
        return block

    def rename(self, directory, name, number=None, to=None):
        index = self.image.find(directory, name)
        if number is None:
            number = self.image.number(directory, name)
        self.image.set_entry(directory, index, number, name if to is None else to)


# What is planted, and what fsck must say of it; {x} is the number of inode x.
PLANTED = {
    # the superblock
    "magic": (lambda d: d.super("magic", 1), "superblock: no xv6 file system"),
    "larger than the image": (lambda d: d.super("size", 401), "superblock: larger than its device"),
    "size of all ones": (lambda d: d.super("size", -1), "superblock: larger than its device"),
    "size 0": (lambda d: d.super("size", 0), "superblock: inconsistent"),
    "no data blocks": (lambda d: d.super("nblocks", 0), "superblock: inconsistent"),
    "only data blocks": (lambda d: d.super("nblocks", 400), "superblock: inconsistent"),
    "data over the bitmap": (lambda d: d.super("nblocks", d.image.nblocks + 1), "superblock: inconsistent"),
    "data begins too late": (lambda d: d.super("nblocks", d.image.nblocks - 1), "is not a data block"),
    "no inodes": (lambda d: d.super("ninodes", 0), "superblock: inconsistent"),
    "one inode": (lambda d: d.super("ninodes", 1), "superblock: inconsistent"),
    "fewer inodes than named": (lambda d: d.super("ninodes", 5), "no inode"),
    "inodes over the bitmap": (lambda d: d.super("ninodes", 6000), "superblock: inconsistent"),
    "no log": (lambda d: d.super("nlog", 0), "superblock: log too small"),
    "log of ten": (lambda d: d.super("nlog", 10), "superblock: log too small"),
    "log over the inodes": (lambda d: d.super("nlog", 40), "superblock: inconsistent"),
    "log over the superblock": (lambda d: d.super("logstart", 1), "superblock: inconsistent"),
    "log outside": (lambda d: d.super("logstart", -2), "superblock: inconsistent"),
    "inodes over the log": (lambda d: d.super("inodestart", 20), "superblock: inconsistent"),
    "inodes outside": (lambda d: d.super("inodestart", 0x7fffffff), "superblock: inconsistent"),
    "bitmap at 0": (lambda d: d.super("bmapstart", 0), "superblock: inconsistent"),
    "bitmap over the inodes": (lambda d: d.super("bmapstart", d.image.inodestart), "superblock: inconsistent"),
    "bitmap elsewhere": (lambda d: d.super("bmapstart", d.image.bmapstart + 1), "superblock: inconsistent"),

    # the log
    "log count negative": (lambda d: d.log(count=-1), "log: log header counts more"),
    "log count too large": (lambda d: d.log(count=LOG_ENTRIES + 1), "log: log header counts more"),
    "log leads to block 0": (lambda d: d.log(0), "log: log header names a block outside"),
    "log leads to the superblock": (lambda d: d.log(1), "log: log header names a block outside"),
    "log leads to itself": (lambda d: d.log(d.image.logstart), "log: log header names a block outside"),
    "log leads past the end": (lambda d: d.log(400), "log: log header names a block outside"),
    "log leads far outside": (lambda d: d.log(-1), "log: log header names a block outside"),
    "log has a block twice": (lambda d: d.log(300, 301, 300), "log: block 300 is in it twice"),
    "log holds damage": (lambda d: d.log(d.image.inodestart), "the root is no directory"),

    # inodes
    "unknown type": (lambda d: d.set(d.small, type=4), "inode {small}: unknown type 4"),
    "negative type": (lambda d: d.set(d.small, type=-1), "inode {small}: unknown type -1"),
    "inode 0 in use": (lambda d: d.set(0, type=FILE), "inode 0: in use"),
    "negative nlink": (lambda d: d.set(d.small, nlink=-1), "inode {small}: nlink -1"),
    "nlink too high": (lambda d: d.set(d.small, nlink=3), "inode {small}: nlink 3 should be 2"),
    "nlink too low": (lambda d: d.set(d.small, nlink=1), "inode {small}: nlink 1 should be 2"),
    "nlink 0 with a name": (lambda d: d.set(d.large, nlink=0), "inode {large}: nlink 0 should be 1"),
    "nlink of a device": (lambda d: d.set(d.console, nlink=2), "inode {console}: nlink 2 should be 1"),
    "nlink of a directory": (lambda d: d.set(d.outer, nlink=1), "inode {outer}: nlink 1 should be 2"),
    "nlink of the root": (lambda d: d.set(ROOT_INODE, nlink=1), "inode 1: nlink 1 should be 2"),
    "major number on a file": (lambda d: d.set(d.small, major=3),
                               "inode {small}: no device, but has device number 3,0"),
    "minor number on a file": (lambda d: d.set(d.small, minor=2),
                               "inode {small}: no device, but has device number 0,2"),
    "major number on a directory": (lambda d: d.set(d.inner, major=1), "inode {inner}: no device"),
    "size past the largest": (lambda d: d.set(d.large, size=MAX_BLOCKS * BLOCK + 1), "inode {large}: size 274433"),
    "size of all ones": (lambda d: d.set(d.large, size=0xffffffff), "inode {large}: size 4294967295"),
    "size a block too large": (lambda d: d.set(d.large, size=20 * BLOCK + 1), "inode {large}: no block at index 20"),
    "size of an empty file": (lambda d: d.set(d.empty, size=1), "inode {empty}: no block at index 0"),
    "size a block too small": (lambda d: d.set(d.large, size=19 * BLOCK),
                               "inode {large}: size 19456, but 1 blocks beyond"),
    "size 0 of a large file": (lambda d: d.set(d.large, size=0), "inode {large}: size 0, but 20 blocks beyond"),
    "size 0 of a small file": (lambda d: d.set(d.small, size=0), "inode {small}: size 0, but 1 blocks beyond"),
    "size 0 of a directory": (lambda d: d.set(d.inner, size=0), "inode {inner}: size 0, but 1 blocks beyond"),
    "size of a directory odd": (lambda d: d.set(d.inner, size=40), "inode {inner}: directory of size 40"),
    "size of a device": (lambda d: d.set(d.console, size=5), "inode {console}: device of size 5"),
    "block of a device": (lambda d: d.block(d.console, 0, d.used(d.unused)), "inode {console}: size 0, but 1 blocks"),
    "block of an empty file": (lambda d: d.block(d.empty, 0, d.used(d.unused)), "inode {empty}: size 0, but 1 blocks"),
    "block after the last": (lambda d: d.block(d.small, 5, d.used(d.unused)), "inode {small}: size 10, but 1 blocks"),
    "indirect block not needed": (lambda d: d.image.set_indirect(d.direct, d.used(d.unused)),
                                  "inode {direct}: size 12288, but an indirect block"),
    "free inode with a block": (lambda d: d.block(d.free, 3, 300), "inode {free}: free, but has block 300"),
    "free inode with an indirect block": (lambda d: d.image.set_indirect(d.free, 300),
                                          "inode {free}: free, but has block"),
    "free inode with nlink": (lambda d: d.set(d.free, nlink=1), "inode {free}: free, but has nlink 1"),
    "free inode with a size": (lambda d: d.set(d.free, size=9), "inode {free}: free, but has size 9"),
    "file freed under its name": (lambda d: d.set(d.small, type=FREE), "entry small: inode {small} is free"),
    "file turned device": (lambda d: d.set(d.small, type=DEVICE), "inode {small}: device of size 10"),
    "file turned directory": (lambda d: d.set(d.large, type=DIRECTORY), "inode {large}: directory of size"),
    "directory turned file": (lambda d: d.set(d.outer, type=FILE), "inode {outer}: nlink 2 should be 1"),
    "inode without a name": (lambda d: d.set(d.free, type=FILE, nlink=1),
                             "inode {free}: nlink 1, but no entry leads to it"),

    # numbers of blocks
    "block 1 in a file": (lambda d: d.block(d.small, 0, 1), "inode {small}: block 1 is not a data block"),
    "bitmap block in a file": (lambda d: d.block(d.small, 0, d.image.bmapstart), "is not a data block"),
    "block past the end": (lambda d: d.block(d.small, 0, 400), "inode {small}: block 400 is not a data block"),
    "block far outside": (lambda d: d.block(d.large, 15, -1), "inode {large}: block 4294967295 is not a data block"),
    "block of another file": (lambda d: d.block(d.small, 0, d.image.block(d.large, 3)), "belongs to inode {small} too"),
    "block of the root": (lambda d: d.block(d.small, 0, d.image.block(ROOT_INODE, 0)), "belongs to inode 1 too"),
    "block twice in a file": (lambda d: d.block(d.large, 5, d.image.block(d.large, 4)), "belongs to inode {large} too"),
    "indirect block as data": (lambda d: d.block(d.large, 7, d.image.indirect(d.large)),
                               "belongs to inode {large} too"),
    "indirect block shared": (lambda d: d.image.set_indirect(d.direct, d.image.indirect(d.large)), "belongs to inode"),
    "indirect block outside": (lambda d: d.image.set_indirect(d.large, 5000),
                               "inode {large}: block 5000 is not a data"),
    "indirect block missing": (lambda d: d.image.set_indirect(d.large, 0), "inode {large}: no block at index 12"),
    "hole in a file": (lambda d: d.block(d.large, 14, 0), "inode {large}: no block at index 14"),
    "hole in the root": (lambda d: d.set(ROOT_INODE, size=BLOCK + ENTRY), "inode 1: no block at index 1"),
    "hole in a directory": (lambda d: d.block(d.inner, 0, 0), "inode {inner}: no block at index 0"),

    # the bitmap
    "file's block marked free": (lambda d: d.image.mark(d.image.block(d.large, 2), False), "in use, but marked free"),
    "indirect block marked free": (lambda d: d.image.mark(d.image.indirect(d.large), False), "in use, but marked free"),
    "superblock marked free": (lambda d: d.image.mark(1, False), "block 1: in use, but marked free"),
    "bitmap marked free": (lambda d: d.image.mark(d.image.bmapstart, False), "in use, but marked free"),
    "nobody's block marked used": (lambda d: d.used(d.unused), "marked in use, but nobody has it"),
    "last block marked used": (lambda d: d.used(399), "block 399: marked in use, but nobody has it"),
    "bit past the end": (lambda d: d.used(400), "bitmap: bit 400 is set, past the last block"),
    "last bit": (lambda d: d.used(BITS_PER_BLOCK - 1), "bitmap: bit 8191 is set, past the last block"),

    # directories
    "root is a file": (lambda d: d.set(ROOT_INODE, type=FILE), "inode 1: the root is no directory"),
    "root is free": (lambda d: d.set(ROOT_INODE, type=FREE), "inode 1: the root is no directory"),
    ". is another": (lambda d: d.rename(d.inner, ".", number=d.outer), "inode {inner}: bad entry ."),
    ". has another name": (lambda d: d.rename(d.inner, ".", to="x"), "inode {inner}: bad entry ."),
    ".. is another": (lambda d: d.rename(d.inner, "..", number=ROOT_INODE), "inode {inner}: bad entry .."),
    ".. is free": (lambda d: d.rename(d.inner, "..", number=0), "inode {inner}: bad entry .."),
    "root's .. is another": (lambda d: d.rename(ROOT_INODE, "..", number=d.outer), "inode 1: bad entry .."),
    "entry past the last inode": (lambda d: d.rename(d.outer, "link", number=60), "entry link: no inode 60"),
    "entry of 65535": (lambda d: d.rename(d.outer, "link", number=65535), "entry link: no inode 65535"),
    "entry of a free inode": (lambda d: d.rename(d.outer, "link", number=d.free), "entry link: inode {free} is free"),
    "entry lost": (lambda d: d.rename(ROOT_INODE, "large", number=0),
                   "inode {large}: nlink 1, but no entry leads to it"),
    "directory lost": (lambda d: d.rename(d.outer, "inner", number=0),
                       "inode {inner}: nlink 1, but no entry leads to it"),
    "name without characters": (lambda d: d.rename(d.outer, "link", to=""), "inode {outer}: bad name"),
    "name with a slash": (lambda d: d.rename(d.outer, "link", to="a/b"), "inode {outer}: bad name"),
    "a second .": (lambda d: d.rename(d.outer, "link", to="."), "inode {outer}: bad name"),
    "name twice": (lambda d: d.rename(d.outer, "link", to="inner"), "inode {outer}: two entries inner"),
    "directory in two places": (lambda d: d.image.add_entry(ROOT_INODE, d.inner, "again"), "in two places"),
    "directory in itself": (lambda d: d.image.add_entry(d.inner, d.inner, "self"),
                            "inode {inner}: directory in two places"),
    "root in a directory": (lambda d: d.image.add_entry(d.inner, ROOT_INODE, "up"), "inode 1: directory in two places"),
}


def check(tmp_path, data, *options):
    path = tmp_path / "fs.img"
    path.write_bytes(data)
    return fsck(path, *options)


def test_the_image_is_sound(tmp_path, sound):
    assert check(tmp_path, sound) == (0, "fsck: clean\n")


@pytest.mark.parametrize("name", PLANTED)
def test_planted(tmp_path, sound, name):
    plant, complaint = PLANTED[name]
    damage = Damage(sound)
    plant(damage)
    assert damage.image.data != sound
    status, output = check(tmp_path, damage.image.data)
    complaint = complaint.format(**{k: v for k, v in vars(damage).items() if isinstance(v, int)})
    assert status == 1 and complaint in output, output
    assert output.endswith(" problems\n")


def test_truncated(tmp_path, sound):
    for size in (0, 100, BLOCK, 2 * BLOCK, len(sound) - BLOCK):
        status, output = check(tmp_path, sound[:size])
        assert status == 1 and "superblock: " in output


def log_a_file_away(image):
    """A transaction that frees an empty file, committed but not copied home."""
    number = image.number(ROOT_INODE, "empty")
    homes = [image.inode(number) // BLOCK, image.block(ROOT_INODE, 0)]
    after = Image(image.data)
    after.set(number, type=FREE, nlink=0)
    after.set_entry(ROOT_INODE, after.find(ROOT_INODE, "empty"), 0, "")
    for i, home in enumerate(homes):
        copy = (image.logstart + 1 + i) * BLOCK
        image.data[copy:copy + BLOCK] = after.data[home * BLOCK:(home + 1) * BLOCK]
    image.set_log(len(homes), *homes)
    return after


def test_log_not_yet_replayed(tmp_path, sound):
    """A start puts it right, so it is no damage; and it has a status of its own."""
    image = Image(sound)
    log_a_file_away(image)
    status, output = check(tmp_path, image.data)
    assert (status, output) == (3, "log: committed log not yet replayed, 2 blocks\nfsck: sound after the next start\n")
    assert check(tmp_path, image.data, "--replay")[0] == 0
    assert (tmp_path / "fs.img").read_bytes() == image.data


def test_repair(tmp_path, sound):
    image = Image(sound)
    after = log_a_file_away(image)
    assert check(tmp_path, image.data, "--repair")[0] == 0
    assert fsck(tmp_path / "fs.img") == (0, "fsck: clean\n")
    repaired = Image((tmp_path / "fs.img").read_bytes())
    assert repaired.data[repaired.inodestart * BLOCK:] == after.data[after.inodestart * BLOCK:]


def test_damage_behind_a_log(tmp_path, sound):
    """The log does not excuse what a replay leaves as it is."""
    image = Image(sound)
    log_a_file_away(image)
    image.mark(image.size - 1, True)
    status, output = check(tmp_path, image.data)
    assert status == 1 and "not yet replayed" in output and "nobody has it" in output


def test_orphan(tmp_path, sound):
    image = Image(sound)
    number = image.new_inode(type=FILE, nlink=0, size=5)
    image.set_block(number, 0, image.new_block())
    status, output = check(tmp_path, image.data)
    assert status == 3 and f"inode {number}: orphan" in output
    assert check(tmp_path, image.data, "--allow-orphans") == (0, "fsck: clean\n")


def test_root_rounded_up(tmp_path, sound):
    """xv6's mkfs counts a whole block more when the root's entries fill theirs: a hole at its end, and no damage."""
    image = Image(sound)
    assert image.get(ROOT_INODE, "size") == BLOCK and BLOCK % ENTRY == 0
    image.set(ROOT_INODE, size=2 * BLOCK)
    assert check(tmp_path, image.data) == (0, "fsck: clean\n")


def test_usage(tmp_path):
    for options in ((), ("--nonsense",)):
        status, output = fsck(tmp_path / "a", *options, *([tmp_path / "b"] if not options else []))
        assert status == 2 and output.startswith("usage: fsck")
