"""The programs on the image: the tests for every call, and the demonstrations."""

import re
import shutil

import pytest

from machine import BUILD



def ok(machine, program, *arguments, wait=600):
    output = machine.run(" ".join([program, *arguments]), wait)
    assert output.rstrip().endswith(f"{program}: OK"), output[-2000:]


def without_demonstrations(output):
    """What the tests said, without the messages of log_test and the notes on programs killed on purpose."""
    noise = re.compile(r"\d+: child|usertrap\(\): |\s+sepc=|.*make where PROG=")
    return "\n".join(line for line in output.splitlines() if not noise.match(line))


@pytest.mark.weight(100)
@pytest.mark.parametrize("cpus,variant", [(3, "check"), (1, "check"), (3, ""), (8, "")])
def test_alltests(boot, cpus, variant):
    machine = boot(cpus=cpus, variant=variant, limit=1500)
    output = machine.run("alltests", 600)
    good = re.search(r"^alltests: [1-9]\d* passed, 0 failed$", output, re.MULTILINE) is not None
    assert good, without_demonstrations(output)[-4000:]
    machine.poweroff()


@pytest.mark.parametrize("cpus", [1, 3])
def test_demonstrations(boot, cpus):
    machine = boot(cpus=cpus, variant="check")
    for _ in range(2):
        ok(machine, "shmem_test")
        ok(machine, "shmem_test", "--no-unmap")
        ok(machine, "log_test")
        ok(machine, "log_test", "8")
    machine.poweroff()


def test_forktest(boot):
    machine = boot()
    assert "fork test OK" in machine.run("forktest")
    machine.poweroff()


def test_names_that_there_are_not(boot):
    """A name that selects nothing is no pass: one line says what there is."""
    machine = boot()
    for command, why in (("alltests nosuch", "no test nosuch"), ("alltests -x nosuch", "no test nosuch"),
                         ("alltests t_lib -x", "no test after -x"), ("t_pipe no_reader nosuch", "no case nosuch"),
                         ("shm_cnt -x", "-u"), ("shmem_test nosuch", "keep"), ("grind x", "SEED")):
        output = machine.run(command)
        assert output.startswith("usage: " + command.split()[0]) and why in output and output.count("\n") == 1, output
    machine.poweroff()


def test_bench_at_the_prompt_says_what_it_counts(boot):
    machine = boot()
    machine.start("bench")
    machine.expect(r"bench: these are nanoseconds of the host's time, not instructions")
    machine.expect(r"bench null_syscall \d+ ns\r")


def test_shell(boot):
    machine = boot()
    assert machine.run("echo a; echo b") == "a\nb\n"
    assert machine.run("echo one two | wc").split()[:2] == ["1", "2"]
    assert machine.run("(echo x; echo y) > f") == ""
    assert machine.run("cat < f") == "x\ny\n"
    assert machine.run("nosuch") == "exec nosuch failed\n"
    assert machine.run("mkdir d") == ""
    assert "cannot cd nowhere" in machine.run("cd nowhere")
    machine.run("cd /d")
    assert "exec poweroff failed" in machine.run("poweroff")
    machine.run("cd /")
    machine.poweroff()


def test_shell_starts_again_at_end_of_file(boot):
    machine = boot()
    machine.type("\x04")
    machine.wait_for_shell()
    machine.poweroff()


def test_kill_from_the_shell(boot):
    machine = boot()
    machine.run("zombie")
    machine.run("kill 99999")
    assert "sh" in machine.run("ps")
    machine.poweroff()


def test_audit_key(boot):
    """^O counts violations over the whole machine; there are none after some work."""
    machine = boot(variant="check")
    machine.run("shmem_test")
    machine.type("\x0f")
    machine.expect(r"audit: 0 ")
    machine.poweroff()


@pytest.mark.parametrize("cpus", [2, 3])
def test_pinning_reaches_the_source_where_it_runs(boot, tmp_path, cpus):
    """Mapping from a process that runs on another hart: that hart's TLB is told (I2)."""
    image = tmp_path / "disk.img"
    shutil.copy(BUILD / "boot-tests.img", image)
    machine = boot(image=image, cpus=cpus)
    ok(machine, "pinned", wait=60)
    machine.poweroff()
