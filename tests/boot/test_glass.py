"""The machine of our own at a terminal and under gdb: as make qemu, and backwards, too."""

import re
import socket
import subprocess

import pytest

from machine import ROOT

GLASS = ROOT / "build" / "glass"
KERNEL = ROOT / "build" / "kernel"
IMAGE = ROOT / "build" / "pristine.img"
STEPS = "300000000"             # no run here takes more


def glass(*options, keys):
    """Run the machine to its end, typing `keys` as soon as it asks; => what it printed, its status."""
    done = subprocess.run([GLASS, "-f", "-q", "-l", STEPS, *options, KERNEL, IMAGE], input=keys, capture_output=True,
                          text=True, timeout=300, check=False)
    return done.stdout, done.stderr, done.returncode


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("harts", ["1", "3", "8"])
def test_a_program_runs_and_the_machine_ends(harts):
    printed, _, status = glass("-c", harts, keys="shmem_test\nlog_test\npoweroff\n")
    assert "shmem_test: OK" in printed
    assert "log_test: OK" in printed
    assert status == 0


def test_the_disk_keeps_what_was_written(tmp_path):
    image = tmp_path / "after.img"
    glass("-w", str(image), keys="echo kept > kept.txt\nsync\npoweroff\n")
    done = subprocess.run([GLASS, "-f", "-q", "-l", STEPS, KERNEL, image], input="cat kept.txt\npoweroff\n",
                          capture_output=True, text=True, timeout=300, check=False)
    assert "\nkept" in done.stdout.replace("\r", "")


def test_a_name_repeats_the_run():
    first, said, _ = glass(keys="ps\n\x01n\x01x")
    name = re.search(r"-n (\S+)", said).group(1)
    again, _, _ = glass("-n", name, keys="")
    assert again.startswith(first.rstrip())


def test_gdb_goes_back_to_the_store():
    port = free_port()
    commands = ["set pagination off", f"target remote :{port}", "break mm_fault", "continue", "printf \"at %lx\\n\", $pc",
                "stepi", "reverse-stepi", "printf \"again %lx\\n\", $pc", "delete", "watch cpu_count", "reverse-continue",
                "backtrace 2", "printf \"mode %d\\n\", $priv", "kill"]
    with subprocess.Popen([GLASS, "-f", "-q", "-c", "1", "-g", str(port), KERNEL, IMAGE], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as machine:
        words = [word for command in commands for word in ("-ex", command)]
        done = subprocess.run(["gdb-multiarch", "-q", "-batch", *words, KERNEL], capture_output=True, text=True, timeout=300,
                              check=False)
        machine.kill()
    said = done.stdout + done.stderr
    at = re.search(r"^at (\w+)$", said, re.MULTILINE).group(1)
    assert re.search(rf"^again {at}$", said, re.MULTILINE), said
    assert re.search(r"Old value = 1\s+New value = 0", said), said
    assert "cpu_add" in said
    assert "mode 1" in said


def test_bad_options_are_told_in_one_line():
    done = subprocess.run([GLASS, "-c", "9", KERNEL, IMAGE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "1 to 8 harts" in done.stderr
    done = subprocess.run([GLASS, "-m", "128M", IMAGE, IMAGE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "is it a kernel" in done.stderr
