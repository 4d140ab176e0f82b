"""Ctrl-C while the programs are being loaded ends them as it ends any other command."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

EARLY = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "bus.command":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from bus import entry
sys.exit(entry.{name}())
"""


@pytest.mark.parametrize("name", ["main", "agent", "viewer"])
def test_an_interrupt_while_it_is_loaded_ends_it_without_a_word(name: str) -> None:
    run = subprocess.run([sys.executable, "-c", EARLY.format(name=name)], capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (-signal.SIGINT, b"", b"")


def test_once_it_is_loaded_an_interrupt_is_the_commands_own() -> None:
    code = "import signal\nfrom bus import entry\nentry._loaded()\nprint(signal.getsignal(signal.SIGINT).__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (run.stdout, run.stderr) == ("default_int_handler\n", "")


def test_who_was_told_to_ignore_it_does_so_while_it_is_loaded() -> None:
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + EARLY.replace("{name}", "_loaded")
    run = subprocess.run(
        [sys.executable, "-c", code.replace("sys.exit(entry._loaded())", "entry._loaded()")],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"")
