"""What is known of all services: in memory, and on disk before it is told."""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from bus.timing import SECOND
from prober.machine import Change, Found, Patience, Standing, step
from prober.memory import Memory, MemoryFault
from prober.probe import Report

FIRST_PAUSE, MOST_PAUSE = 60.0, 3600.0
"""Seconds between two files that are begun because the one before could not be used, at first and at most."""
MOST_TOLD = 16
"""Reports of a job whose times are kept as they came."""
AHEAD = 2 * SECOND
"""So much (ns) later than now nothing is that came; it did by a clock that was set back since."""


class Standings:
    """Counts findings, takes reports, and keeps both. ``now`` is in ns."""

    def __init__(self, memory: Memory, log: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory = memory
        self._log = log
        self._clock = clock
        self._again, self._pause = -math.inf, FIRST_PAUSE
        """When a new file may be begun, and how long after that another one."""
        self._standings = memory.standings()
        self._reports = memory.reports()
        self._since = memory.since()
        self._changed: dict[str, Standing] = {}
        self._reported: dict[str, Report] = {}
        self._seen: dict[str, int] = {}
        self._told: defaultdict[str, deque[int]] = defaultdict(lambda: deque(maxlen=MOST_TOLD))
        """When the last reports of a job came, by the clock as it was then: the store tells them again."""
        self._failing = False

    def use(self, names: Iterable[str], now: int) -> None:
        """These services are watched, and no others: what was known of those is forgotten."""
        watched = set(names)
        for name in watched - self._since.keys():
            self._since[name] = self._seen[name] = now
        gone = (self._standings.keys() | self._reports.keys() | self._since.keys()) - watched
        for name in gone:
            for table in (self._standings, self._reports, self._since, self._changed, self._reported, self._seen):
                table.pop(name, None)
            self._told.pop(name, None)
        if gone:
            self._tried(lambda: self._memory.forget(gone))
        self.keep()

    def of(self, name: str) -> Standing:
        """The standing of a service."""
        return self._standings.get(name, Standing())

    def report(self, name: str, now: int) -> Report | None:
        """The last report of a job; one that is still to come, by a clock that was set back, counts from now on."""
        known = self._reports.get(name)
        if known is not None and known.at > now + AHEAD:
            self._told[name].append(known.at)
            known = self._reports[name] = self._reported[name] = replace(known, at=now)
        return known

    def since(self, name: str, now: int) -> int:
        """When a service was first watched."""
        since = self._since.get(name, 0)
        if since > now + AHEAD:
            since = self._since[name] = self._seen[name] = now
        return since

    def jumped(self, by: int, now: int) -> None:
        """The clock was set by ``by`` (ns) to ``now``: no report is older or younger for that, nor is any service."""
        for name, known in self._reports.items():
            self._reports[name] = self._reported[name] = replace(known, at=min(known.at + by, now))
        for name, since in self._since.items():
            self._since[name] = self._seen[name] = min(since + by, now)

    def found(self, name: str, status: str, patience: Patience, now: int) -> tuple[Standing, Change | None, str]:
        """Count a finding."""
        after, change, reason = step(self.of(name), Found(status), patience, now)
        self._standings[name] = self._changed[name] = after
        return after, change, reason

    def heard(self, name: str, report: Report, now: int) -> bool:
        """Take a job's report; False for one that is no newer than the last, or of a time that is still to come.

        One that was taken is not taken again either when the clock was set back since, by which it seems newer.
        """
        known = self.report(name, now)
        old = report.at in self._told[name] or (known is not None and known.at >= report.at)
        if old or report.at > now + AHEAD:
            return False
        self._told[name].append(report.at)
        self._reports[name] = self._reported[name] = report
        return True

    def keep(self) -> None:
        """Write what has changed, with one fsync; on a full disk it is tried again next time.

        Where the file cannot be used any more, all that is known goes into a new one.
        """
        if not (self._changed or self._reported or self._seen) or (self._memory.broken and not self._renewed()):
            return
        if self._tried(lambda: self._memory.keep(self._changed, self._reported, self._seen)):
            self._changed, self._reported, self._seen = {}, {}, {}

    def counts(self) -> dict[str, int]:
        """How many services are in each state."""
        found = dict.fromkeys(("up", "degraded", "down", "unknown"), 0)
        for name in self._since:
            found[self.of(name).status] += 1
        return found

    def flapping(self) -> int:
        """How many come and go."""
        return sum(one.flapping for one in self._standings.values())

    def _renewed(self) -> bool:
        """Whether a new file took the place of one that cannot be used; more and more seldom where they do not last."""
        now = self._clock()
        if now < self._again:
            return False
        self._again, self._pause = now + self._pause, min(2 * self._pause, MOST_PAUSE)
        self._changed, self._reported, self._seen = dict(self._standings), dict(self._reports), dict(self._since)
        return self._tried(self._memory.renew)

    def _tried(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except MemoryFault as fault:
            if not self._failing:
                self._log.error("states are not kept over a restart: %s", fault)
            self._failing = True
            return False
        if self._failing:
            self._log.info("states are kept again")
        self._failing = False
        return True
