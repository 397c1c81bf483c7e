"""What hands trained by other trees type: switches, odd values, targets of xv6, two makes at once, a closed window."""

import os
import pathlib
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys

import pytest

from machine import ROOT, WAIT, fsck, wait_until
from test_make import make

sys.path.insert(0, str(ROOT / "tools"))

import bench  # noqa: E402  (the path is set up first)

CLEAN = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def copy_of_tree(destination):
    """The sources alone, as after a clone: what git would take, changes that are not committed included."""
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           stdout=subprocess.PIPE, check=True, text=True).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)
    return destination


def start_make(tree, *arguments):
    return subprocess.Popen(["make", *arguments], cwd=tree, env=CLEAN, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def in_tree(tree, *arguments):
    """=> what make printed; it must succeed."""
    with start_make(tree, *arguments) as process:
        output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return output


# ---- Variables ------------------------------------------------------------------------------------------

def commands(*arguments):
    """What the switches change: the commands that build the kernel and start QEMU, and whether they are shown."""
    show = re.search(r"^Q := .*\n", make("-np", "print-gdbport", *arguments), re.MULTILINE).group(0)
    return make("-nB", "kernel/kernel", *arguments) + make("-s", "print-qemu", "FS=README.md", *arguments) + show


# switch: (what its commands hold when it is on, what when it is off)
SWITCHES = {
    "LLVM": ("clang", "gcc"), "DEBUG": ("-Og", "-O2"), "CHECK": ("-DLAMINA_CHECK", None), "V": ("Q := \n", "Q := @\n"),
    "WERROR": ("-Wno-unused-parameter -Werror", None), "FSWRITE": (None, "snapshot=on"), "LEGACY": (None, "force-legacy=false"),
    "TESTS": (None, None)}


def test_zero_and_nothing_switch_off():
    not_given = commands()
    assert commands(*[f"{switch}=0" for switch in SWITCHES]) == not_given
    assert commands(*[f"{switch}=" for switch in SWITCHES]) == not_given
    for switch, (on, off) in SWITCHES.items():
        given = commands(f"{switch}=1")
        for word, there, elsewhere in ((on, given, not_given), (off, not_given, given)):
            assert word is None or (word in there and word not in elsewhere), switch


def test_switches_are_in_this_list():
    """The test above knows every switch of the makefiles."""
    text = (ROOT / "Makefile").read_text()
    switches = re.search(r"foreach v,([A-Z ]+),\$\(call switch", text).group(1).split()
    assert sorted(switches) == sorted(SWITCHES)
    given = re.findall(r"\b([A-Z]+)=1\b", "".join(p.read_text() for p in makefiles()))
    assert set(given) - {"BUILDING"} <= set(switches)


@pytest.mark.parametrize("wrong, remedy", [
    ("CPUS=0", "1 to 8"), ("CPUS=x", "1 to 8"), ("CPUS=99", "1 to 8"), ("CPUS=", "1 to 8"), ("CPUS=2 3", "1 to 8"),
    ("MEM=1", "32M to 64G"), ("MEM=abc", "32M to 64G"), ("MEM=200G", "32M to 64G"), ("MEM=1'$(reboot)", "32M to 64G"),
    ("MEM=", "32M to 64G"), ("ROOT=rom", "ROOT=ram"), ("FS=no-such.img", "no such file"), ("FS=mm", "no disk image"),
    ("JOBS=0", "JOBS=2"), ("JOBS=all", "JOBS=2"), ("FSWRITE=no", "FSWRITE=0"), ("DEBUG=yes", "DEBUG=1"),
    ("TOOLPREFIX=none-", "none-gcc is not installed"), ("HOSTCC=no-such-cc", "no-such-cc is not installed"),
    ("QEMU=no-such-qemu", "no-such-qemu is not installed")])
def test_wrong_value_is_one_line(wrong, remedy):
    output = make("qemu", wrong, check=False)
    told = [line for line in output.splitlines() if not line.startswith("make: *** [")]
    assert len(told) == 1 and remedy in told[0], output
    assert "make" not in wrong and wrong.partition("=")[2].split("'")[0] in told[0]


@pytest.mark.parametrize("right", ["CPUS=8", "MEM=32", "MEM=32m", "MEM=1G", "ROOT=disk", "ROOT=ram", "JOBS=7", "V=0"])
def test_right_values_are_taken(right):
    assert "qemu-system" in make("-s", "print-qemu", right)


def test_names_with_odd_characters(tmp_path):
    """FS and APPEND reach QEMU as they are, whatever is in them."""
    image = tmp_path / "it's my, disk.img"
    image.write_text("")
    words = shlex.split(make("-s", "print-qemu", f"FS={image}", "APPEND=hang=\"a' b\""))
    assert f"file={str(image).replace(',', ',,')},if=none,format=raw,id=x0,snapshot=on" in words
    assert words[words.index("-append") + 1] == "hang=\"a' b\""
    words = shlex.split(make("-s", "print-qemu", f"FS={image}", "ROOT=ram"))
    assert words[words.index("-initrd") + 1] == str(image)


def test_boot_names_unknown_arguments(boot):
    """Each mistyped boot argument gets a line, the right ones none, and the machine comes up."""
    machine = boot(cpus=1, append="panic=off slftest  root=rom hang=nowhere " + "x" * 100)
    told = re.findall(r"^boot: argument (\S+) is not known; known are .*selftest.*\n", machine.text(), re.MULTILINE)
    assert told == ["slftest", "root=rom", "hang=nowhere", "x" * 31]


# ---- Help -----------------------------------------------------------------------------------------------

def makefiles():
    return [ROOT / "Makefile", *sorted((ROOT / "mk").glob("*.mk"))]


def test_help_lists_every_target_and_variable():
    """Every phony target, every target of a help line, every variable that may be given or is given nowhere."""
    listed, _, variables = make("help").partition("\nVariables")
    targets = set(re.findall(r"\S+", "\n".join(re.findall(r"^make (.+?)(?:  .*)?$", listed, re.MULTILINE))))
    known = set(re.findall(r"^  ([A-Z]+)", variables, re.MULTILINE))
    text = "\n".join(path.read_text() for path in makefiles()).replace("\\\n", " ")

    inner = {"FORCE", "build-goals", "remove-disks", "do-demo", "do-test", "do-bench", "do-flow", "$(GOALS)"}
    phony = {name for line in re.findall(r"^\.PHONY:(.*)$", text, re.MULTILINE) for name in line.split()}
    assert phony - inner <= targets, phony - inner - targets
    for name in ("fs.img", "kernel/kernel", "kernel/kernel.asm", "user/_NAME", "compile_commands.json"):
        assert name in targets

    assert set(re.findall(r"^([A-Z]+) *\?=", text, re.MULTILINE)) == known
    used = set(re.findall(r"\$[({]([A-Z]+)[)}]", re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)))
    given = set(re.findall(r"^(?:override )?([A-Z]+) *[:?+]?=", text, re.MULTILINE)) | {"MAKE", "MAKEFLAGS", "MAKELEVEL", "MAKECMDGOALS"}
    assert used <= given | known, used - given - known


