#!/usr/bin/python3
"""Boot, run one program of the image, power off: exit 0 if it ended well. For tests/mutants.py and by hand.

    tests/boot/run_program.py [--cpus N] [--variant V] alltests
"""

import argparse
import re
import sys

from machine import Machine, MachineError


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cpus", default="3")
    parser.add_argument("--variant", default="")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("program")
    options = parser.parse_args()
    name = options.program.split()[0]
    try:
        with Machine(cpus=options.cpus, variant=options.variant, show=options.show, limit=250) as machine:
            machine.wait_for_shell(30)
            output = machine.run(options.program, 200)
            machine.poweroff()
    except MachineError as error:
        print(error)
        return 1
    good = rf"^{name}: (OK|[1-9]\d* passed, 0 failed)$"
    return 0 if re.search(good, output.strip().splitlines()[-1]) else 1


if __name__ == "__main__":
    sys.exit(main())
