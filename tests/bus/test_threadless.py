"""What is said where the system starts no thread more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bus.exits import NO_THREAD, TRY_AGAIN

PROJECT = Path(__file__).resolve().parents[2]
LACKING = (
    "import sys, threading; threading.stack_size(1 << 47); sys.argv[0] = 'guardia'; from bus.command import main; "
)
"""No machine has room for a thread with such a stack: that is told as no thread at all."""


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that can start no thread, with a service to check."""
    config = folder / "guardia.toml"
    config.write_text('[[services]]\nname = "shop"\nurl = "tcp://127.0.0.1:1"\n')
    return subprocess.run(
        [sys.executable, "-c", LACKING + "sys.exit(main(sys.argv[1:]))", *words],
        env={**os.environ, "GUARDIA_CONFIG": str(config), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_command_says_so_and_that_it_may_be_tried_again(tmp_path: Path) -> None:
    done = ran(tmp_path, "service", "test")
    assert (done.returncode, done.stderr) == (TRY_AGAIN, f"guardia: {NO_THREAD}\n")


def test_a_program_says_so_and_is_tried_again(tmp_path: Path) -> None:
    done = ran(tmp_path, "alerter")
    assert done.returncode == TRY_AGAIN
    assert f"{NO_THREAD}, trying again in 5 s" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "Traceback" not in (tmp_path / "var" / "log" / "alerter.log").read_text()
