#!/usr/bin/python3
"""Run a command, QEMU, to its end, and end it when nobody is left to see it: the terminal is gone, or make is.

    tools/run_qemu.py qemu-system-riscv64 OPTIONS...

A terminal that closes sends SIGHUP only to the first process of its session; QEMU itself would run on unseen. So this
waits for the terminal, too. Input from a pipe may end: the machine runs on.
"""

import os
import select
import signal
import subprocess
import sys

SECOND = 1000


def start(command):
    try:
        return subprocess.Popen(command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def main():
    make = os.getppid()
    child = start(sys.argv[1:])
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # the terminal sends it to QEMU, too

    # A child that ends writes to the pipe, so that poll() returns at once.
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)

    poll = select.poll()
    poll.register(wake, select.POLLIN)
    if os.isatty(0):
        poll.register(0, 0)
    while child.poll() is None:
        if any(fd == 0 for fd, _ in poll.poll(SECOND)) or os.getppid() != make:
            child.terminate()
            break
    status = child.wait()
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
