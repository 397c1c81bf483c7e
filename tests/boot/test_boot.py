"""Any number of harts, any amount of memory, either transport: the machine boots, works and powers off."""

import re

import pytest

from machine import ROOT, wait_until


def exercise(machine):
    """A little of everything, quickly; ends with the machine switched off."""
    assert machine.run("echo hello there") == "hello there\n"
    assert "README" in machine.run("ls")
    assert machine.run("cat README | wc").split()[0].isdigit()
    assert machine.run("shmem_test").endswith("shmem_test: OK\n")
    machine.poweroff()


@pytest.mark.parametrize("cpus", [1, 2, 3, 8])
def test_harts(boot, cpus):
    machine = boot(cpus=cpus)
    started = set(re.findall(r"hart (\d+) starting", machine.text()))
    assert len(started) == cpus - 1
    exercise(machine)


@pytest.mark.parametrize("mem", ["32M", "64M", "128M", "4G"])
def test_memory(boot, mem):
    exercise(boot(cpus=2, mem=mem))


@pytest.mark.parametrize("variant", ["debug", "llvm", "check"])
def test_variant(boot, variant):
    exercise(boot(variant=variant))


def test_legacy_virtio(boot):
    exercise(boot(legacy=True))


@pytest.mark.parametrize("mem", ["64M", "128M"])
def test_root_in_ram(boot, mem):
    machine = boot(root="ram", mem=mem)
    assert machine.run("echo kept > note") == ""
    assert machine.run("cat note") == "kept\n"
    exercise(machine)


def test_selftest_at_boot(boot):
    """tests/kernel runs before the first process, in the checking build, when the boot arguments ask for it."""
    machine = boot(variant="check", append="selftest")
    assert re.search(r"selftest: \d+ passed, 0 failed", machine.text())
    machine.poweroff()


def test_reboot(boot):
    machine = boot()
    machine.start("reboot")
    machine.wait_for_shell()
    machine.poweroff()


def test_first_lines_come_early(boot):
    """The kernel speaks before anything of its own can hang."""
    machine = boot(shell=False)
    machine.expect("Lamina")
    machine.wait_for_shell()
    machine.poweroff()


def test_hart_without_mmu(boot):
    machine = boot(shell=False, cpus=1, options=["-cpu", "rv64,mmu=false"])
    machine.expect_line("Lamina: this hart has no Sv39 paging")
    machine.wait_for_end()


def stages():
    """The boot stages as the table in init/main.c names them."""
    text = (ROOT / "init" / "main.c").read_text()
    return re.findall(r'\{"(\w+)", \w+\},', text)


def test_boot_has_stages():
    assert len(stages()) >= 5


@pytest.mark.parametrize("stage", stages())
def test_watchdog_names_the_stage(boot, stage):
    # One instruction a microsecond of the machine's time: its thirty seconds pass quickly.
    machine = boot(variant="check", shell=False, cpus=1, append=f"hang={stage}", options=["-icount", "shift=10"])
    machine.expect_line(f"boot: stage {stage} hangs")
    machine.wait_for_end()


def test_idle_machine_leaves_the_host_alone(boot):
    machine = boot(cpus=3)
    assert machine.run("echo ready") == "ready\n"
    # Not how long something takes, but how much is used: of three seconds of three harts, almost nothing.
    before = machine.host_cpu_seconds()
    wait_until(lambda: False, wait=3)
    used = machine.host_cpu_seconds() - before
    assert used < 0.6, f"{used:.2f} CPU seconds used in 3 seconds of idling"
    machine.poweroff()


def test_kernel_stack_overflow_is_named(boot):
    """The checking build has a boot argument that uses a kernel stack up."""
    machine = boot(variant="check", shell=False, append="overflow panic=off")
    machine.expect_line("kernel stack overflow")
    machine.wait_for_end()