@pytest.mark.parametrize("target", ["xv6.img", "handin", "mkfs/mkfs"])
def test_unknown_target_is_one_line(target):
    output = make("all", target, check=False)
    assert len(output.splitlines()) == 1 and f"no target {target}; `make help`" in output


# ---- Targets --------------------------------------------------------------------------------------------

FEW = ["USR_PROGRAMS=init echo wc", "USR_TESTS="]       # enough for an image, and quickly made


def two_makes_at_once(tree):
    """Neither disturbs the other: each file is made once, by one of them."""
    both = [start_make(tree, "-j2", "kernel/kernel", "user/_echo") for _ in range(2)]
    output = "".join(process.communicate(timeout=600)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0], output
    made = re.findall(r"^  (?:CC|AS|LD|HOSTCC) .*$", output, re.MULTILINE)
    assert len(made) > 50 and len(made) == len(set(made)), output
    assert "  LD    build/user/_echo" in made and "  LD    build/kernel" in made


def targets_by_name(tree):
    """The files that xv6's makefile makes, by the names that it gives them; nothing else is made."""
    for target in ("kernel/kernel", "user/_echo", "kernel/kernel.sym", "kernel/kernel.asm"):
        (tree / target).unlink(missing_ok=True)
        in_tree(tree, target)
        assert (tree / target).exists(), target
    assert not (tree / "user/_wc").exists()
    (tree / "usr/echo.c").touch()
    assert "usr/echo.c" in in_tree(tree, "user/_echo")
    assert "lib/string.c" not in in_tree(tree, "kernel/kernel")
    (tree / "lib/string.c").touch()
    assert "lib/string.c" in in_tree(tree, "kernel/kernel")


