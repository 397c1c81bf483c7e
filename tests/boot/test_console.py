"""What people type: line editing, pastes, typing ahead, Ctrl-C."""

import re
import shutil
import subprocess

import pytest

from machine import BUILD, PROMPT, wait_until

INTERRUPTED = r"\^C\r?\n" + PROMPT
REFUSED = r"\nsh: a line has at most 98 characters; this one is not run\r?\n" + PROMPT


@pytest.fixture
def busy(boot, tmp_path):
    """busy(...) boots an image that has the boot tests' programs."""
    image = tmp_path / "disk.img"
    shutil.copy(BUILD / "boot-tests.img", image)
    return lambda **options: boot(image=image, **options)


def processes(machine):
    """The names of the processes that have not ended."""
    output = machine.run("ps")
    return [line.split()[-1] for line in output.splitlines() if re.match(r"\s*\d", line) and "zombie" not in line]


def settles(machine, expected):
    """Just these processes are left, once those that were killed have ended."""
    assert wait_until(lambda: sorted(processes(machine)) == sorted(expected), step=0), processes(machine)


def interrupt(machine):
    machine.type("\x03")
    machine.expect(INTERRUPTED)


def prints(machine, keys, output):
    """The keys, then LF, run a command that prints just this line."""
    machine.type(keys + "\n")
    machine.expect(rf"\n{re.escape(output)}\r?\n{PROMPT}")


# ---- The shell's editing --------------------------------------------------------------------------------


def test_first_prompt_says_how_to_leave(boot):
    machine = boot(shell=False)
    machine.expect(r"init: starting sh\r?\n[^\n$]*poweroff[^\n$]*Ctrl-a x[^\n$]*\n" + PROMPT)
    machine.poweroff()


def test_editing_keys(boot):
    machine = boot()
    prints(machine, "echo wrong\x15echo rigth\x7f\x08ht", "right")
    prints(machine, "ehco a\x1b[D\x1b[D\x1b[D\x7f\x7fch\x1b[Fb", "ab")               # left, left, left; End
    prints(machine, "ccho c\x1b[1~\x1b[3~\x1bOC\x1bOD\x1bOHe", "c")                 # Home, Delete, right, left, Home
    prints(machine, "echo d\tand\x1b[5~ e", "d and e")                              # a tab; a key that does nothing
    machine.type("echo f\x04")                                                      # ^D ends a line, too
    machine.expect(rf"f\r?\n{PROMPT}")
    machine.type("\x10")
    machine.expect(r"1 \w+\s+init")
    machine.type("\n")
    machine.expect(PROMPT)
    machine.poweroff()


def test_history(boot):
    machine = boot()
    older, newer = "\x1b[A", "\x1b[B"
    for i in range(20):
        machine.run(f"echo {i}")
    prints(machine, older, "19")
    prints(machine, older * 3, "17")                    # 19 is kept once
    prints(machine, older * 50, "5")                    # sixteen lines are kept
    prints(machine, older * 2 + newer, "5")
    prints(machine, "echo draft" + older * 2 + newer * 2, "draft")
    machine.poweroff()


# ---- Pastes, long lines, typing ahead -------------------------------------------------------------------


def test_paste_loses_nothing(boot):
    """More than 4 KiB in one go: commands for the shell, and lines for a program."""
    machine = boot()
    commands = [f"echo line {i:03} of the paste" for i in range(170)]
    assert len("\n".join(commands)) > 4096
    machine.type("\n".join(commands) + "\n")
    for i, _ in enumerate(commands):
        machine.expect(rf"\nline {i:03} of the paste\r?\n{PROMPT}")
    text = "x" * 61 + " y\n"
    machine.type("cat | wc\n" + 100 * text + 7000 * "z" + "\n\x04")
    machine.expect(rf"\n101 201 {100 * len(text) + 7001} \r?\n{PROMPT}")
    machine.poweroff()


