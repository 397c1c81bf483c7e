#!/usr/bin/python3
"""Run every suite and count: the last line is `N passed, M failed`.

    make test                       everything
    make test TESTFLAGS='checks'    only suites whose name starts so: checks, host, bench, boot, machine, page
    make test TESTFLAGS='boot -k shell'    ... and only the boot tests that pytest's -k selects

First everything is built, in each variant, with all cores. Then the suites run in two lanes, since two cores
are what this may count on: tests on the host beside tests in QEMU, then QEMU in both lanes.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[1]
PYTHON = sys.executable
LIMIT = 3000            # seconds for one job: nothing hangs for ever
LANES = 2

SUITES = ["builds", "checks", "host", "bench", "boot", "machine", "page"]
BUILDS = [("default", []), ("check", ["CHECK=1"]), ("debug", ["DEBUG=1"]), ("llvm", ["LLVM=1"])]
CHECKS = ["check_layers.py", "check_docs.py", "check_size.py", "check_panics.py", "structures.py",
          "path.py"]
PAGE_TESTS = sorted((ROOT / "page" / "tests").glob("*.test.mjs"))
MACHINE_TESTS = ["machine/hart_test.py", "machine/lockstep.py", "unkind/unkind.py"]
BOOT_PROGRAMS = sorted((ROOT / "tests" / "boot" / "programs").glob("*.c"))


class Tally:
    """Counts results and prints one line for each; the output of what failed follows it."""

    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def add(self, suite, name, ok, output=""):
        with self.lock:
            self.passed += ok
            self.failed += not ok
            print(f"{'ok    ' if ok else 'FAILED'} {suite}: {name}", flush=True)
            if not ok:
                print("\n".join("    " + line for line in output.rstrip().splitlines()), flush=True)


# What a user gives to `make test` reaches us as environment; the variants and images are chosen here.
OURS = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LLVM", "DEBUG", "CHECK", "FS", "EXTRA", "ROOT", "APPEND", "IMAGE",
        "QEMUEXTRA", "LEGACY", "FSWRITE", "V"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OURS}


def run(command, **options):
    """Run a command to its end or its limit; returns (ok, output)."""
    try:
        done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT,
                              check=False, **options)
    except subprocess.TimeoutExpired as late:
        output = late.stdout.decode(errors="replace") if late.stdout else ""
        return False, output + f"\nstill running after {LIMIT} seconds"
    return done.returncode == 0, done.stdout


def make(*arguments):
    return run(["make", *arguments])


def build(tally):
    """Build every variant; a variant that does not build is a failed test. Without the default, stop."""
    for name, arguments in reversed(BUILDS):
        ok, output = make("all", *arguments)
        tally.add("builds", name, ok, output)
    ok, output = make("pristine")
    tally.add("builds", "pristine.img", ok, output)
    default_built = ok
    programs = " ".join(str(p.relative_to(ROOT)) for p in BOOT_PROGRAMS)
    if default_built and programs:
        ok, output = make(f"EXTRA={programs}", "IMAGE=build/boot-tests.img", "build/boot-tests.img")
        tally.add("builds", "boot-tests.img", ok, output)
    for target in ("build/glass", "build/lamina.html"):
        tally.add("builds", target, *make(target))
    return default_built


def checks(tally):
    for script in CHECKS:
        tally.add("checks", script, *run([PYTHON, "tools/" + script]))
    tally.add("checks", "mutants apply", *run([PYTHON, "tests/mutants/mutants.py", "--list"]))


def bench(tally):
    tally.add("bench", "promised figures", *run([PYTHON, "tools/bench.py", "--check"]))
    tally.add("bench", "functions on the way", *run([PYTHON, "tools/flow.py", "--check"]))


def host(tally):
    """Build the host tests, then run each program. A program counts its own cases, cmocka's way or ours."""
    ok, output = make("-C", "tests/host", "--no-print-directory", f"-j{os.cpu_count() or 2}")
    if not ok:
        tally.add("host", "build", False, output)
        return
    listed, programs = make("-s", "-C", "tests/host", "--no-print-directory", "list")
    if not listed:
        tally.add("host", "list", False, programs)
    for program in programs.split():
        ok, output = run([program])
        count_host(tally, pathlib.Path(program).name, ok, output)


