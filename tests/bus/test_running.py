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

from bus.running import ran

ROOT = Path(__file__).parents[2]
ALERTER = """
import subprocess, sys, threading, time
from pathlib import Path
class Slow(subprocess.Popen):
    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        time.sleep(float(sys.argv[3]))
subprocess.Popen = Slow
from bus.running import ran
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


@pytest.mark.parametrize("slow", ["0", "0.3"], ids=["", "and the program did not get to know of its begin yet"])
@pytest.mark.parametrize("how", ["sleep 1000", "sleep 1000 &"], ids=["it is under way", "it left something running"])
def test_what_a_command_started_does_not_outlive_the_program(tmp_path: Path, how: str, slow: str) -> None:
    told = tmp_path / "told"
    script = f"sleep 1000 & echo $! > {tmp_path}/new; mv {tmp_path}/new {told}; {how}"
    subprocess.run([sys.executable, "-c", ALERTER, str(told), script, slow], cwd=ROOT, check=True, timeout=60)

    pid, end = int(told.read_text()), time.monotonic() + 20
    while (goes_on := is_alive(pid)) and time.monotonic() < end:
        time.sleep(0.01)
    if goes_on:
        os.kill(pid, signal.SIGKILL)
    assert not goes_on


def test_what_a_command_left_running_has_until_its_time_is_over(tmp_path: Path) -> None:
    script = f"sleep 1000 > /dev/null 2>&1 & echo $! > {tmp_path}/told"
    start = time.monotonic()
    assert ran(["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"}, b"", 3.0).code == 0
    pid, took = int((tmp_path / "told").read_text()), time.monotonic() - start
    assert is_alive(pid) or took > 3.0
    while is_alive(pid):
        assert time.monotonic() < start + 30
        time.sleep(0.01)
