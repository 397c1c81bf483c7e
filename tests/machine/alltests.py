#!/usr/bin/python3
"""alltests on the machine of our own, on 1, 3 and 8 harts.

    tests/machine/alltests.py           all three
    tests/machine/alltests.py 3         on so many harts

One line for each; exit status 1 when a test failed, or the machine did not come to the end.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = 12_000_000_000
LIMIT = 1800                # seconds; about 40 are needed


def run(harts):
    """What is typed early would reach a test that reads the console: poweroff is typed when the count is there."""
    command = ["timeout", str(LIMIT), ROOT / "build/glass", "-f", "-q", "-c", str(harts), "-l", str(STEPS), ROOT / "build/kernel",
               ROOT / "build/pristine.img"]
    count, last = None, []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace") as machine:
        machine.stdin.write("alltests\n")
        machine.stdin.flush()
        for line in machine.stdout:
            last = (last + [line])[-40:]
            count = count or re.search(r"^alltests: (\d+) passed, (\d+) failed", line)
            if count and not machine.stdin.closed:
                machine.stdin.write("poweroff\n")
                machine.stdin.close()
        status = machine.wait()
    if not count:
        return False, "no count; its last words:\n" + "".join(last)
    return status == 0 and count[2] == "0" and int(count[1]) > 0, count[0]


def main():
    failed = 0
    for harts in map(int, sys.argv[1:] or ["1", "3", "8"]):
        ok, words = run(harts)
        failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'} {harts} harts: {words}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
