#!/usr/bin/python3
"""Turn the output of `make -nB` into compile_commands.json, so that editors find the headers."""

import json
import pathlib
import shlex
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    entries = []
    for line in sys.stdin:
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        sources = [word for word in words if word.endswith((".c", ".S"))]
        if "-c" in words and "-o" in words and len(sources) == 1:
            entries.append({"directory": str(ROOT), "file": sources[0], "arguments": words})
    json.dump(entries, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
