#!/usr/bin/python3
"""Count instructions, and print them beside the goals.

QEMU with `-smp 1 -icount shift=0` lets each instruction take one nanosecond of the machine's time, so the guest's
clock counts instructions, and the figures are the same on every host. The program is usr/tests/bench.c, run with the
root in RAM; boot is measured by a first program that only reads the clock (tools/bench/init.c). While the machine waits
for a real disk, its clock follows the host's, so the figure for boot varies a little: the best of some runs is shown.

    tools/bench.py            the table
    tools/bench.py --check    exit 1 if a figure that issue and README promise is missed
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "boot"))

from machine import BUILD, Machine, MachineError  # noqa: E402

ICOUNT = ["-icount", "shift=0"]
ICOUNT_ALONE = ["-icount", "shift=0,sleep=off"]     # idle time is skipped: for who waits for no disk and no input
INSTRUCTIONS_PER_TICK = 100
BOOT_RUNS = 3
RAM_KIB = 128 * 1024

# name: (what it is, goal, at least or at most, limit that --check holds or None)
FIGURES = {
    "null_syscall": ("null system call", 90, "<=", 130),
    "fork_exit_wait": ("fork + exit + wait, small process", 15_000, "<=", None),
    "fork_exec_wait": ("fork + exec + wait", 40_000, "<=", None),
    "fork_4096_pages": ("fork alone, 4096 resident pages more", 100_000, "<=", 150_000),
    "fork_write_exit": ("... and the child writes each page, per page", 1_900, "<=", None),
    "pipe_round_trip": ("pipe round trip, 1 byte", 2_500, "<=", None),
    "pipe_bandwidth": ("pipe, 64 KiB writes, bytes per 1000 instructions", 1_600, ">=", None),
    "sbrk_touch_shrink": ("sbrk one page, touch, shrink", 1_800, "<=", None),
    "first_touch": ("first touch of a page", 900, "<=", None),
    "give_back": ("give a page back", 40, "<=", None),
    "map_shared_1024": ("map_shared_pages, 1024 pages, per page", 25, "<=", 40),
    "unmap_shared_1024": ("unmap_shared_pages, 1024 pages, per page", 25, "<=", None),
    "map_unmap_shared_1": ("map and unmap one page", 1_050, "<=", None),
    "map_unmap_10": ("mmap, touch, munmap a page among 10 areas", 5_000, "<=", None),
    "map_unmap_10000": ("... among 10,000 areas, % of that", 150, "<=", 150),
    "open_close": ("open + close", 1_500, "<=", None),
    "read_cached": ("read from a cached file, per KiB", 400, "<=", None),
    "create_write_unlink": ("create, write 4 KiB, close, unlink", 33_000, "<=", None),
    "longest_stretch": ("longest stretch with interrupts off, biggest calls", 20_000, "<=", 20_000),
    # Waiting for the disk takes as long as the host takes: only the figure without it is held.
    "boot": ("reset to the first program, 128 MiB", 15_000_000, "<=", None),
    "boot_ram": ("the same with the root in RAM", 15_000_000, "<=", 15_000_000),
    "memory": ("KiB not free after boot, firmware included, 128 MiB", 4_096, "<=", 4_096),
}


def measure_calls():
    """The figures of usr/tests/bench.c, with the disk in memory: nothing waits for the host."""
    with Machine(cpus=1, root="ram", options=ICOUNT) as machine:
        machine.wait_for_shell()
        output = machine.run("bench", 600)
        machine.poweroff()
    if "bench: counts instructions" not in output:
        raise MachineError("bench counted something else than instructions:\n" + output)
    if "bench: OK" not in output:
        raise MachineError("bench did not come to its end:\n" + output)
    return {name: int(value) for name, value in re.findall(r"^bench (\w+) (\d+)", output, re.MULTILINE)}


def measure_stretch():
    """How late a timer came, at the latest, while usr/tests/stretch.c made the biggest calls."""
    with Machine(cpus=1, root="ram", mem="512M", options=ICOUNT) as machine:
        machine.wait_for_shell()
        output = machine.run("stretch", 600)
        machine.poweroff()
    if "stretch: OK" not in output:
        raise MachineError("stretch did not come to its end:\n" + output)
    return int(re.search(r"^bench longest_stretch (\d+)", output, re.MULTILINE).group(1))


def boot_image():
    image = BUILD / "bench.img"
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "-s", "EXTRA=tools/bench/init.c", f"IMAGE={image.relative_to(ROOT)}",
                    str(image.relative_to(ROOT))], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)
    return image


def measure_boot(image, icount, **hardware):
    best = None
    for _ in range(BOOT_RUNS):
        with Machine(image=image, cpus=1, options=icount, **hardware) as machine:
            ticks = int(machine.expect(r"bench boot_ticks (\d+)\r").group(1))
            free = int(machine.expect(r"bench pages_free (\d+)\r").group(1))
            machine.wait_for_end()
        figures = ticks * INSTRUCTIONS_PER_TICK, RAM_KIB - 4 * free
        best = min(best, figures) if best else figures
    return best


def measure():
    figures = measure_calls()
    figures["longest_stretch"] = measure_stretch()
    image = boot_image()
    figures["boot"], figures["memory"] = measure_boot(image, ICOUNT)
    figures["boot_ram"], _ = measure_boot(image, ICOUNT_ALONE, root="ram")
    return figures


def meets(value, sense, bound):
    return value <= bound if sense == "<=" else value >= bound


LEGEND = """
goal:   what this kernel set itself before it was written; "missed" says that the figure does not reach it. The kernel
        is right all the same, and nothing is held to it: it shows where work is left.
limit:  the worst that `make test` lets pass; a change that passes it fails. Most figures have none."""


def print_table(figures):
    """The figures with their goals and limits, and what these words mean."""
    print(f"{'instructions for':<52} {'measured':>12} {'goal':>14} {'limit':>14}")
    for name, (what, goal, sense, limit) in FIGURES.items():
        value = figures.get(name)
        shown = "-" if value is None else f"{value:,}"
        bound = "" if limit is None else f"{sense} {limit:,}"
        mark = "" if value is not None and meets(value, sense, goal) else "  missed"
        print(f"{what:<52} {shown:>12} {f'{sense} {goal:,}':>14} {bound:>14}{mark}")
    print(LEGEND)


def broken_promises(figures):
    return [f"{name}: {figures.get(name)}, and {limit} is the limit"
            for name, (_, _, sense, limit) in FIGURES.items()
            if limit is not None and (name not in figures or not meets(figures[name], sense, limit))]


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        print("usage: tools/bench.py [--check]", file=sys.stderr)
        return 2
    try:
        figures = measure()
    except (MachineError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print_table(figures)
    if "--check" not in sys.argv:
        return 0
    broken = broken_promises(figures)
    print("\n".join(broken) or "bench: every promised figure is met")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
