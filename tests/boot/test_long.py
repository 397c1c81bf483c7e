"""Long calls of mm: what comes in the middle of them."""

import shutil

import pytest

from machine import BUILD, PROMPT


@pytest.fixture
def longmap(boot, tmp_path):
    """A machine in which 512 MiB are mapped, lent and unmapped all the time."""
    image = tmp_path / "disk.img"
    shutil.copy(BUILD / "boot-tests.img", image)

    def start(**hardware):
        machine = boot(image=image, mem="1G", **hardware)
        machine.start("longmap 512")
        machine.expect_line("longmap: at it")
        return machine

    return start


@pytest.mark.weight(5)
def test_audit_in_the_middle_of_a_long_map(longmap):
    """Ctrl-o comes at whatever page the call has got to: everything is in step at each rest."""
    machine = longmap(cpus=1)
    for _ in range(20):
        machine.type("\x0f")
        machine.expect(r"audit: 0 violations\r?\n")
    machine.type("\n")
    machine.expect_line("longmap: OK")
    machine.expect(PROMPT)
    machine.poweroff()


@pytest.mark.weight(5)
@pytest.mark.parametrize("cpus", [1, 3])
def test_end_in_the_middle_of_a_long_map(longmap, cpus):
    """Ctrl-c ends the call with the program, and its memory is back; nor does poweroff wait for such a call."""
    machine = longmap(cpus=cpus)
    machine.type("\x03")
    machine.expect(PROMPT)
    for _ in range(3):
        machine.start("longmap 128 alone &")
        machine.expect_line("longmap: at it")
    machine.poweroff()
    assert "shutdown:" not in machine.text()
