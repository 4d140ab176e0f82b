"""The prober's work: starts what is due, judges what comes back, keeps and tells it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bus.loop import Loop, Timer
from bus.messages import Check as Told
from bus.producer import Teller
from bus.timing import SECOND
from prober import canaries
from prober.checks.common import Check
from prober.config import Prober
from prober.judge import Looked, OwnSide
from prober.machine import Change, Patience
from prober.outcome import UNKNOWN, Outcome
from prober.pool import Pool
from prober.probe import Report
from prober.rounds import Rounds, Turn
from prober.standings import Standings
from prober.telling import cleaned, hidden, told
from prober.trial import Checked, Ground, checked

JUMP = 2 * SECOND
"""A clock on the wall that is so much (ns) from where it should be by the time that has passed was set."""
MOST_LACKING = 100
"""So many services that lack a secret, or did, are named among the readings."""
GATHER_SECONDS = 0.1
"""What ends within this time is kept with one fsync and told together."""


class Checking:
    """All services of this place. Its methods are for the loop's own thread."""

    def __init__(
        self,
        loop: Loop,
        pool: Pool,
        ground: Ground,
        standings: Standings,
        voice: Teller,
        log: logging.Logger,
        *,
        own_side_changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._loop, self._pool, self._ground = loop, pool, ground
        self._standings, self._voice, self._log = standings, voice, log
        self._own_side_changed = own_side_changed
        self._clock = clock
        self._offset = self._ahead()
        self._rounds = Rounds(chance)
        self._services: dict[str, Check] = {}
        self._config = Prober()
        self._secrets: tuple[str, ...] = ()
        self._lacked: set[str] = set()
        """The services that lacked a secret at any time in this life."""
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._suspects: list[tuple[Check, Checked]] = []
        self._untold: list[tuple[str, int, Told]] = []
        self._timer: Timer | None = None
        self._gathering = False
        self._looking = False
        self.own = OwnSide()
        self.begun = self.done = self.skipped = 0
        self.latest = 0.0
        """Seconds that the most belated check began after its time, since the last look at the readings."""

    # -- what is checked ---

    def use(self, config: Prober, services: Sequence[Check], ground: Ground, secrets: Sequence[str]) -> None:
        """Check these services from now on."""
        self._config, self._ground = config, ground
        self._secrets = hidden(secrets)
        before, former, self._services = self._lacking(), self._services, {one.name: one for one in services}
        changed = {name for name, check in self._services.items() if former.get(name, check) != check}
        lacking = self._lacking()
        self._lacked = (self._lacked | lacking) & self._services.keys()
        for name in sorted(lacking):
            self._log.error("nobody can check %s: %s", name, self._services[name].lacking)
        self._pool.most = config.checks_at_once
        self._rounds.jitter = config.jitter
        if config.canaries != self.own.canaries:
            self.own = OwnSide(config.canaries)
        self._standings.use(self._services, self._ground.wall())
        self._rounds.use({one.name: one.interval for one in services}, self._clock(), changed)
        self._again |= changed & self._running  # what is under way is of what they were, and not judged
        self._plan()
        for name in before - lacking:
            self.check_now(name)  # its next turn may be a day away

    def _lacking(self) -> set[str]:
        return {name for name, check in self._services.items() if check.lacking}

    def _plan(self) -> None:
        due = self._rounds.next_due()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if due is None else self._loop.after(max(0.0, due - self._clock()), self._turn)

    def _turn(self) -> None:
        self._look_at_clock()
        for turn in self._rounds.due(self._clock()):
            self._begin(turn)
        self._plan()

    def _begin(self, turn: Turn) -> None:
        check = self._services[turn.name]
        if turn.name in self._running:
            self.skipped += 1
            return
        self._running.add(turn.name)
        ground, now = self._ground, self._ground.wall()
        report, since = self._standings.report(turn.name, now), self._standings.since(turn.name, now)

        def call() -> Checked:
            late = self._clock() - turn.due
            self.latest = max(self.latest, late)
            self.begun += 1
            return checked(check, ground, report, since)

        self._pool.submit(call, lambda found: self._ended(check, found))

    def _ahead(self) -> int:
        return self._ground.wall() - int(self._clock() * 1e9)

    def _look_at_clock(self) -> None:
        """Jobs are not late because the clock was set."""
        before, self._offset = self._offset, self._ahead()
        if abs(by := self._offset - before) > JUMP:
            self._log.warning("the clock jumped by %.0f s: no job is late for that", by / 1e9)
            self._standings.jumped(by, self._ground.wall())

    # -- what comes back ---

    def _ended(self, check: Check, found: Checked | BaseException) -> None:
        self._running.discard(check.name)
        self.done += 1
        if isinstance(found, BaseException):
            self._log.error("a fault of Guardia's own in the check of %s", check.name, exc_info=found)
            outcome = Outcome(UNKNOWN, f"the check itself failed: {type(found).__name__}")
            found = Checked(outcome, 1, self._ground.wall(), self._clock())
        if self._services.get(check.name) == check:
            if self.own.needs_look(found.outcome, found.ended):
                self._suspects.append((check, found))
                self.look()
            else:
                self._judge(check, found)
        if check.name in self._again:
            self._again.discard(check.name)
            self.check_now(check.name)

    def _judge(self, check: Check, found: Checked) -> None:
        outcome = self.own.judged(found.outcome)
        outcome = replace(outcome, reason=cleaned(outcome.reason, self._secrets))
        patience = Patience(check.grace, check.recover, self._config.flapping_changes)
        before = self._standings.of(check.name)
        standing, change, why = self._standings.found(check.name, outcome.status, patience, found.at)
        if change is not None:
            self._say(check.name, change, outcome, why)
        if standing.flapping != before.flapping:
            self._log.warning("%s %s", check.name, "comes and goes" if standing.flapping else "has settled down")
        message = told(check, outcome, found.attempts, standing, self._config.place)
        self._untold.append((check.name, found.at, message))
        if not self._gathering:
            self._gathering = True
            self._loop.after(GATHER_SECONDS, self.flush)

    def _say(self, name: str, change: Change, outcome: Outcome, why: str) -> None:
        reason = f": {outcome.reason}" if outcome.reason else ""
        level = logging.INFO if change.after.status == "up" else logging.WARNING
        self._log.log(level, "%s is %s, was %s (%s)%s", name, change.after.status, change.before.status, why, reason)

    def flush(self) -> None:
        """Keep and tell what was found: first on our own disk, then on its way."""
        self._gathering = False
        self._standings.keep()
        untold, self._untold = self._untold, []
        for name, at, message in untold:
            self._voice.tell(message, at=at, subject=name)
        if untold:
            self._voice.flush()

    # -- our own side ---

    def look(self) -> None:
        """Look at the canaries, if there are any and nobody is looking."""
        if not self.own.canaries or self._looking:
            return
        self._looking = True
        names, targets = self._ground.reach.names, self.own.canaries
        self._pool.submit(lambda: canaries.look(targets, names), self._looked)

    def _looked(self, found: Looked | BaseException) -> None:
        self._looking = False
        if isinstance(found, BaseException):
            self._log.error("a fault of Guardia's own while looking at the canaries", exc_info=found)
            found = Looked(self._clock(), {})
        before = self.own.connected
        self.own = self.own.looked(found)
        if self.own.connected != before:
            words = "is connected again" if self.own.connected else "has no connection: what does not answer is unknown"
            self._log.warning("our own side %s", words)
            self._own_side_changed()
        suspects, self._suspects = self._suspects, []
        for check, one in suspects:
            if self.own.needs_look(one.outcome, one.ended):
                self._suspects.append((check, one))
            elif self._services.get(check.name) == check:
                self._judge(check, one)
        if self._suspects:
            self.look()

    # -- reports of jobs ---

    @property
    def jobs(self) -> tuple[str, ...]:
        """The services whose jobs report."""
        return tuple(name for name, check in self._services.items() if check.url.startswith("heartbeat:"))

    def heard(self, name: str, report: Report) -> None:
        """A job reported: judge it at once."""
        self._look_at_clock()
        if name in self._services and self._standings.heard(name, report, self._ground.wall()):
            self.check_now(name)

    def check_now(self, name: str) -> None:
        """Check a service out of its turn, or right after the check that is under way."""
        if name in self._running:
            self._again.add(name)
        elif name in self._services:
            self._begin(Turn(name, self._clock()))

    def readings(self) -> dict[str, float | None]:
        """How it goes, as readings of the process's own sample."""
        latest, self.latest = self.latest, 0.0
        found: dict[str, float | None] = {
            "prober.services": float(len(self._services)),
            "prober.running": float(len(self._running)),
            "prober.waiting": float(self._pool.waiting),
            "prober.threads": float(self._pool.threads),
            "prober.checks_total": float(self.done),
            "prober.skipped_total": float(self.skipped + self._rounds.missed),
            "prober.late_seconds": latest,
            "prober.flapping": float(self._standings.flapping()),
        }
        found |= {f"prober.{state}": float(count) for state, count in self._standings.counts().items()}
        lacking = self._lacking()
        found["prober.lacking"] = float(len(lacking))
        for name in sorted(self._lacked, key=lambda one: (one not in lacking, one))[:MOST_LACKING]:
            found[f"services[{name}].lacking"] = float(name in lacking)
        return found | self.own.readings()
