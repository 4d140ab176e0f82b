"""One check: an attempt, and further ones where it failed. Runs in a worker thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from bus.deadline import Guard
from prober.checks.common import Check
from prober.outcome import DOWN, UNKNOWN, Outcome
from prober.probe import Probe, Report
from prober.reach import Reach


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a check: its last outcome, after how many attempts; when that was known.

    ``at`` is in ns since the epoch and is told: that of its begin would be minutes old where attempts hang. ``ended``
    is the same moment in monotonic seconds.
    """

    outcome: Outcome
    attempts: int
    at: int
    ended: float


@dataclass(frozen=True)
class Ground:
    """What all attempts share."""

    guard: Guard
    reach: Reach
    log: logging.Logger
    wall: Callable[[], int] = time.time_ns
    sleep: Callable[[float], None] = time.sleep


def checked(check: Check, ground: Ground, report: Report | None, since: int) -> Checked:
    """Try until it does not fail, at most ``retries`` times again."""
    attempt = 1
    while True:
        outcome = attempted(check, ground, report, since)
        if outcome.status != DOWN or attempt > check.retries:
            return Checked(outcome, attempt, ground.wall(), time.monotonic())
        ground.sleep(check.retry_pause)
        attempt += 1


def attempted(check: Check, ground: Ground, report: Report | None, since: int) -> Outcome:
    """One attempt; a fault of ours is told in the log and says nothing of the target."""
    if check.lacking:
        return Outcome(UNKNOWN, f"a secret is lacking: {check.lacking}")
    try:
        check.prepare()
        with closing(ground.guard.deadline(check.timeout)) as deadline:
            return check.run(Probe(deadline, ground.reach, ground.wall(), report, since))
    except Exception as error:
        ground.log.error("a fault of Guardia's own in the check of %s", check.name, exc_info=error)
        return Outcome(UNKNOWN, f"the check itself failed: {type(error).__name__}: {error}")
