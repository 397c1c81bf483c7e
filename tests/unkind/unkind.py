#!/usr/bin/python3
"""The kernel on a machine that uses every freedom which the specifications give it (machine/unkind.h).

    tests/unkind/unkind.py                  the short form, for make test
    tests/unkind/unkind.py litmus disk      only these of the suites: litmus programs disk firmware mutants
    tests/unkind/unkind.py --long SEED      alltests with every switch that changes no specified result, and more of all

One line a check, then `N passed, M failed`; exit status 1 when one failed. A run is repeated by the command in its line.
"""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/unkind"
WORK = ROOT / "build/unkind"
DRIVE = WORK / "drive"
HOSTS = {"native.c", "wasm.c", "gdbstub.c", "gdbview.c", "session.c", "past.c"}

# enum unkind of machine/machine.h; ALL are those that change no specified result.
KEEPS, SPECULATES, SVADE, ORDER, SC_FAILS, INTERRUPTS, HARTS, DISK, FETCH, TABLES, MEETINGS = (1 << i for i in range(11))
ALL = (1 << 11) - 1
OLD_SBI, DISK_ERRORS, DISK_TEARS, DISK_CACHE = (1 << i for i in range(16, 20))

SHARING = ["shmem_test", "shmem_count", "shm_cnt", "log_test"]
USERS = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LLVM", "DEBUG", "CHECK", "FS", "EXTRA", "ROOT", "APPEND", "IMAGE")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in USERS}


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, name, ok, output=""):
        self.passed += ok
        self.failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'} unkind: {name}", flush=True)
        if not ok:
            print("\n".join("    " + line for line in output.rstrip().splitlines()[-12:]), flush=True)


def run(command, limit, cwd=ROOT):
    """=> exit status (None: it took longer than `limit` seconds) and what was printed"""
    try:
        done = subprocess.run([str(word) for word in command], cwd=cwd, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit, check=False)
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout.decode(errors="replace")


def must(command, cwd=ROOT):
    status, output = run(command, 600, cwd)
    if status != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{output}")
    return output


def drive(settings, kernel, image, commands=(), *, steps=60_000_000, limit=300, options=()):
    """One run. => exit status, output, and the command that repeats it"""
    command = [DRIVE, "-l", steps, *options]
    for name, value in settings.items():
        command += ["-o", f"{name}={value:#x}" if name == "unkind" else f"{name}={value}"]
    command += [kernel, image, *commands]
    status, output = run(command, limit)
    return status, output, shlex.join(map(str, command))


def build():
    WORK.mkdir(parents=True, exist_ok=True)
    core = [path for path in sorted((ROOT / "machine").glob("*.c")) if path.name not in HOSTS]
    must([os.environ.get("HOSTCC", "cc"), "-std=gnu11", "-O2", "-flto", "-Wall", "-Wextra", "-Werror", "-o", DRIVE,
          HERE / "drive.c", *core])
    must(["make", "-s", "build/kernel", "build/fs.img", "build/tools/fsck"])
    prefix = must(["tools/find-toolchain.sh"]).strip()
    march = "rv64imac_zicsr_zifencei"
    for name in "order", "paging":
        must([prefix + "gcc", "-march=" + march, "-mabi=lp64", "-mcmodel=medany", "-O2", "-Wall", "-Wextra", "-Werror",
              "-ffreestanding", "-fno-common", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-T," + str(HERE / "bare.ld"),
              "-o", WORK / name, HERE / "start.S", HERE / (name + ".c")])
    (WORK / "empty").touch()


# ---- Litmus programs: what is forbidden never happens, what is allowed does when the machine is unkind ----

def litmus_counts(program, settings, seeds, tally):
    """=> for each test its rule, how often its outcome was seen and the number of tries, over all seeds"""
    counts = {}
    for seed in seeds:
        status, output, command = drive({**settings, "seed": seed}, WORK / program, WORK / "empty", steps=400_000_000)
        for name, rule, seen, tries in re.findall(r"^(\S+) (allowed|forbidden) (\d+) (\d+)", output, re.M):
            total = counts.setdefault(name, [rule, 0, 0])
            total[1] += int(seen)
            total[2] += int(tries)
        if status != 0:
            tally.add(f"litmus {program}, seed {seed}: {command}", False, output)
    return counts


