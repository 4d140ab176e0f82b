"""A signal that comes while a program is still being built ends it as its end does: no file of a socket stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, time, zmq
from bus.program import run
from bus.sockets import Publish
from bus.tables import Bus

number, where = int(sys.argv[1]), sys.argv[2]

def asked():
    os.kill(os.getpid(), number)

class Dropped:
    __del__ = lambda self: asked()

def halved(context, socket, add=zmq.Context._add_socket):
    asked()
    add(context, socket)

def build(program):
    if where == "amid a socket":
        zmq.Context._add_socket = halved
    stair = Publish(program.context)
    program.bind(stair, "stair", 1)
    if where == "where nobody is told":
        Dropped()
    elif where != "amid a socket":
        asked()
    while where == "before it waits for ever":
        time.sleep(0.1)

raise SystemExit(run("bus", Bus, build, part="brief", argv=[]))
"""
WHERE = ("at the end", "amid a socket", "where nobody is told")
"""Of the start: an exception is lost in what Python calls by itself, and leaves half of a socket amid its making."""


def ended(folder: str, number: signal.Signals, where: str) -> subprocess.CompletedProcess[str]:
    """The program that was asked to stop there."""
    config = Path(folder) / "guardia.toml"
    config.touch()
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(int(number)), where],
        env={**os.environ, "GUARDIA_CONFIG": str(config)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_amid_the_start_leaves_no_socket(number: signal.Signals, where: str) -> None:
    with tempfile.TemporaryDirectory(prefix="g-") as folder:  # a socket's path is short
        found = ended(folder, number, where)
        assert (found.returncode, "Traceback" in found.stderr) == (0, False), found.stderr
        assert "brief: stopped" in found.stdout + found.stderr
        assert "brief: started" not in found.stdout + found.stderr
        assert not [path for path in Path(folder).rglob("*") if path.is_socket()]


def test_a_start_that_lasts_is_ended_all_the_same() -> None:
    with tempfile.TemporaryDirectory(prefix="g-") as folder:
        found = ended(folder, signal.SIGTERM, "before it waits for ever")
        assert found.returncode == 0
        assert "stopped before it had started" in found.stdout + found.stderr
