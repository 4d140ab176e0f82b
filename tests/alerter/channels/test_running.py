"""A command is ended with the program that ran it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
ALERTER = """
import sys, threading, time
from pathlib import Path
from alerter.channels.running import ran
command = ["/bin/sh", "-c", sys.argv[2]]
threading.Thread(target=ran, args=(command, {"PATH": "/usr/bin:/bin"}, b"", 500.0), daemon=True).start()
while not Path(sys.argv[1]).exists():
    time.sleep(0.01)
"""


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("how", ["sleep 1000", "sleep 1000 &"], ids=["it is under way", "it left something running"])
def test_what_a_command_started_does_not_outlive_the_program(tmp_path: Path, how: str) -> None:
    told = tmp_path / "told"
    script = f"sleep 1000 & echo $! > {tmp_path}/new; mv {tmp_path}/new {told}; {how}"
    subprocess.run([sys.executable, "-c", ALERTER, str(told), script], cwd=ROOT, check=True, timeout=60)

    pid, end = int(told.read_text()), time.monotonic() + 20
    while (goes_on := is_alive(pid)) and time.monotonic() < end:
        time.sleep(0.01)
    if goes_on:
        os.kill(pid, signal.SIGKILL)
    assert not goes_on