def judge(tally, title, counts, unkind, table):
    if table:
        print(f"{title}:")
        for name, (rule, seen, tries) in counts.items():
            print(f"    {name:30} {rule:9} {seen:6} of {tries}")
    wrong = [name for name, (rule, seen, _) in counts.items() if rule == "forbidden" and seen]
    unseen = [name for name, (rule, seen, _) in counts.items() if rule == "allowed" and not seen]
    forbidden = sum(rule == "forbidden" for rule, _, _ in counts.values())
    tally.add(f"{title}: {forbidden} forbidden outcomes never seen", forbidden > 0 and not wrong, " ".join(wrong))
    if unkind:
        allowed = sum(rule == "allowed" for rule, _, _ in counts.values())
        tally.add(f"{title}: {allowed} allowed outcomes all seen", allowed > 0 and not unseen, " ".join(unseen))


def litmus(tally, long):
    seeds = range(1, 13) if long else range(1, 4)
    kind = litmus_counts("order", {"harts": 4, "slice": 5}, [0], tally)
    judge(tally, "memory order, kind machine", kind, False, False)
    weak = [name for name, (rule, seen, _) in kind.items() if rule == "allowed" and seen and "lost" not in name]
    tally.add("memory order, kind machine: nothing weak is seen", not weak, " ".join(weak))
    counts = litmus_counts("order", {"harts": 4, "slice": 5, "unkind": ORDER | SC_FAILS}, seeds, tally)
    judge(tally, "memory order", counts, True, long)
    every = litmus_counts("order", {"harts": 4, "slice": 6, "unkind": ALL}, seeds if long else [1], tally)
    judge(tally, "memory order, all switches", every, False, long)
    counts = litmus_counts("paging", {"harts": 2, "slice": 6, "unkind": ALL & ~(HARTS | MEETINGS)}, seeds, tally)
    judge(tally, "Sv39", counts, True, long)
    judge(tally, "Sv39, kind machine", litmus_counts("paging", {"harts": 2, "slice": 20}, [0], tally), False, False)


# ---- The kernel with every switch on that changes no specified result ----

def on_every(seed):
    """A machine for a seed: its switches, and what else may differ between machines."""
    without = [0, 0, SPECULATES, HARTS, KEEPS, ORDER | MEETINGS][seed % 6]
    harts = 2 + seed % 4
    return {"seed": seed, "unkind": ALL & ~without, "slice": 4 + seed % 7 * 9, "steps_per_time": 1 + seed % 11,
            "harts": harts, "hartid_base": seed % 3 * 2, "hartid_stride": seed % 2, "boot_hart": seed % harts}


def all_right(status, output, programs):
    return status == 0 and output.count(": OK") == len(programs)


def programs(tally, long):
    for seed in range(1, 61 if long else 7):
        status, output, command = drive(on_every(seed), ROOT / "build/kernel", ROOT / "build/fs.img", SHARING)
        ok = all_right(status, output, SHARING)
        tally.add(f"boot and sharing programs, seed {seed}" + ("" if ok else ": " + command), ok, output)
    pieces(tally)


def pieces(tally):
    """However a run is cut into calls of machine_run(), it is the same run: going back in time rests on it."""
    for seed in range(1, 4):
        states = set()
        for at_once in 50_000, 977, 13:
            _, output, command = drive({"seed": seed, "unkind": ALL, "slice": 50}, ROOT / "build/kernel", ROOT / "build/fs.img",
                                       steps=600_000, options=["-e", at_once])
            states.update(re.findall(r"state \w+|status 0", output))
        tally.add(f"cut into pieces, a run is the same, seed {seed}", len(states) == 1 and states != {"status 0"}, "\n".join([*states, command]))


def alltests(tally, seed):
    settings = {**on_every(seed), "slice": 20 + seed % 4 * 20}
    status, output, command = drive(settings, ROOT / "build/kernel", ROOT / "build/fs.img", ["alltests"],
                                    steps=20_000_000_000, limit=7200)
    ok = status == 0 and re.search(r"^alltests: \d+ passed, 0 failed", output, re.M) is not None
    tally.add(f"alltests, seed {seed}: {command}", ok, output)


# ---- The disk: errors, and power that goes ----

