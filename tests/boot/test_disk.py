"""The disk: a machine that loses power, images of others, images that are broken."""

import re
import shutil
import struct
import subprocess

import pytest

from machine import BUILD, IMAGE, fsck, qemu_arguments

BLOCK = 1024
TEST_IMAGE = BUILD / "boot-tests.img"


@pytest.fixture
def image(tmp_path):
    """A private copy of the image with the test programs on it."""
    copy = tmp_path / "disk.img"
    shutil.copy(TEST_IMAGE, copy)
    return copy


def superblock(data):
    names = ("magic", "size", "nblocks", "ninodes", "nlog", "logstart", "inodestart", "bmapstart")
    return dict(zip(names, struct.unpack_from("<8I", data, BLOCK)))


def assert_sound(image):
    status, output = fsck(image)
    assert status == 0, output


def test_fresh_image_is_sound():
    assert_sound(IMAGE)


def test_image_is_sound_after_use(boot, image):
    machine = boot(image=image)
    for command in ("mkdir d", "echo one > d/f", "ln d/f g", "rm d/f", "echo two > h", "rm h"):
        machine.run(command)
    machine.poweroff()
    assert_sound(image)
    machine = boot(image=image)
    assert machine.run("cat g") == "one\n"
    machine.poweroff()


@pytest.mark.weight(40)
@pytest.mark.parametrize("cpus", [1, 3])
def test_power_cuts(boot, image, cpus):
    """Cut the power in the middle of file work, repeatedly; each time the log makes the image whole."""
    for cut in (0, 3, 11, 24):
        machine = boot(image=image, cpus=cpus)
        machine.start("churn")
        machine.expect_line(f"churn {cut}\r\n")
        machine.kill()
        replayed = image.with_suffix(".replayed")
        shutil.copy(image, replayed)
        status, output = fsck(replayed, "--replay", "--allow-orphans")
        assert status == 0, output
    machine = boot(image=image, cpus=cpus)
    assert machine.run("wc churn.keep").split()[2] == str(5 * BLOCK)
    machine.poweroff()
    assert_sound(image)


def test_image_of_another_geometry(boot, tmp_path):
    """Everything comes from the superblock: more blocks, more inodes, and so other places for all of it."""
    other = tmp_path / "other.img"
    programs = sorted((BUILD / "user").glob("_*"))
    subprocess.run([BUILD / "tools" / "mkfs", "-b", "9000", "-i", "700", other, *programs], check=True,
                   stdout=subprocess.DEVNULL)
    assert superblock(other.read_bytes())["size"] == 9000
    machine = boot(image=other)
    assert machine.run("echo mine > marker") == ""
    machine.poweroff()
    machine = boot(image=other)
    assert machine.run("cat marker") == "mine\n"
    machine.poweroff()
    assert_sound(other)


def poke(image, offset, *words):
    data = bytearray(image.read_bytes())
    struct.pack_into(f"<{len(words)}I", data, offset, *words)
    image.write_bytes(data)


def empty(image):
    image.write_bytes(bytes(len(image.read_bytes())))


def truncated(image):
    image.write_bytes(image.read_bytes()[:20 * BLOCK])


def tiny(image):
    image.write_bytes(bytes(512))


def root_is_a_file(image):
    data = image.read_bytes()
    poke(image, superblock(data)["inodestart"] * BLOCK + 64, 2)


def log_header_lies(image):
    data = image.read_bytes()
    poke(image, superblock(data)["logstart"] * BLOCK, 1 << 30)


def log_leads_outside(image):
    data = image.read_bytes()
    poke(image, superblock(data)["logstart"] * BLOCK, 1, 0x7fffffff)


DAMAGE = {
    "empty": empty,
    "truncated": truncated,
    "tiny": tiny,
    "wrong magic": lambda i: poke(i, BLOCK, 0x12345678),
    "size too large": lambda i: poke(i, BLOCK + 4, 0xffffffff),
    "size too small": lambda i: poke(i, BLOCK + 4, 3),
    "no log": lambda i: poke(i, BLOCK + 16, 0),
    "log outside": lambda i: poke(i, BLOCK + 20, 0x7fffffff),
    "inodes outside": lambda i: poke(i, BLOCK + 24, 0x7fffffff),
    "bitmap outside": lambda i: poke(i, BLOCK + 28, 0x7fffffff),
    "no inodes": lambda i: poke(i, BLOCK + 12, 0),
    "too many inodes": lambda i: poke(i, BLOCK + 12, 0xffffffff),
    "root is a file": root_is_a_file,
    "log header lies": log_header_lies,
    "log leads outside": log_leads_outside,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_broken_image_is_refused(boot, image, damage):
    """A line that says what is wrong with the image, then the end; never a panic (I8)."""
    DAMAGE[damage](image)
    machine = boot(shell=False, image=image, cpus=1)
    machine.expect(r"\nfs: [^\n]*\n")
    machine.wait_for_end()
    assert "panic" not in machine.text()


def test_no_disk_at_all(boot):
    """Without a root the kernel says so and ends."""
    machine = boot(shell=False, cpus=1, image="/nonexistent", command=[
        "qemu-system-riscv64", "-machine", "virt", "-bios", "default", "-kernel", str(BUILD / "kernel"),
        "-m", "64M", "-nographic"])
    machine.expect(r"no (?:root|disk)[^\n]*\n")
    machine.wait_for_end()
    assert "panic" not in machine.text()


def failing(image, iotype, sector=None):
    """A machine whose disk answers each such access with an error."""
    fault = f"inject-error.0.event=none,inject-error.0.errno=5,inject-error.0.iotype={iotype}"
    if sector is not None:
        fault += f",inject-error.0.sector={sector}"
    return {"command": qemu_arguments(cpus=2, options=[
        "-drive", f"driver=blkdebug,image.driver=file,image.filename={image},{fault},if=none,id=x0",
        "-device", "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0"]), "image": image}


def sector_with(image, text):
    return image.read_bytes().rindex(text) // BLOCK * 2      # the log, which has a copy, comes before files


def disk_lines(machine):
    return [line for line in machine.text().splitlines() if re.match(r"disk\d+: \w+ error", line)]


def test_read_error_is_told_once(boot, image):
    """The line names device, sector and whom it hit; who comes later gets the error without a line."""
    machine = boot(image=image)
    machine.run("echo unreadable text > victim")
    machine.poweroff()
    sector = sector_with(image, b"unreadable text\n")
    machine = boot(**failing(image, "read", sector))
    for _ in range(3):
        assert "cat: read error" in machine.run("cat victim")
    line, = disk_lines(machine)
    assert re.fullmatch(rf"disk0: read error at sector {sector}, 2 sectors of files, for pid \d+ cat", line)
    assert machine.run("echo others live on") == "others live on\n"
    machine.poweroff()


def test_poweroff_with_a_disk_that_takes_nothing(boot, image):
    """Errors end in lines, and then the power goes all the same."""
    machine = boot(image=image)
    machine.run("echo before > victim")
    machine.poweroff()
    before = image.read_bytes()
    machine = boot(**failing(image, "write"))
    machine.run("echo after > victim")
    machine.start("poweroff")
    machine.wait_for_end()
    lines = disk_lines(machine)
    assert len(lines) == len(set(lines)) > 0 and all("write error at sector" in line for line in lines)
    assert machine.text().count("shutdown: not everything could be written to the disk\n") == 1
    assert image.read_bytes() == before
