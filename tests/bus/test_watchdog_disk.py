"""Whom the watchdog leaves alone because it waits for a disk."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bus.watchdog import Watch, waits_for_disk
from tests.bus.test_watchdog import COLLECTOR, NOON, SETTINGS, ticking


def test_a_program_that_waits_for_its_disk_is_left_to_it_and_people_are_told_once() -> None:
    watch, found, heard = Watch(SETTINGS), [], []
    for tick in range(0, 300, 5):
        # The disk is slow for four minutes: at one look in five the program is between two calls.
        slow = tick < 240
        one = dataclasses.replace(COLLECTOR, waits=slow and tick % 25 > 0, beat=NOON if slow else NOON + tick - 1)
        done = watch.judge(NOON + tick, [one], 0.0)
        found += [(tick, act.what, act.reason) for act in done]
        heard += [(tick, news.down) for news in watch.news(NOON + tick, [one], done)]

    assert found == [(35, "wait", "it waits for a disk, for 35 s by now")]
    assert heard == [(35, True), (270, False)]


def test_a_program_that_waited_for_its_disk_and_hangs_is_ended() -> None:
    watch = Watch(SETTINGS)
    ticking(watch, NOON, 60, dataclasses.replace(COLLECTOR, waits=True))
    assert ticking(watch, NOON + 60, 45, COLLECTOR) == [(30, "ABRT"), (35, "KILL"), (40, "KILL")]


def test_who_was_told_to_end_is_killed_also_while_it_waits_for_its_disk() -> None:
    watch = Watch(SETTINGS)
    ticking(watch, NOON, 40, COLLECTOR)
    assert ticking(watch, NOON + 40, 5, dataclasses.replace(COLLECTOR, waits=True)) == [(0, "KILL")]


def test_a_process_that_computes_or_is_gone_waits_for_no_disk() -> None:
    assert not waits_for_disk(os.getpid())
    assert not waits_for_disk(0)


def test_a_process_in_a_call_that_it_cannot_leave_waits(tmp_path: Path) -> None:
    # Who makes another is held so until that one runs: here that first opens what nobody writes to yet.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    opens = "file_actions=[(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)]"
    code = f"import os, sys; os.posix_spawn('/bin/true', ['true'], {{}}, {opens})"
    held = subprocess.Popen([sys.executable, "-c", code, str(pipe)], start_new_session=True)
    try:
        until = time.monotonic() + 30
        while not waits_for_disk(held.pid) and time.monotonic() < until:
            time.sleep(0.01)
        assert waits_for_disk(held.pid)
    finally:
        os.killpg(held.pid, signal.SIGKILL)
        held.wait()