def test_line_that_is_too_long_is_refused_whole(boot):
    machine = boot()
    machine.run("echo " + "x" * 93)
    for length in (94, 200, 5000):
        machine.type("echo " + "x" * length + ";poweroff\n")
        machine.expect(REFUSED)
    machine.type("x" * 200 + "\x15")
    prints(machine, "echo a", "a")
    machine.type("y" * 100 + "\x1b[A")                  # a line brought back is no longer too long
    prints(machine, "b", "ab")
    machine.run("sh < console")                         # where the kernel's line mode feeds the shell
    machine.type("echo " + "x" * 300 + ";poweroff\n")
    machine.expect(REFUSED)
    machine.type("\x04")
    machine.expect(PROMPT)
    machine.poweroff()


def test_typing_ahead_reaches_who_reads_next(busy):
    """What is typed while a program runs goes to it if it reads, else to the shell, in order."""
    machine = busy()
    machine.type("pinned\necho one\ncat\nfor cat\n\x04echo two; echo three\n")
    for text in ("pinned: OK", "one", "for cat", "two", "three"):
        machine.expect(rf"\n{text}\r")
    machine.expect(PROMPT)
    machine.poweroff()


# ---- Ctrl-C ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cpus", [1, 3])
def test_interrupt_ends_what_the_shell_started(busy, cpus):
    machine = busy(cpus=cpus, variant="check")
    before = processes(machine)
    for command in ("spin", "sleep", "read", "family", "spin | busy read | cat", "spin; echo never", "bomb"):
        machine.start("busy " + command)
        machine.expect("busy: ready")
        interrupt(machine)
        settles(machine, before)
    machine.start("cat")
    machine.type("abc")
    machine.expect("abc")
    interrupt(machine)
    settles(machine, before)
    assert "never" not in machine.text().replace("echo never", "")
    machine.poweroff()


def test_interrupt_spares_the_background(busy):
    machine = busy()
    before = processes(machine)
    machine.start("busy sleep &")
    machine.expect(rf"busy: ready\r?\n{PROMPT}|{PROMPT}busy: ready\r?\n")
    machine.start("cat")
    interrupt(machine)
    interrupt(machine)
    settles(machine, before + ["busy"])
    machine.poweroff()


def test_interrupt_at_the_prompt(boot):
    """It drops the line, and what was typed ahead; the shell goes on."""
    machine = boot()
    machine.type("poweroff")
    machine.expect("poweroff")
    interrupt(machine)
    prints(machine, "echo a", "a")
    machine.type("\x1b[A")
    machine.expect("echo a")
    interrupt(machine)
    machine.start("cat")
    machine.type("typed\nahead")
    machine.expect("typed\r?\ntyped\r?\nahead")
    interrupt(machine)
    prints(machine, "echo b", "b")
    machine.poweroff()


def test_interrupt_in_a_shell_in_the_shell(busy):
    """The inner shell has the console; one that takes it and then does not read loses it."""
    machine = busy()
    before = processes(machine)
    machine.run("sh")
    machine.start("busy family")
    machine.expect("busy: ready")
    interrupt(machine)
    interrupt(machine)
    settles(machine, before + ["sh"])
    machine.type("\x04")
    machine.expect(PROMPT)
    machine.start("busy key")
    machine.type("k")
    machine.expect("busy: ready")
    machine.type("\x03\x03")
    machine.expect(INTERRUPTED)
    settles(machine, before)
    machine.poweroff()


def test_line_mode_and_interrupt_under_a_shell_that_reads_lines(boot, tmp_path):
    """xv6's own shell reads lines: the kernel echoes and erases, and Ctrl-C works all the same."""
    programs = []
    for source in sorted((BUILD / "user").glob("_*")) + [BUILD / "extra" / "boot-tests.img" / "_busy"]:
        name = tmp_path / source.name
        shutil.copy(BUILD / "extra" / "boot-tests.img" / "_lineshell" if name.name == "_sh" else source, name)
        programs.append(name)
    image = tmp_path / "disk.img"
    subprocess.run([BUILD / "tools" / "mkfs", image, *programs], check=True, stdout=subprocess.DEVNULL)
    machine = boot(image=image)
    before = processes(machine)
    prints(machine, "echo wrong\x15ehco\x7f\x08\x08cho a", "a")
    machine.type("poweroff")
    machine.expect("poweroff")
    interrupt(machine)
    machine.start("busy family")
    machine.expect("busy: ready")
    interrupt(machine)
    settles(machine, before)
    machine.poweroff()
