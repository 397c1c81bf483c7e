"""What the tests here are made with: shared libraries of C sources, and the cross tools."""

import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "machine"
OUT = ROOT / "build" / "machine-test"


def cross(tool):
    """The name of a RISC-V tool: gcc, objdump, ..."""
    return subprocess.run([ROOT / "tools/find-toolchain.sh"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip() + tool


def build(name, sources, headers=(), *flags):
    """Makes it when a source is newer. Sources are named from this folder. => the library's path"""
    out = OUT / f"{name}.so"
    files = [HERE / source for source in sources]
    newest = max(p.stat().st_mtime for p in [*files, *headers])
    if not out.exists() or out.stat().st_mtime < newest:
        OUT.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=OUT, suffix=".so", delete=False) as new:
            subprocess.run([os.environ.get("HOSTCC", "cc"), "-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC",
                            *flags, "-o", new.name, *map(str, files)], check=True)
        os.replace(new.name, out)
    return out