FILES = ["mkdir a", "stressfs", "cat README > a/b", "ln a/b a/c", "rm a/b", "mkdir a/d", "echo hello > a/d/e", "rm stressfs0",
         "sync", "cat README > f", "rm a/c"]


def fsck(image):
    status, output = run([ROOT / "build/tools/fsck", image], 60)
    return status in (0, 3), output


def disk_errors(tally, seed):
    image = WORK / "errors.img"
    settings = {"seed": seed, "unkind": DISK | DISK_ERRORS, "disk_delay": 300}
    status, output, command = drive(settings, ROOT / "build/kernel", ROOT / "build/fs.img", FILES + ["echo still here"],
                                    options=["-w", image])
    ended = status == 0 and "\nstill here" in output or "panic" not in output and "init" in output and status == 1
    sound, verdict = fsck(image)
    tally.add(f"disk errors, seed {seed}" + ("" if ended and sound else ": " + command), ended and sound, output + verdict)


def power_cut(tally, seed):
    """The power goes in the midst of it; what the disk then holds is sound, the kernel recovers, and it is clean."""
    image, after = WORK / "cut.img", WORK / "after.img"
    at = 1_000_000 + seed * 7919 % 31 * 50_003
    settings = {"seed": seed, "unkind": DISK | [DISK_CACHE, DISK_TEARS, DISK_CACHE | DISK_TEARS][seed % 3], "disk_delay": 300}
    went, output, command = drive(settings, ROOT / "build/kernel", ROOT / "build/fs.img", FILES, options=["-k", at, "-w", image])
    sound, verdict = fsck(image)
    status, again, _ = drive({"seed": seed}, ROOT / "build/kernel", image, ["echo back", "sync"], options=["-w", after])
    clean, last = run([ROOT / "build/tools/fsck", after], 60)
    ok = went == 5 and sound and status == 0 and "\nback" in again and clean == 0
    tally.add(f"power goes behind {at}, seed {seed}" + ("" if ok else ": " + command), ok, output + verdict + again + last)
    return "after the next start" in verdict


def disk(tally, long):
    for seed in range(1, 41 if long else 5):
        disk_errors(tally, seed)
    seeds = range(1, 121 if long else 13)
    replayed = sum(power_cut(tally, seed) for seed in seeds)
    tally.add(f"after {replayed} of {len(seeds)} the kernel had something to recover", replayed > 0)


# ---- Firmware and tree ----

MACHINES = {
    "firmware of before SBI 0.2": {"unkind": OLD_SBI},
    "the same, one hart": {"unkind": OLD_SBI, "harts": 1},
    "time in units of a microsecond": {"timebase": 1_000_000, "steps_per_time": 40},
    "time in units of a quarter": {"timebase": 4_000_000, "steps_per_time": 3},
    "a console whose registers lie 4 bytes apart": {"uart_shift": 2},
    "no chosen node": {"no_chosen": 1},
    "the last hart boots": {"boot_hart": 2},
    "harts 5, 9 and 13": {"hartid_base": 5, "hartid_stride": 3, "boot_hart": 1},
    "RAM below the first bank": {"bank0.base": 0x40000000, "bank0.size": 64 << 20},
    "two far banks": {"bank0.base": 0x9000000000, "bank0.size": 32 << 20, "bank1.base": 0x200000000, "bank1.size": 16 << 20},
    "a timer of the hart's own (Sstc)": {"sstc": 1},
    "no disk": {"disk_is_ram": 1, "bootargs": "root=ram"},
}


def firmware(tally, long):
    for name, settings in MACHINES.items():
        for unkind in [0, ALL] if long else [0]:
            more = {"unkind": settings.get("unkind", 0) | unkind, **({"slice": 50} if unkind else {})}
            status, output, command = drive({**settings, **more}, ROOT / "build/kernel", ROOT / "build/fs.img", SHARING)
            ok = all_right(status, output, SHARING)
            tally.add(name + (", unkind" if unkind else "") + ("" if ok else ": " + command), ok, output)


# ---- Mutants: each must be noticed ----