def count_host(tally, name, ok, output):
    cases = re.findall(r"^\[\s+(OK|FAILED)\s+\] (.+?)(?::.*)?$", output, re.MULTILINE)
    passed = dict.fromkeys(case for result, case in cases if result == "OK")
    failed = dict.fromkeys(case for result, case in cases if result == "FAILED" and " test(s)" not in case)
    for case in passed:
        if case not in failed:
            tally.add("host", f"{name}: {case}", True)
    for case in failed:
        tally.add("host", f"{name}: {case}", False, output)
    if not ok and not failed:
        tally.add("host", name, False, output)      # it died: a sanitizer, a signal
    elif not cases:
        tally.add("host", name, ok, output)


def boot(tally, claims, lane, select):
    """One of two pytest processes that share the boot tests out through the directory `claims`."""
    report = pathlib.Path(claims) / f"report-{lane}.xml"
    command = [PYTHON, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--claims={claims}",
               "--junitxml", str(report), "tests/boot"] + (["-k", select] if select else [])
    ok, output = run(command)
    if not report.exists():
        tally.add("boot", f"lane {lane}", False, output)
        return
    cases = list(xml.parse(report).iter("testcase"))
    for case in cases:
        problems = [node for node in case if node.tag in ("failure", "error", "skipped")]
        text = "\n".join(f"{node.get('message') or ''}\n{node.text or ''}" for node in problems)
        extra = "\n".join(node.text or "" for node in case if node.tag in ("system-out", "system-err"))
        name = f"{case.get('classname', '').rpartition('.')[2]}: {case.get('name')}"
        tally.add("boot", f"{name} ({float(case.get('time', 0)):.0f} s)", not problems, text + extra)
    if not ok and not any(list(case) for case in cases):
        tally.add("boot", f"lane {lane}", False, output)


def machine(tally):
    """The machine of our own against QEMU and against the specifications, in short forms."""
    for script in MACHINE_TESTS:
        tally.add("machine", script, *run([PYTHON, "tests/" + script]))


def page(tally):
    """The machine of our own in node, and the page in Chromium; each of node's tests counts."""
    for file in PAGE_TESTS:
        if "browser" in file.name and not shutil.which("chromium"):
            print("page: chromium is not installed, so the page is not opened in a browser; make setup installs it")
            continue
        ok, output = run(["node", "--test", "--test-reporter=tap", str(file)])
        cases = re.findall(r"^(ok|not ok) \d+ - (.*?)(?: # .*)?$", output, re.MULTILINE)
        for result, case in cases:
            tally.add("page", f"{file.name.partition('.')[0]}: {case}", result == "ok", output)
        if not cases or not ok and all(result == "ok" for result, _ in cases):
            tally.add("page", file.name, False, output)


def run_in_lanes(jobs):
    """Run the jobs in their order, LANES at a time."""
    queue = list(jobs)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not queue:
                    return
                job, arguments = queue.pop(0)
            try:
                job(*arguments)
            except Exception as error:              # a job that dies is a failure, not a silence
                arguments[0].add(job.__name__, "the runner itself", False, repr(error))

    threads = [threading.Thread(target=work) for _ in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("suites", nargs="*", help=" ".join(SUITES) + "; none: all")
    parser.add_argument("-k", dest="select", default="", help="which boot tests, as pytest's -k")
    options = parser.parse_args()

    def wanted(suite):
        return not options.suites or any(suite.startswith(s) for s in options.suites)

    for name in options.suites:
        if not any(suite.startswith(name) for suite in SUITES):
            parser.error(f"no suite {name}; there are {' '.join(SUITES)}")
    if options.select and not wanted("boot"):
        parser.error("-k selects boot tests: name the suite boot, too")
    started = time.monotonic()
    tally = Tally()
    claims = tempfile.mkdtemp(prefix="lamina-claims-")
    try:
        built = build(tally)
        jobs = []
        if wanted("boot") and built:
            jobs.append((boot, (tally, claims, 1, options.select)))
        if wanted("checks"):
            jobs.append((checks, (tally,)))
        if wanted("host"):
            jobs.append((host, (tally,)))
        if wanted("bench") and built:
            jobs.append((bench, (tally,)))
        if wanted("machine") and built:
            jobs.append((machine, (tally,)))
        if wanted("page") and built:
            jobs.append((page, (tally,)))
        if wanted("boot") and built:
            jobs.append((boot, (tally, claims, 2, options.select)))
        run_in_lanes(jobs)
    finally:
        shutil.rmtree(claims, ignore_errors=True)
    print(f"{time.monotonic() - started:.0f} seconds")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
