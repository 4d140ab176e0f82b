"""Whom the watchdog leaves alone because of a disk: one that takes long, or takes nothing."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bus.watchdog import DISK, Watch
from bus.watched import waits_for_disk
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


def test_where_no_beat_can_be_written_nobody_is_ended_and_people_are_told_of_the_disk_once() -> None:
    watch, heard, found = Watch(SETTINGS), [], []
    why = "cannot write /var/run/supervisord: read-only file system"
    for tick in range(0, 600, 5):
        mute = 20 <= tick < 300
        beat = NOON + 19 if tick < 305 else NOON + tick - 1
        one = dataclasses.replace(COLLECTOR, mute=why if mute else "", beat=NOON + tick if tick < 20 else beat)
        tried = dataclasses.replace(COLLECTOR, name="alerter", pid=8, started=NOON + tick, beat=NOON - 9, mute=one.mute)
        done = watch.judge(NOON + tick, [one, tried], 0.0)
        found += [(tick, act.what, act.name) for act in done]
        heard += [(tick, news.name, news.down, news.reason) for news in watch.news(NOON + tick, [one, tried], done)]

    assert found == [(20, "mute", DISK)]
    # Who is started in vain for that is told of when it is no reason any more.
    assert heard == [(20, DISK, True, why), (300, DISK, False, ""), (420, "alerter", True, heard[-1][3])]


def test_who_hangs_is_ended_once_beats_can_be_written_again() -> None:
    watch = Watch(SETTINGS)
    ticking(watch, NOON, 60, dataclasses.replace(COLLECTOR, mute="cannot write"))
    assert ticking(watch, NOON + 60, 45, COLLECTOR) == [(30, "ABRT"), (35, "KILL"), (40, "KILL")]