# name: file, what stands there, what the mutant has, switches that see it
MUTANTS = {
    "no flush after a fault found its page": ("mm/fault.c", r"        tlb_flush_local(_page)?\((va)?\);\n        return 0;",
                                              "        return 0;", KEEPS),
    "no fence with satp": ("arch/riscv/mmu.c", r"li t0, 0\\n sfence\.vma zero, t0\\n fence\.i", "fence.i", ALL),
    "spin_unlock as a plain store": ("lib/spinlock.c", r"fence iorw, ow\\n\\tsw zero, %0", "sw zero, %0", ORDER | HARTS),
    "urelease relaxed": ("usr/lib/uspinlock.c", r"0, __ATOMIC_RELEASE", "0, __ATOMIC_RELAXED", ORDER | HARTS),
}


MUTANT_SEEDS = 4
MUTANT_STEPS = 7_000_000    # twice what the sharing programs need; a mutant that hangs goes on to there

# These need programs of the long form, too.
LONG_MUTANTS = {
    "on_cpu given up relaxed": ("sched/sched.c", r"(switch_to.*?previous->on_cpu, 0, __ATOMIC_)RELEASE", r"\1RELAXED", ORDER | HARTS),
    "spin_lock without acquire": ("lib/spinlock.c", r"(void spin_lock.*?&l->locked, 1, __ATOMIC_)ACQUIRE", r"\1RELAXED", ORDER | HARTS),
}
LONG_PROGRAMS = ["t_sync", "t_mmapfile", "t_pipe"]


def copy_tree(to):
    """The tree with what was built of it, so that make builds only what is changed."""
    shutil.copytree(ROOT, to, symlinks=True, ignore=lambda at, names: [
        name for name in names if name == ".git" or pathlib.Path(at) == ROOT / "build" and
        name not in ("kobj", "uobj", "user", "kernel", "fs.img", "fs.img.list", "tools")])


def mutant(tally, name, tree, programs):
    path, pattern, instead, switches = (MUTANTS | LONG_MUTANTS)[name]
    text = (ROOT / path).read_text()
    changed, n = re.subn(pattern, instead, text, count=1, flags=re.S)
    if n != 1:
        tally.add(f"mutant: {name}: {path} has changed", False)
        return
    (tree / path).write_text(changed)
    must(["make", "-s", "build/kernel", "build/fs.img"], tree)
    seen = []
    for seed in range(1, MUTANT_SEEDS + 1):
        settings = {"seed": seed, "unkind": switches if seed % 2 else ALL, "slice": 50}
        status, output, _ = drive(settings, tree / "build/kernel", tree / "build/fs.img", programs,
                                  steps=MUTANT_STEPS if programs == SHARING else 200_000_000)
        seen += [] if all_right(status, output, programs) else [seed]
    tally.add(f"mutant: {name}: noticed with {len(seen)} of {MUTANT_SEEDS} seeds", len(seen) >= 1)
    (tree / path).write_text(text)


def mutants(tally, long):
    for seed in range(1, MUTANT_SEEDS + 1):
        for switches in {switches if seed % 2 else ALL for _, _, _, switches in MUTANTS.values()}:
            settings = {"seed": seed, "unkind": switches, "slice": 50}
            status, output, command = drive(settings, ROOT / "build/kernel", ROOT / "build/fs.img", SHARING, steps=MUTANT_STEPS)
            if not all_right(status, output, SHARING):
                tally.add(f"the kernel as it is, where mutants are seen: {command}", False, output)
    with tempfile.TemporaryDirectory(prefix="lamina-mutant-") as parent:
        tree = pathlib.Path(parent) / "tree"
        copy_tree(tree)
        for name in MUTANTS:
            mutant(tally, name, tree, SHARING)
        for name in LONG_MUTANTS if long else ():
            mutant(tally, name, tree, SHARING + LONG_PROGRAMS)


SUITES = {"litmus": litmus, "programs": programs, "disk": disk, "firmware": firmware, "mutants": mutants}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=" ".join(SUITES) + "; none: all")
    parser.add_argument("--long", type=int, metavar="SEED", help="the long form, with alltests by this seed")
    options = parser.parse_args()
    build()
    tally = Tally()
    for name in options.suites or SUITES:
        SUITES[name](tally, options.long is not None)
    if options.long is not None and not options.suites:
        alltests(tally, options.long)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return tally.failed > 0


if __name__ == "__main__":
    sys.exit(main())
