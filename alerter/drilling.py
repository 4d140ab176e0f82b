"""Drills as the alerter keeps them: one at a time, ended when nobody ends it, held again on a schedule.

A drill that was due and did not pass is a reading of the alerter's own (``drill.overdue_seconds``), which the rule
``drill-missed`` looks at: that nobody could have been told is found out while nothing burns. One that came due while
the hub was off, by a leap of its clock, or while it would be held back, is held afterwards, and missed no sooner.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from alerter.incidents import FIRING, Incident
from alerter.judge import Judge
from alerter.memory import Memory, MemoryFull
from alerter.routes import Notify
from alerter.rules import drill
from alerter.speaker import Submits
from bus.faults import did_you_mean
from bus.messages import DRILL
from bus.timing import SECOND

LONGEST = 300 * SECOND
"""A drill that lasts for longer is over: whoever held it is gone."""
RUN_SECONDS, END_SECONDS = 120.0, 15.0
"""So long may a drill that is due take, and so long has it then to end what it started."""
AGAIN = 600 * SECOND
"""Between two tries of a drill that is due."""
PATIENCE = 900.0
"""Seconds after its time, or since when it may be told, in which a drill may still pass before it counts as missed."""
PASSED = "drill.passed"
BREACH = Incident(
    id="drill",
    rule="drill",
    kind="hub",
    subject=DRILL,
    display=DRILL,
    instance="",
    severity="info",
    state=FIRING,
    transition=1,
    started_at=0,
    changed_at=0,
)
"""What a drill looks like to what holds notices back."""


class Settles(Protocol):
    """Makes durable what follows."""

    def settle(self, now: int, *, all_open: bool = False) -> None:
        """Now."""
        ...


class Drills:
    """Its methods are for the loop's own thread. Times in ns."""

    def __init__(
        self,
        judge: Judge,
        committer: Settles,
        memory: Memory,
        channels: Collection[str],
        notify: Notify,
        workers: Submits,
        config: Path,
        log: logging.Logger,
        *,
        now: int,
        quiet: Callable[[int], bool] = lambda _: False,
    ) -> None:
        """``quiet``: whether a drill would be held back at a time, so that none is held then."""
        self._judge, self._committer, self._memory = judge, committer, memory
        self._channels, self._notify, self._workers = channels, notify, workers
        self._log, self._config = log, config
        self._quiet = quiet
        self._channel, self._since, self._tried = "", 0, 0
        self._excused = now
        """Until when none could be held."""
        with memory.reading() as view:
            self._passed = int(view.get("state", PASSED) or 0)
        if not self._passed and notify.drill_seconds:
            # The first one is due a whole interval after the schedule began.
            self._pass(now)

    def use(self, channels: Collection[str], notify: Notify) -> None:
        """Go on by settings that were read again."""
        self._channels, self._notify = channels, notify

    def begin(self, channel: str, now: int) -> str:
        """Begin one that tells ``channel``; what there is against it, empty when nothing is."""
        if channel not in self._channels:
            hint = did_you_mean(channel, self._channels)
            return f"there is no channel {channel}; {hint or 'guardia channel list shows those that there are'}"
        if self._channel and 0 <= now - self._since < LONGEST:
            return f"a drill that tells {self._channel} is under way"
        self._channel, self._since = channel, now
        self._judge.drill(drill(channel), now)
        self._log.info("a drill begins: it tells %s", channel)
        return ""

    def end(self, now: int, *, passed: bool) -> None:
        """End the one that is under way."""
        if not self._channel:
            return
        self._judge.drill(None, now)
        if passed:
            self._log.info("the drill passed: %s was told", self._channel)
            if self._channel == self._notify.drill_channel or not self._notify.drill_channel:
                self._pass(now)
        else:
            self._log.error("the drill failed: %s was not told, or not of its end", self._channel)
        self._channel = ""

    def excuse(self, now: int) -> None:
        """None could be held until now: the clock leapt."""
        self._excused = now

    def look(self, now: int) -> None:
        """End what nobody ended, and hold what is due; to be called now and then."""
        if self._channel and not 0 <= now - self._since < LONGEST:
            self.end(now, passed=False)
            self._committer.settle(now)
        # What is still to come passed by a clock that was set back since.
        self._passed, self._tried = min(self._passed, now), min(self._tried, now)
        quiet = self._quiet(now)
        self._excused = now if quiet else min(self._excused, now)
        seconds = self._notify.drill_seconds
        if not seconds or self._channel or now < self._passed + int(seconds * SECOND) or now < self._tried + AGAIN:
            return
        if quiet:
            return
        self._tried = now
        command = [sys.executable, "-m", "bus.command", "drill", "alert", "--channel", self._notify.drill_channel]
        command += ["--config", str(self._config)]
        self._workers.submit(lambda: held(command), self._came)

    def _came(self, came: str | BaseException) -> None:
        if came:
            self._log.error("the drill that was due failed: %s", came)

    def _pass(self, now: int) -> None:
        self._passed = now
        try:
            with self._memory.transaction() as txn:
                txn.put("state", PASSED, now)
        except MemoryFull as full:
            self._log.error("that the drill passed is not kept: %s", full)

    def overdue(self, now: int) -> float:
        """Seconds for which a drill has been missed; 0 where none is."""
        if now < self._excused + int(PATIENCE * SECOND) or self._quiet(now):
            return 0.0
        late = (now - self._passed) / SECOND - self._notify.drill_seconds - PATIENCE
        return max(0.0, late) if self._notify.drill_seconds else 0.0

    def vitals(self, now: int) -> dict[str, float | None]:
        """As readings of the alerter's own sample."""
        return {"drill.overdue_seconds": self.overdue(now)}


def held(command: Sequence[str], seconds: float = RUN_SECONDS) -> str:
    """Hold a drill in a process of its own; what went wrong, empty when nothing did."""
    with subprocess.Popen(  # noqa: S603, our own command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            words = " ".join(process.communicate(timeout=seconds)[1].split())[-300:]
        except subprocess.TimeoutExpired:
            _end(process)
            return f"it was not done within {seconds:g} s"
    return "" if process.returncode == 0 else words or f"exit code {process.returncode}"


def _end(process: subprocess.Popen[str]) -> None:
    """End a drill with the agent that it started, which would go on for ever."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
