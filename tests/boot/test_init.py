"""Process 1 never ends, and programs that take all there is can be ended from the console."""

import shutil
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
    machine.expect(rf"(?s)greedy: {words}.*{PROMPT}|{PROMPT}.*greedy: {words}\r?\n")


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
    start_greedy(machine, "sh 3", "all slots taken")
    machine.expect(r"(?s)(init: starting sh\r?\n.*){3}" + PROMPT)
    end_greedy(machine)


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
