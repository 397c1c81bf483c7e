"""Process 1 never ends, and programs that take all there is can be ended from the console."""

import shutil
import struct
import subprocess

import pytest

from machine import BUILD, PROMPT


@pytest.fixture
def image(tmp_path):
    """A private copy of the image with the test programs on it."""
    copy = tmp_path / "disk.img"
    shutil.copy(BUILD / "boot-tests.img", copy)
    return copy


def start_greedy(machine, what, words):
    """`greedy WHAT` in the background, until it has all; the prompt may come before or after its line."""
    machine.start(f"greedy {what} &")
    machine.expect(rf"(?s)greedy: {words}.*?{PROMPT}|{PROMPT}.*?greedy: {words}\r?\n")


def end_greedy(machine):
    machine.run("kill greedy")
    assert "fork test OK" in machine.run("forktest")
    machine.type("\x0f")
    machine.expect_line("audit: 0 violations")
    machine.poweroff()


@pytest.mark.parametrize("what", ["memory", "slots"])
def test_shell_starts_while_all_is_taken(boot, image, what):
    machine = boot(image=image, variant="check")
    start_greedy(machine, what, f"all {what} taken")
    for _ in range(3):
        machine.type("\x04")
        machine.wait_for_shell()
        assert "greedy" in machine.run("ps")
    end_greedy(machine)


def test_shell_is_killed_while_all_is_taken(boot, image):
    machine = boot(image=image, variant="check")
    machine.start("greedy sh 3 &")      # a shell may die before its prompt: only the last one's is certain
    machine.expect(r"(?s)greedy: all slots taken.*?(init: starting sh\r?\n.*?){3}" + PROMPT)
    end_greedy(machine)


def test_server_is_killed_while_memory_is_taken(boot, image):
    machine = boot(image=image, variant="check")
    start_greedy(machine, "memory", "all memory taken")
    machine.start("kill crypto_srv")
    machine.expect_line("crypto_srv: starting")
    machine.run("")
    end_greedy(machine)


def test_server_that_cannot_be_run(boot):
    """Tried again every second, and said once; one that leaves by itself is left alone."""
    machine = boot()
    machine.run("ln crypto_srv kept")
    machine.run("rm crypto_srv")
    machine.start("kill crypto_srv")
    machine.expect_line("init: exec crypto_srv failed, trying again every second")
    machine.run("ln kept crypto_srv")
    machine.expect_line("crypto_srv: starting")
    machine.run("rm crypto_srv")
    machine.run("ln echo crypto_srv")
    machine.run("kill crypto_srv")
    for _ in range(3):      # a second passes between two shells, and in it all is started that is to be
        machine.type("\x04")
        machine.wait_for_shell()
    machine.run("rm crypto_srv")
    machine.run("ln kept crypto_srv")
    for _ in range(3):
        machine.type("\x04")
        machine.wait_for_shell()
    assert "crypto_srv" not in machine.run("ps")
    assert machine.text().count("trying again") == 1
    machine.poweroff()


def test_fork_bomb_is_ended_from_the_console(boot, image):
    machine = boot(image=image, variant="check")
    start_greedy(machine, "bomb", "bomb")
    end_greedy(machine)


def test_another_init_that_ends(boot, tmp_path):
    """One line and power off, not a panic. `kill` without arguments ends with status 1."""
    image, init = tmp_path / "disk.img", tmp_path / "_init"
    shutil.copy(BUILD / "user" / "_kill", init)
    subprocess.run([BUILD / "tools" / "mkfs", image, init], check=True, stdout=subprocess.DEVNULL)
    machine = boot(image=image, shell=False)
    machine.expect_line("init: process 1 has ended with status 1, nothing is left to run: power off")
    machine.wait_for_end()
    assert "panic" not in machine.text()


def root_block_with(image, name):
    """The block of the root directory that holds a name."""
    data = image.read_bytes()
    inodestart = struct.unpack_from("<8I", data, 1024)[6]
    for block in struct.unpack_from("<12I", data, inodestart * 1024 + 64 + 12):
        names = [data[at + 2:at + 16].rstrip(b"\0") for at in range(block * 1024, (block + 1) * 1024, 16)]
        if name.encode() in names:
            return block
    raise AssertionError(f"no {name} in the root directory")


def test_no_console_file(boot, image, tmp_path):
    """The block that names it cannot be read: init says so on the kernel's console, and does not end."""
    machine = boot(image=image)
    machine.poweroff()
    rules = tmp_path / "rules"
    sector = 2 * root_block_with(image, "console")
    rules.write_text(f'[inject-error]\nevent = "none"\nerrno = "5"\nsector = "{sector}"\n')
    machine = boot(image=f"blkdebug:{rules}:{image}", shell=False)
    machine.expect_line("init: cannot open or make the file `console', trying again every second")
    machine.kill()
