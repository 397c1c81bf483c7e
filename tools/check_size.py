#!/usr/bin/python3
"""No function of the kernel above 60 lines, no file above 500; prints the figures for each layer."""

import statistics
import sys

from csource import KERNEL_DIRECTORIES, ROOT, c_files, functions

MAX_FUNCTION = 60
MAX_FILE = 500
OTHERS = ("usr", "usr/lib", "usr/tests", "tools", "tests/kernel")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main():
    errors = []
    totals = []
    print("layer         files  lines  functions  median  95th   max  longest function")
    for directory in KERNEL_DIRECTORIES + OTHERS:
        files = list(c_files([directory]))
        found = [function for path in files for function in functions(path)]
        lines = 0
        for path in files:
            length = len((ROOT / path).read_text().splitlines())
            lines += length
            if length > MAX_FILE:
                errors.append(f"{path}: {length} lines, and {MAX_FILE} are the limit for a file")
        errors += [f"{f.path}:{f.first}: {f.name}() has {f.length} lines, and {MAX_FUNCTION} are the limit"
                   for f in found if f.length > MAX_FUNCTION]
        if found:
            print(row(directory, len(files), lines, found))
        if directory in KERNEL_DIRECTORIES:
            totals.append((len(files), lines, found))
    found = [function for _, _, some in totals for function in some]
    if found:
        print(row("the kernel", sum(t[0] for t in totals), sum(t[1] for t in totals), found))
    print("\n".join(errors) or "size: all within the limits")
    return 1 if errors else 0


def row(name, files, lines, found):
    lengths = [function.length for function in found]
    longest = max(found, key=lambda function: function.length)
    return (f"{name:<13} {files:>5} {lines:>6} {len(found):>10} {statistics.median(lengths):>7.0f}"
            f" {percentile(lengths, 0.95):>5} {max(lengths):>5}  {longest.path}:{longest.name}()")


if __name__ == "__main__":
    sys.exit(main())