def fresh_disk_after_rm(tree):
    """fs.img is kept from make to make; when the link is removed, its disk is made anew, and the one of EXTRA, too."""
    in_tree(tree, "fs.img", *FEW)
    for name in ("fs.img", "extra.img"):
        (tree / "build" / name).write_bytes(b"what a session wrote")
    in_tree(tree, "fs.img", *FEW)
    assert (tree / "fs.img").read_bytes() == b"what a session wrote"
    (tree / "fs.img").unlink()
    in_tree(tree, "fs.img", *FEW)
    assert fsck(tree / "fs.img")[0] == 0
    assert not (tree / "build/extra.img").exists()


def clean_then_build(tree):
    in_tree(tree, "clean", "build/tools/mkfs")
    assert (tree / "build/tools/mkfs").exists() and not (tree / "build/kernel").exists()


@pytest.mark.weight(5)
def test_fresh_tree(tmp_path):
    """In a folder with a blank in its name."""
    tree = copy_of_tree(tmp_path / "a tree")
    two_makes_at_once(tree)
    targets_by_name(tree)
    fresh_disk_after_rm(tree)
    clean_then_build(tree)


# ---- Ends -----------------------------------------------------------------------------------------------

def test_qemu_ends_with_its_terminal(tmp_path):
    """The window is closed: nobody is left to type Ctrl-a x, so the machine must not run on."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execvpe("timeout", ["timeout", "--foreground", "600", "make", "qemu", "CPUS=1", f"IMAGE={tmp_path}/fs.img"], CLEAN)
    try:
        seen = b""
        while b"init: starting sh" not in seen:
            seen += os.read(terminal, 4096)
        qemu = [p for p in pathlib.Path("/proc").glob("[0-9]*") if runs(p, "qemu-system", f"{tmp_path}/fs.img")]
        assert len(qemu) == 1
        os.close(terminal)
        assert wait_until(lambda: not runs(qemu[0], "qemu-system", f"{tmp_path}/fs.img"), WAIT)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def runs(process, name, argument):
    """Is this folder of /proc that of a process called `name`, with `argument` somewhere in its command line?"""
    try:
        command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    return name in command[0] and any(argument in word for word in command)


# ---- The bench ------------------------------------------------------------------------------------------

def test_bench_says_what_missed_means(capsys):
    """A row that misses its goal says so, and only such a row; the legend tells what that means, and what a limit is."""
    figures = {name: goal for name, (_, goal, _, _) in bench.FIGURES.items()}
    bench.print_table(figures)
    table, _, legend = capsys.readouterr().out.partition("\n\n")
    assert "missed" not in table and '"missed"' in legend and "limit:" in legend
    bench.print_table({**figures, "null_syscall": 91, "pipe_bandwidth": 1})
    table = capsys.readouterr().out.partition("\n\n")[0]
    assert [line[:16].strip() for line in table.splitlines() if line.endswith("  missed")] == ["null system call", "pipe, 64 KiB wri"]
    assert re.search(r"^null system call +91 +<= 90 +<= 130  missed$", table, re.MULTILINE)
