"""A program that is asked to end, does not in time, and is killed: that is no crash, and one that nobody asked is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import time
from bus.program import run
from bus.tables import Bus

def build(program):
    how = "HOW"
    if how == "its end":
        program.loop.on_stop(lambda: time.sleep(60))
    if how == "a handler":
        program.loop.after(1.5, lambda: [print("stuck", flush=True), time.sleep(60)])
    if how == "a fault":
        program.loop.on_stop(lambda: 1 / 0)

raise SystemExit(run("bus", Bus, build, part="brief", argv=[]))
"""


def until(seen: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("hangs", "asked", "counts"),
    [("its end", True, 0), ("a handler", True, 0), ("its end", False, 1), ("a fault", True, 1)],
)
def test_who_was_asked_to_end_and_had_to_be_killed_did_not_crash(hangs: str, asked: bool, counts: int) -> None:
    with tempfile.TemporaryDirectory(prefix="g-") as folder:  # a socket's path is short
        config = Path(folder) / "guardia.toml"
        config.touch()
        lives = Path(folder) / "var" / "run" / "bus-brief.lives"

        def begun() -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM.replace("HOW", hangs)],
                env={**os.environ, "GUARDIA_CONFIG": str(config)},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            until(lambda: lives.exists() and lives.read_text().split()[1] == str(process.pid))
            return process

        first = begun()
        assert first.stdout is not None
        if hangs == "a handler":
            until(lambda: b"stuck" in first.stdout.readline())  # type: ignore[union-attr]
        if asked:
            first.send_signal(signal.SIGTERM)
            if hangs != "a fault":
                until(lambda: lives.read_text().split()[1] == "0")
        if hangs != "a fault":
            first.kill()
        first.wait()
        second = begun()
        try:
            assert len(lives.read_text().split()) - 2 == counts
        finally:
            second.kill()
            second.wait()
            for one in (first, second):
                one.stdout.close()  # type: ignore[union-attr]
