"""Fixtures, transcripts on failure, and sharing the tests out among several pytest processes.

Tests share nothing, so tests/run.py starts two pytest processes over the same directory with --claims=DIR. Each
test is run by the process that first creates the test's file in DIR; the heaviest tests come first.
"""

import hashlib
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from machine import Machine  # noqa: E402  (the path is set up first)


def pytest_addoption(parser):
    parser.addoption("--claims", help="directory in which several pytest processes claim their tests")


def pytest_configure(config):
    config.addinivalue_line("markers", "weight(n): heavier tests are started first")


def pytest_collection_modifyitems(items):
    def weight(item):
        marker = item.get_closest_marker("weight")
        return marker.args[0] if marker else 1

    items.sort(key=weight, reverse=True)


def claim(directory, item):
    name = hashlib.sha256(item.nodeid.encode()).hexdigest()
    try:
        os.close(os.open(os.path.join(directory, name), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    directory = session.config.getoption("--claims")
    if not directory or session.config.option.collectonly:
        return None
    if session.testsfailed and not session.config.option.continue_on_collection_errors:
        raise session.Interrupted("errors while collecting the tests")
    for item in session.items:
        if claim(directory, item):
            # No next item: each test takes down all that it set up.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return True


@pytest.fixture
def boot(request):
    """boot(...) starts a Machine; all of a test's machines are stopped when it ends."""
    machines = []

    def start(shell=True, **options):
        machine = Machine(**options)
        machines.append(machine)
        if shell:
            machine.wait_for_shell()
        return machine

    request.node.machines = machines
    yield start
    for machine in machines:
        machine.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed and call.when == "call":
        for machine in getattr(item, "machines", []):
            report.sections.append(("Captured stdout transcript", machine.tail(200)))
