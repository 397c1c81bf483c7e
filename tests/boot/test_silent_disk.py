"""A disk that does not answer: who waits for it waits, everybody else goes on, and poweroff ends the machine."""

import re
import shutil
import socket

import pytest

from machine import BUILD, PROMPT, fsck, qemu_arguments, wait_until

AUDIT = r"audit: 0 violations\r?\n"


class Silence:
    """The switch of a machine's disk: QEMU's monitor, which lets one byte a second pass, or all."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.settimeout(60)
        self._wait()

    def _wait(self):
        answer = b""
        while not answer.endswith(b"(qemu) "):
            answer += self.socket.recv(4096)
        return answer

    def _limit(self, bytes_per_second):
        self.socket.sendall(b"block_set_io_throttle x0 %d 0 0 0 0 0\n" % bytes_per_second)
        assert b"rror" not in self._wait()

    def fall(self):
        """From the second request on there is no answer for minutes."""
        self._limit(1)

    def end(self):
        self._limit(0)


@pytest.fixture
def quiet(boot, tmp_path):
    """A machine, and the switch of its disk."""
    image, monitor = tmp_path / "disk.img", tmp_path / "monitor"
    shutil.copy(BUILD / "boot-tests.img", image)

    def start(**hardware):
        machine = boot(image=image, command=qemu_arguments(image=image, options=[
            "-monitor", f"unix:{monitor},server=on,wait=off", "-serial", "mon:stdio"], **hardware))
        return machine, Silence(monitor)

    return start


def processes(machine):
    """The lines of Ctrl-p."""
    machine.type("\x10\x0f")
    machine.expect(AUDIT)
    return machine.child.before.replace("\r", "")


def wait_for_sleep(machine, program):
    """Until the shell sleeps, and its child does, which is or becomes the program."""
    assert wait_until(lambda: len(re.findall(rf"sleep +(?:sh|{program})\n", processes(machine))) == 2)


@pytest.mark.weight(3)
@pytest.mark.parametrize("cpus,variant", [(1, "check"), (3, "")])
def test_reader_is_killed_while_the_disk_is_silent(quiet, cpus, variant):
    """Ctrl-c marks it, the disk's answer ends it; keys and other processes are served all the while."""
    machine, silence = quiet(cpus=cpus, variant=variant)
    machine.start("busy sleep &")
    machine.expect_line("busy: ready")
    silence.fall()
    machine.start("wc t_shared t_lib")
    wait_for_sleep(machine, "wc")
    machine.type("\x03")
    assert "busy" in processes(machine)
    machine.type("typed meanwhile\n")
    silence.end()
    machine.expect_line("exec typed failed")
    assert not re.search(r"\d t_lib", machine.text())       # wc has not come to its end
    assert machine.run("wc t_lib").split()[3] == "t_lib"
    machine.poweroff()
    assert fsck(machine.image) == (0, "fsck: clean\n")


@pytest.mark.weight(20)
def test_a_silent_disk_is_given_up(quiet):
    """Nobody waits for ever: after half a minute its readers have an error, and the machine lives on without it."""
    machine, silence = quiet(cpus=2)
    machine.run("wc poweroff")                      # so that its blocks are in the cache
    silence.fall()
    machine.start("wc t_shared t_lib")
    machine.expect_line("disk0: no answer, given up")
    machine.expect(PROMPT)
    assert "exec ls failed" in machine.run("ls")
    machine.start("poweroff")
    machine.wait_for_end()
    assert machine.text().count("given up") == 1
    assert fsck(machine.image) == (0, "fsck: clean\n")


@pytest.mark.weight(25)
def test_poweroff_with_a_writer_on_a_silent_disk(quiet):
    """The call has ten seconds to end; then the power goes without what it writes, and the file system is whole."""
    machine, silence = quiet(cpus=1)
    machine.run("wc poweroff")
    silence.fall()
    machine.run("echo two > lost &")
    wait_for_sleep(machine, "echo")
    machine.start("poweroff")
    machine.expect_line("shutdown: 1 calls do not end, what they write may be lost")
    machine.expect_line("disk0: no answer, given up")
    machine.expect_line("shutdown: not everything could be written to the disk")
    machine.wait_for_end()
    assert fsck(machine.image, "--replay", "--allow-orphans")[0] == 0
