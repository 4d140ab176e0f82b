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
import os, sys
from bus.program import run
from bus.sockets import Publish
from bus.tables import Bus

def build(program):
    stair = Publish(program.context)
    program.bind(stair, "stair", 1)
    os.kill(os.getpid(), int(sys.argv[1]))
    raise AssertionError("the signal was not heard")

raise SystemExit(run("bus", Bus, build, part="brief", argv=[]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_amid_the_start_leaves_no_socket(number: signal.Signals) -> None:
    with tempfile.TemporaryDirectory(prefix="g-") as folder:  # a socket's path is short
        config = Path(folder) / "guardia.toml"
        config.touch()
        environment = {**os.environ, "GUARDIA_CONFIG": str(config)}
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(int(number))],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
        assert not [path for path in Path(folder).rglob("*") if path.is_socket()]
