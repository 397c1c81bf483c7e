"""EXTRA takes other people's programs as they are: out of their own trees, in parts, in folders, from paths with blanks."""

import os
import re
import subprocess

import pytest

from machine import ROOT, Machine

X86_HEADERS = {
    "types.h": "typedef unsigned int uint;\ntypedef unsigned short ushort;\n",
    "user.h": '#error "the x86 tree\'s user.h"\n',
    "fcntl.h": '#error "the x86 tree\'s fcntl.h"\n',
    "x86.h": "static inline void lidt(void *p) { }\n",
    "extra/depth.h": '#include "../user.h"\n#include "deeper.h"\n',
    "extra/deeper.h": '#include "types.h"\n#define DEPTH 2\n',
    "greet.h": '#include "types.h"\n#include "fcntl.h"\n#include "extra/depth.h"\n#define GREETING "hello"\n',
}
X86_PROGRAM = """#include "types.h"
#include "user.h"
#include "greet.h"

int main(int argc, char *argv[])
{
    printf(1, "%s %d\\n", GREETING, DEPTH + O_RDONLY);
    exit();
}
"""
RISCV_HEADERS = {
    "kernel/types.h": '#error "the tree\'s types.h"\n',
    "kernel/riscv.h": '#error "the tree\'s riscv.h"\n',
    "kernel/pstat.h": '#include "types.h"\nstruct pstat { uint64 n; };\n',
    "user/user.h": '#error "the tree\'s user.h"\n',
}
RISCV_PROGRAM = """#include "kernel/types.h"
#include "../kernel/riscv.h"
#include "kernel/pstat.h"
#include "user/user.h"

uint64 thread_switch(uint64 n);

int main(void)
{
    struct pstat p = {PGSIZE};

    printf("switched %d\\n", (int)thread_switch(p.n));
    exit(0);
}
"""
SWITCH = ".globl thread_switch\nthread_switch:\n    addi a0, a0, 1\n    ret\n"
DECLARED = """#include "user/user.h"

int map_shared_pages(void *addr, int size, int pid);
extern void *map_shared_pages(int src_pid, int dst_pid,
                              void *src_va, int size);
int unmap_shared_pages(int pid, void *addr, int size);

int main(void)
{
    char *buffer = malloc(4096);
    char *at = map_shared_pages(buffer, 4096, getpid());
    buffer[7] = 'x';
    printf("declared %c %d line %d\\n", at[7], unmap_shared_pages(getpid(), at, 4096), __LINE__);
    exit(0);
}
"""


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def make(tmp_path, extra, *programs, check=True, variant="build", flags=()):
    """Build these programs of EXTRA, or the image: its path, or what make said. Each test has an image of its own name,
    and so a directory of its own for the programs."""
    image = tmp_path / f"{tmp_path.name}.img"
    targets = [f"{variant}/extra/{image.name}/_{name}" for name in programs] or [str(image)]
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "--no-print-directory", f"EXTRA={extra}", f"IMAGE={image}", *flags, *targets], cwd=ROOT,
                          env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
    assert not check or done.returncode == 0, done.stdout
    return image if check and not programs else done.stdout


def binutil(name, tmp_path, program):
    tool, *options = name.split()
    path = ROOT / f"build/extra/{tmp_path.name}.img/_{program}"
    return subprocess.run([f"riscv64-unknown-elf-{tool}", *options, path], capture_output=True, text=True, check=True).stdout


@pytest.mark.weight(20)
def test_programs_of_other_trees_run(tmp_path):
    """Of both editions of xv6, with calls declared by the program, in a folder: all on one image."""
    x86 = write(tmp_path / "their x86", {**X86_HEADERS, "hello86.c": X86_PROGRAM})
    riscv = write(tmp_path / "xv6-riscv", {**RISCV_HEADERS, "user/uthread.c": RISCV_PROGRAM,
                                           "user/uthread_switch.S": SWITCH})
    declared = write(tmp_path, {"declared.c": DECLARED}) / "declared.c"
    folder = write(tmp_path / "parts", {
        "first.c": '#include "user/user.h"\nint part(void);\nint\nmain(int argc, char **argv)\n'
                   '{\n    printf("first %d\\n", part());\n    exit(0);\n}\n',
        "second.c": '#include "user/user.h"\nint part(void);\n'
                    'int main(void) { printf("second %d\\n", part() + 1); exit(0); }\n',
        "part.c": "int part(void) { return 41; }\n",
        "printf.c": '#error "xv6\'s own library"\n',
    })
    image = make(tmp_path, f'"{x86}/hello86.c" {riscv}/user/uthread.c {declared} {folder}')
    with Machine(image=image, cpus=1) as machine:
        machine.wait_for_shell()
        assert machine.run("hello86") == "hello 2\n"
        assert machine.run("uthread") == "switched 4097\n"
        assert machine.run("declared") == "declared x 0 line 13\n"
        assert machine.run("first") == "first 41\n"
        assert machine.run("second") == "second 42\n"
        machine.poweroff()


