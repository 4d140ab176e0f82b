"""Something else is where a program's file or folder should be: it says so in a sentence, and is tried again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bus.exits import BUG, TRY_AGAIN

PROGRAM = """
import sys
from pathlib import Path
import bus.exits, bus.program
bus.program.PAUSE = bus.exits.PAUSE = 0.0
from bus.program import run
from bus.tables import Bus

def build(program):
    wrong = program.home / "store" / "state"
    late = lambda: wrong.mkdir(parents=True, exist_ok=True)
    program.loop.after(0.0, late) if sys.argv[1] == "later" else late()

raise SystemExit(run("bus", Bus, build, part="brief", argv=[]))
"""


@pytest.mark.parametrize("wrong", ["store", "store/state", "run/bus-brief.lock/", "run/bus-brief.lock@"])
def test_at_its_start_it_is_told_in_a_sentence_and_tried_again(wrong: str) -> None:
    code, told, path = ended(wrong, "at once")
    assert code == TRY_AGAIN
    assert f"cannot write {path}" in told
    assert "Traceback" not in told


def test_later_it_is_a_fault_of_our_own() -> None:
    code, told, _ = ended("store/state", "later")
    assert code == BUG
    assert "a fault of Guardia's own: FileExistsError" in told


def ended(wrong: str, when: str) -> tuple[int, str, Path]:
    """How a program ends that finds a file (with / at the end: a folder, @: a link) where something else should be."""
    with tempfile.TemporaryDirectory(prefix="g-") as folder:
        config = Path(folder) / "guardia.toml"
        config.touch()
        path = Path(folder) / "var" / wrong.rstrip("@")
        path.parent.mkdir(parents=True, mode=0o700)
        if wrong.endswith("@"):
            path.symlink_to(config)
        else:
            (path.mkdir if wrong.endswith("/") else path.touch)()
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, when],
            env={**os.environ, "GUARDIA_CONFIG": str(config)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, path
