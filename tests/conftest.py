"""What holds for all tests."""

from __future__ import annotations

import gc
import math
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.faults.injecting import can_inject
from tests.powercut.tracing import can_trace
from tests.store.servers import missing

# A busy machine is no fault of the code: how long an example takes proves nothing.
settings.register_profile("guardia", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("guardia")

LONG = "GUARDIA_LONG"
"""Set to 1, tests that come in two sizes run in the long one."""

MANY_OPEN = 300

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background so, and its children cannot be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)

for name in [name for name in os.environ if name.startswith(("GUARDIA_", "SUPERVISOR_")) and name != LONG]:
    del os.environ[name]


def pytest_configure(config: pytest.Config) -> None:
    """Let workers take the files in the order below; else xdist gives out last those with the fewest tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that may take longest: who comes to one of them last is waited for by all others."""
    seconds = defaultdict[Path, float](float)
    for item in items:
        for mark in item.iter_markers():
            if mark.name == "timeout":
                seconds[item.path] += mark.args[0] or math.inf
            elif mark.name in ("slow", "system"):
                seconds[item.path] += 60
    items.sort(key=lambda item: -seconds[item.path])


UMASK = os.umask(0o022)
os.umask(UMASK)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """A command run here sets one that would hide from later tests what modes files are given."""
    yield
    os.umask(UMASK)


@pytest.fixture(scope="module", autouse=True)
def few_files_are_open() -> Iterator[None]:
    """What the tests of a file left open, in cycles that nobody refers to any more, is closed where it is much."""
    yield
    if len(os.listdir("/proc/self/fd")) > MANY_OPEN:
        gc.collect()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say plainly what could not be tried on this machine."""
    for backend in missing():
        terminalreporter.write_line(f"NOT TRIED: the backend {backend}, whose server is not installed (.ci/servers)")
    if not can_trace():
        terminalreporter.write_line("NOT TRIED: power cuts: strace is not installed (.ci/servers) or may not trace")
    if not can_inject():
        terminalreporter.write_line("NOT TRIED: calls that fail, since this system asks nobody about calls")