@pytest.mark.parametrize("flags,variant", [([], "build"), (["LLVM=1"], "build/llvm")])
def test_names_and_lines_stay(tmp_path, flags, variant):
    """In the compiler's messages, for a program in a tree whose headers are not taken, in a path with blanks."""
    folder = write(tmp_path / "a tree (1)", {**X86_HEADERS, "hello86.c": X86_PROGRAM.replace("exit();", "nonsense it;")})
    write(folder, {"greet.h": X86_HEADERS["greet.h"] + "int odd = nothing;\n"})
    output = make(tmp_path, folder / "hello86.c", "hello86", check=False, flags=flags, variant=variant)
    assert f"{folder}/greet.h:5:" in output and f"{folder}/hello86.c:8:" in output, output
    assert ".d/tree" not in output, output


def test_gdb_finds_the_source(tmp_path):
    folder = write(tmp_path / "a tree", {**X86_HEADERS, "hello86.c": X86_PROGRAM})
    make(tmp_path, folder / "hello86.c", "hello86")
    assert re.search(f"DW_AT_name .*: {folder}/hello86.c$", binutil("readelf --debug-dump=info", tmp_path, "hello86"),
                     re.MULTILINE)


def test_assembly_goes_with_its_program(tmp_path):
    """STEM.S and STEM_*.S with STEM.c, but for the assembly of another program."""
    write(tmp_path, {"uthread.c": "int main(void) { return 0; }\n", "uthread_test.c": "int main(void) { return 0; }\n",
                     "uthread.S": ".globl one\none: ret\n", "uthread_switch.S": ".globl two\ntwo: ret\n",
                     "uthread_test.S": ".globl three\nthree: ret\n"})
    make(tmp_path, f"{tmp_path}/uthread.c {tmp_path}/uthread_test.c", "uthread", "uthread_test")
    assert re.findall(r" T (one|two|three)$", binutil("nm", tmp_path, "uthread"), re.MULTILINE) == ["one", "two"]
    assert re.findall(r" T (one|two|three)$", binutil("nm", tmp_path, "uthread_test"), re.MULTILINE) == ["three"]


def test_what_was_a_warning_is_one(tmp_path):
    """Newer compilers make errors of these; here a flag does, before the flags that take it back."""
    write(tmp_path, {"loose.c": '#include "user/user.h"\nvoid out(char *s) { puts_of_mine(s); }\n'
                                "int puts_of_mine(char *s) { return strlen(s); }\n"
                                "int main(void) { char *p = map_shared_pages(getpid(), getpid(), (void *)main, 8);\n"
                                "    int *q = p; out(p); return *q; }\n"})
    errors = "-Werror=int-conversion -Werror=implicit-function-declaration -Werror=incompatible-pointer-types"
    output = make(tmp_path, tmp_path / "loose.c", "loose", flags=[f"UFLAGS_EXTRA={errors}"])
    assert output.count("warning:") >= 3 and "error" not in output, output
    assert f"{tmp_path}/loose.c:4:" in output and "in expansion of macro" not in output, output


@pytest.mark.parametrize("header", sorted(p.name for p in (ROOT / "include/uapi/user").glob("*.h")))
def test_headers_need_no_other_first(tmp_path, header):
    if header == "share_forms.h":
        header = "user.h"  # whose part it is
    source = write(tmp_path, {"alone.c": f'#include "user/{header}"\nint x;\n'}) / "alone.c"
    subprocess.run(["riscv64-unknown-elf-gcc", "-ffreestanding", "-Iinclude/uapi", "-fsyntax-only", source], cwd=ROOT,
                   check=True)


@pytest.mark.parametrize("extra,words", [
    ("{0}/nothing.c", "there is no {0}/nothing.c"), ("{0}/empty", "no .c in {0}/empty defines main"),
    ("{0}/a/twin.c {0}/b/twin.c", "two programs are called twin")])
def test_mistakes_are_a_line(tmp_path, extra, words):
    write(tmp_path, {"empty/part.c": "int x;\n", "a/twin.c": "int main;\n", "b/twin.c": "int main;\n"})
    output = make(tmp_path, extra.format(tmp_path), "any", check=False)
    lines = [line for line in output.splitlines() if not line.startswith(("make: ", "another make"))]
    assert len(lines) == 1 and f"EXTRA: {words.format(tmp_path)}" in lines[0], output
