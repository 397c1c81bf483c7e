"""One virtual machine running Lamina, driven through its console.

    with Machine(cpus=2, mem="64M") as m:
        m.wait_for_shell()
        print(m.run("ls"))
        m.poweroff()

No timing decides anything here: a wait ends when the text arrives. The limits only stop a machine that hangs;
they are long enough for a slow and busy host, and every QEMU also carries its own limit and dies by itself.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pexpect

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
IMAGE = BUILD / "pristine.img"      # nothing ever writes to it
QEMU = os.environ.get("QEMU", "qemu-system-riscv64")
PROMPT = re.escape("$ ")
WAIT = 120          # seconds for one expected text
LIMIT = 900         # seconds for one machine


class MachineError(Exception):
    """The machine did something else than expected; the transcript says what."""


class Transcript:
    """Keeps what went over the console, and shows it live when asked to."""

    def __init__(self, show):
        self.text = ""
        self.show = show

    def write(self, text):
        self.text += text
        if self.show:
            sys.stdout.write(text.replace("\r", ""))

    def flush(self):
        if self.show:
            sys.stdout.flush()


def kernel_path(variant=""):
    """The kernel of a variant: "" is the default build, "check" the checking build."""
    return BUILD / variant / "kernel"


def qemu_arguments(*, variant="", cpus=3, mem="128M", image=None, root="disk", legacy=False, append="",
                   options=()):
    """The command line. It follows mk/qemu.mk; test_make.py compares the two."""
    args = [QEMU, "-machine", "virt", "-bios", "default", "-kernel", str(kernel_path(variant)),
            "-m", mem, "-smp", str(cpus), "-nographic"]
    if not legacy:
        args += ["-global", "virtio-mmio.force-legacy=false"]
    if root == "ram":
        args += ["-initrd", str(image)]
        append = ("root=ram " + append).strip()
    elif image is not None:
        args += ["-drive", f"file={image},if=none,format=raw,id=x0",
                 "-device", "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0"]
    if append:
        args += ["-append", append]
    return args + list(options)


class Machine:
    def __init__(self, *, image=None, show=False, limit=LIMIT, command=None, cwd=None, **hardware):
        """Start a machine on `image` itself, or on a private copy of the built image when none is named.

        `command` replaces the whole QEMU command line (to drive `make qemu`).
        """
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="lamina-"))
        if image is None:
            image = self.directory / "fs.img"
            shutil.copy(IMAGE, image)
        self.image = pathlib.Path(image)
        self.transcript = Transcript(show)
        self.command = command or qemu_arguments(image=self.image, **hardware)
        guarded = ["timeout", "--foreground", "-k", "5", str(limit)] + [str(a) for a in self.command]
        self.child = pexpect.spawn(guarded[0], guarded[1:], cwd=str(cwd or ROOT), timeout=WAIT, echo=False,
                                   encoding="utf-8", codec_errors="replace", logfile=None)
        self.child.logfile_read = self.transcript
        self.child.delaybeforesend = None

    # ---- Waiting ------------------------------------------------------------------------------------

    def expect(self, pattern, wait=WAIT):
        """Wait for a regular expression; returns the match. A panic or an early end is an error."""
        alternatives = [pattern, r"panic: [^\n]*\n", pexpect.EOF, pexpect.TIMEOUT]
        found = self.child.expect(alternatives, timeout=wait)
        if found == 0:
            return self.child.match
        if found == 1 and re.search(pattern, self.child.after):
            return re.search(pattern, self.child.after)
        reason = [None, "the kernel panicked", "the machine ended", "the machine said no more"][found]
        raise MachineError(f"{reason} while {pattern!r} was awaited\n{self.tail()}")

    def expect_line(self, text, wait=WAIT):
        return self.expect(re.escape(text), wait)

    def wait_for_shell(self, wait=WAIT):
        self.expect(r"init: starting sh\r?\n", wait)
        self.expect(PROMPT, wait)
        return self

    def wait_for_end(self, wait=WAIT):
        """Wait until QEMU has ended by itself; returns everything printed since the last wait."""
        found = self.child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=wait)
        if found != 0:
            raise MachineError(f"the machine does not end\n{self.tail()}")
        self.child.close()
        if self.child.exitstatus != 0:
            raise MachineError(f"QEMU ended with status {self.child.exitstatus}\n{self.tail()}")
        return self.child.before.replace("\r", "")

    # ---- Doing --------------------------------------------------------------------------------------

    def type(self, text):
        self.child.send(text)

    def start(self, command):
        """Type a command line, and return once the console has echoed it."""
        self.type(command + "\n")
        self.expect(re.escape(command) + r"\r?\n")

    def run(self, command, wait=WAIT):
        """Run a command in the shell; returns what it printed."""
        self.start(command)
        self.expect(PROMPT, wait)
        return self.child.before.replace("\r", "")

    def poweroff(self):
        self.start("poweroff")
        return self.wait_for_end()

    def kill(self):
        """Pull the plug: QEMU gets no chance to finish anything. => it is gone, and the image free."""
        os.kill(self.qemu_pid(), signal.SIGKILL)
        self.child.expect([pexpect.EOF, pexpect.TIMEOUT])
        self.child.close(force=True)

    # ---- Looking ------------------------------------------------------------------------------------

    def text(self):
        return self.transcript.text.replace("\r", "")

    def tail(self, lines=60):
        command = " ".join(str(a) for a in self.command)
        return "\n".join(["--- " + command] + self.text().splitlines()[-lines:] + ["---"])

    def qemu_pid(self):
        """The process id of QEMU, which is the child of timeout(1)."""
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text()
        return int(children.split()[0])

    def host_cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.qemu_pid()}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # ---- Ending -------------------------------------------------------------------------------------

    def _kill_group(self):
        # pexpect made the child a session leader, so this reaches timeout, QEMU and nothing else.
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        if self.child.isalive():
            self._kill_group()
        self.child.close(force=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def fsck(image, *options):
    """Run the host's checker over an image; returns (status, output)."""
    done = subprocess.run([BUILD / "tools" / "fsck", *options, image], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=WAIT, check=False)
    return done.returncode, done.stdout


def wait_until(condition, wait=WAIT, step=0.05):
    """Poll for something that shows outside the console."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return False
