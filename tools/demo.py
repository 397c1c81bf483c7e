#!/usr/bin/python3
"""Boot, run the sharing demonstrations with their output shown, power off.

The exit status is 0 only if each program's last line was `NAME: OK`. Those lines, repeated, end the output.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "boot"))

from machine import BUILD, Machine, MachineError  # noqa: E402

PROGRAMS = ["shmem_test", "shmem_test1", "shmem_test2", "log_test", "crypto_cli", "shmem_count", "shm_cnt", "mmap_test",
            "share_demo"]


def verdict(name, output):
    lines = output.strip().splitlines()
    return bool(lines) and lines[-1].strip() == f"{name}: OK"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cpus", default="3")
    parser.add_argument("--mem", default="128M")
    options = parser.parse_args()
    programs = [name for name in PROGRAMS if (BUILD / "user" / ("_" + name)).exists()]
    good = {}
    try:
        with Machine(cpus=options.cpus, mem=options.mem, show=True) as machine:
            machine.wait_for_shell()
            for name in programs:
                good[name] = verdict(name, machine.run(name))
            machine.poweroff()
    except MachineError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    print()
    for name in PROGRAMS:
        print(f"{name}: {'OK' if good.get(name) else 'FAILED'}")
    return 0 if all(good.get(name) for name in PROGRAMS) else 1


if __name__ == "__main__":
    sys.exit(main())
