"""The commands of the README: make and its variables."""

import os
import re
import shlex
import socket
import subprocess

from machine import IMAGE, ROOT, Machine, qemu_arguments


def make(*arguments, check=True, **options):
    """Run make as a user would from outside: nothing of the make above us leaks in."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          check=check, **options).stdout


def make_machine(*arguments, **options):
    command = ["env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL", "make", *arguments]
    return Machine(command=command, image="unused", **options)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_harness_starts_what_make_starts():
    made = shlex.split(make("-s", "--no-print-directory", "print-qemu", "CPUS=2", "MEM=64M", "FSWRITE=1"))
    ours = [str(a) for a in qemu_arguments(cpus=2, mem="64M", image="build/fs.img")]
    kernel = ours.index("-kernel") + 1
    ours[kernel] = "build/kernel"
    assert made == ours


def test_gdb_port_is_one_rule():
    port = make("-s", "--no-print-directory", "print-gdbport")
    assert re.fullmatch(r"\d+\n", port)
    uid = os.getuid()
    assert int(port) == 25000 + (uid % 5000 if uid else 1000)


def test_outputs_where_graders_look():
    make("all")
    for path in ("kernel/kernel", "kernel/kernel.sym", "kernel/kernel.asm", "fs.img", "user/_sh"):
        assert (ROOT / path).exists(), path
    lines = (ROOT / "kernel/kernel.sym").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{16} \S+", line) for line in lines)
    assert any(line.endswith(" map_shared_pages") for line in lines)


def test_nothing_is_made_twice():
    make("all")
    again = make("all")
    assert not re.search(r"^  (CC|AS|LD|MKFS)", again, re.MULTILINE), again


def test_make_qemu_and_ctrl_a_x(tmp_path):
    with make_machine("qemu", "CPUS=1", f"IMAGE={tmp_path}/fs.img") as machine:
        machine.wait_for_shell()
        machine.type("\x01x")
        machine.wait_for_end()


def test_fs_is_left_alone(tmp_path):
    image = tmp_path / "mine.img"
    image.write_bytes(IMAGE.read_bytes())
    before = image.read_bytes()
    with make_machine("qemu", f"FS={image}", "CPUS=1") as machine:
        machine.wait_for_shell()
        machine.run("echo scribble > note")
        machine.poweroff()
    assert image.read_bytes() == before
    with make_machine("qemu", f"FS={image}", "FSWRITE=1", "CPUS=1") as machine:
        machine.wait_for_shell()
        machine.run("echo scribble > note")
        machine.poweroff()
    assert image.read_bytes() != before


def test_extra_programs(tmp_path):
    """Programs from anywhere, with a header beside them; one takes the place of ours of the same name."""
    (tmp_path / "greet.h").write_text('#define GREETING "greetings from outside"\n')
    (tmp_path / "outside.c").write_text(
        '#include "kernel/types.h"\n#include "kernel/stat.h"\n#include "user/user.h"\n#include "greet.h"\n'
        'int main(int argc, char *argv[]) { printf("%s\\n", GREETING); exit(0); }\n')
    (tmp_path / "wc.c").write_text(
        '#include "kernel/types.h"\n#include "user/user.h"\n'
        'int main(void) { printf("another wc\\n"); exit(0); }\n')
    status = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                            check=False).stdout
    image = tmp_path / "with-extra.img"
    make(f"EXTRA={tmp_path}/outside.c {tmp_path}/wc.c", f"IMAGE={image}", str(image))
    with Machine(image=image, cpus=1) as machine:
        machine.wait_for_shell()
        assert machine.run("outside") == "greetings from outside\n"
        assert machine.run("wc") == "another wc\n"
        machine.poweroff()
    after = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                           check=False).stdout
    assert after == status


def test_missing_compiler_is_one_line():
    output = make("all", "TOOLPREFIX=no-such-prefix-", check=False)
    assert len(output.strip().splitlines()) == 1
    assert "no-such-prefix-gcc" in output and "install" in output


def test_missing_qemu_is_one_line():
    output = make("-s", "qemu-check", "QEMU=no-such-qemu", check=False)
    lines = [line for line in output.splitlines() if not line.startswith(("make", "another make"))]
    assert len(lines) == 1 and "no-such-qemu" in lines[0] and "install" in lines[0]


def test_old_qemu_is_refused(tmp_path):
    old = tmp_path / "old-qemu"
    old.write_text("#!/bin/sh\necho 'QEMU emulator version 4.2.1 (old)'\n")
    old.chmod(0o755)
    output = make("-s", "qemu-check", f"QEMU={old}", check=False)
    assert "4.2" in output and "5.2" in output


def test_help_names_the_targets():
    output = make("help")
    for word in ("qemu", "demo", "test", "qemu-gdb", "bench", "CPUS", "EXTRA"):
        assert word in output
