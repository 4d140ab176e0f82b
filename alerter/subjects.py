"""One host, service or room: what was heard of it last, and the alarms on it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from alerter.bound import NOTHING
from alerter.hearing import Hearing
from alerter.incidents import Incident
from alerter.machine import Alarm, State
from alerter.rules import Rule
from alerter.terms import STATE_NAMES, STATES, condition
from alerter.windows import Window
from bus.messages import HUB, Check, doubles
from bus.timing import LONGEST, SECOND
from bus.verdicts import together

NAN = math.nan
NEVER = 2**63 - 1
LOST_WINDOW = 900 * SECOND
"""A loss is news for so long."""
MOST_LOSSES = 1000
"""Of more losses within that time the oldest are told of as one."""
LATE_PLACE = 3
"""A place that missed so many of its turns is not counted."""
LEAST_PLACE = 90 * SECOND
MOST_FIELDS = 50
"""So many readings of its own, and phases, of a check are judged; others no check has, and a place may invent any."""
_FIELD = re.compile(r"[\w.]{1,64}", re.ASCII)
"""What a condition can name."""
STEADY = 900 * SECOND
"""What comes and goes ends once it was clear for so long: told each time, it would hide what else there is to tell."""
UNSET = "unset"
Truth = bool | None | str


def kind_of(producer: str) -> str:
    """What it is that tells samples, facts and losses under this name: ``hub`` for a program of Guardia's own."""
    return "hub" if producer.startswith(HUB) else "host"


class Cell:
    """One rule, subject and instance."""

    __slots__ = ("alarm", "fired", "incident", "instance", "missing", "rule", "truth", "turn", "verdict")

    def __init__(self, rule: Rule, instance: str) -> None:
        self.rule = rule
        self.instance = instance
        self.alarm: Alarm | None = None
        """None while it is quiet."""
        self.incident: Incident | None = None
        self.truth: Truth = UNSET
        """What its rule found last; ``UNSET`` before the first look."""
        self.verdict = ""
        """The word for what was decided last, as ``deciding.verdict_of`` has it; empty before the first look."""
        self.fired: tuple[int, ...] = ()
        """When it fired of late, to see whether it comes and goes."""
        self.missing = 0
        """Since when the instance is in no reading; 0: it is there."""
        self.turn = 0
        """When the next reading is due that counts, where the rule has an ``every``."""

    @property
    def settle(self) -> int:
        """For how long (ns) it has to be clear before it ends."""
        flaps = self.incident is not None and self.incident.flapping
        return max(self.rule.settle, STEADY) if flaps else self.rule.settle

    def steadies(self, now: int, settle: int) -> bool:
        """Whether it was clear for ``settle`` (ns), and goes on only because it came and went."""
        alarm, incident = self.alarm, self.incident
        if alarm is None or incident is None or not incident.flapping:
            return False
        return alarm.state is State.CLEARING and now - alarm.since >= settle

    def takes(self, now: int) -> bool:
        """Whether a reading at ``now`` counts: one in each ``every`` of the rule, on the whole.

        It may come a quarter of that too early, as readings do that were under way for longer or shorter. A turn that
        is further off than any can be is of a clock that was set back.
        """
        every = self.rule.every
        if every // 4 < self.turn - now <= 2 * every:
            return False
        self.turn = (self.turn if abs(self.turn - now) < every else now) + every
        return True


@dataclass(frozen=True, slots=True)
class Kept:
    """A cell as the memory gives it back: the alarm, when it fired of late, and the incident that it is."""

    rule: str
    kind: str
    subject: str
    instance: str
    alarm: Alarm
    fired: tuple[int, ...] = ()
    incident: Incident | None = None
    turn: int = 0
    """When the next reading is due that counts, where the rule has an ``every``."""

    def no_rule(self) -> Rule:
        """A rule of that name that nobody judges by, for an alarm whose own is no more."""
        return Rule(self.rule, self.kind, condition("age > 1s"))


@dataclass(slots=True)
class Place:
    """What one place saw last of a service; ``spacing`` is the time between its checks."""

    state: float
    at: int
    spacing: int


class Subject:
    """A host, a service or a room; it is the ``View`` that conditions look at."""

    __slots__ = (
        "_hearing",
        "bound",
        "cells",
        "configured",
        "display",
        "due",
        "epochs",
        "error",
        "first",
        "heard",
        "interval",
        "kind",
        "labels",
        "line",
        "losses",
        "name",
        "now",
        "packed",
        "parent",
        "places_seen",
        "rules",
        "seconds",
        "since",
        "skew",
        "spacing",
        "told_interval",
        "url",
        "windows",
    )

    def __init__(self, kind: str, name: str, hearing: Hearing, now: int) -> None:
        self.kind = kind
        self.name = name
        self.display = name
        self.labels: Mapping[str, str] = {}
        self.parent = ""
        self.configured = False
        self.url = ""
        self.error = ""
        self._hearing = hearing
        self.first = now
        """Since when it is known here, or expected, ns."""
        self.heard = 0
        """When it was heard last, ns; 0: never."""
        self.since = 0
        """From when on its silence counts, as it was let off; 0: from its last word on."""
        self.now = now
        """The instant that conditions are judged at, ns; ``seconds`` is the same in s."""
        self.seconds = now / 1e9
        self.interval = self.told_interval = 0.0
        """Seconds between its samples, and what it says itself of that; 0: unknown."""
        self.spacing = 0
        """Between the checks of one place (ns), as the configuration says; 0 where it does not."""
        self.skew = NAN
        """Seconds by which its clock was ahead of the hub's with its last message."""
        self.losses: dict[tuple[int, int], tuple[int, int]] = {}
        """By epoch and first number: when it was told, and how many messages."""
        self.windows: dict[tuple[str, float], Window] = {}
        """By metric and length in seconds."""
        self.places_seen: dict[str, Place] = {}
        """By the name of the place, which is empty for the hub itself."""
        self.epochs: dict[int, int] = {}
        """By epoch the highest number of a message that was taken."""
        self.rules: tuple[Rule, ...] = ()
        self.bound = NOTHING
        self.line: list[Cell] = []
        """The cells in the order of ``bound.cells``."""
        self.cells: dict[tuple[str, str], Cell] = {}
        self.packed = b""
        """The last readings as doubles, in the order of ``bound.names``; empty before the first."""
        self.due = NEVER
        """When it is looked at next though nothing is heard, ns."""

    @property
    def key(self) -> str:
        """``host/web-1``."""
        return f"{self.kind}/{self.name}"

    def at(self, now: int) -> None:
        """The instant that conditions are judged at."""
        self.now = now
        self.seconds = now / 1e9

    @contextmanager
    def looked_at(self, now: int) -> Iterator[None]:
        """Within it conditions are asked as of now, and nothing is judged."""
        before = self.now
        self.at(max(now, before))
        try:
            yield
        finally:
            self.at(before)

    def unheard(self, now: int) -> int:
        """Nanoseconds since it was heard or, where that is shorter, since it is known here."""
        return now - max(self.heard, self.first)

    # -- what conditions ask ---

    def base(self) -> int:
        """When it was heard, or might have been, for the last time."""
        known = self.heard or self.first
        return max(known, self._hearing.counted_from(known), self.since)

    def age(self) -> float:
        """Seconds since it was last heard; NaN while the hub itself hears nothing."""
        if self._hearing.blind:
            return NAN
        return max(0, self.now - self.base()) / 1e9

    def unheard_since(self, at: int) -> bool:
        """Whether nothing was heard since then, and the hub itself, which hears anew, cannot tell how long that is."""
        return self.heard <= at < max(self._hearing.since, self.since)

    def let_off(self, now: int, deaf: int) -> None:
        """The hub, which heard nothing for ``deaf`` (ns), hears again: what is silent has time to be heard.

        Its silence counts from now on, as if nothing had been before; but once between two words of it. After that it
        is only not counted as silence what the hub did not hear: where a collector ends again and again, nobody's
        silence would ever be found otherwise.
        """
        fresh = not self.since or self.heard > self.since
        self.since = now if fresh else min(self.base() + deaf, now)

    def lose(self, which: tuple[int, int], at: int, count: int) -> None:
        """So many messages are lost; ``which``: the epoch and the number of the first."""
        losses = self.losses
        if which not in losses and len(losses) >= MOST_LOSSES:
            _, more = losses.pop(next(iter(losses)))
            following = next(iter(losses))
            losses[following] = losses[following][0], losses[following][1] + more
        losses.setdefault(which, (at, count))

    def lost(self) -> float:
        """Messages lost of late."""
        while self.losses and self._oldest_loss() <= self.now - LOST_WINDOW:
            del self.losses[next(iter(self.losses))]
        return float(sum(count for _, count in self.losses.values()))

    def _oldest_loss(self) -> int:
        return next(iter(self.losses.values()))[0]

    def places(self, state: str) -> float:
        """Places that see it so; ``any``: all that look."""
        states = self.seen_from()
        return float(len(states) if state == "any" else states.count(STATES[state]))

    def window(self, key: tuple[str, float]) -> Window | None:
        """The past of a metric."""
        return self.windows.get(key)

    # -- readings ---

    def values(self) -> Sequence[float]:
        """The last readings, in the order of the layout; all NaN before the first."""
        count = len(self.bound.names)
        return doubles(count).unpack(self.packed) if self.packed and count else (NAN,) * count

    def reading(self, name: str) -> float:
        """The last reading of that name; NaN where there is none."""
        names = self.bound.names
        return self.values()[names.index(name)] if name in names else NAN

    def seen_from(self) -> list[float]:
        """The states that places saw which still look."""
        return [
            place.state
            for place in self.places_seen.values()
            if self.now - place.at <= max(LATE_PLACE * place.spacing, LEAST_PLACE) or len(self.places_seen) == 1
        ]

    def merged(self) -> float:
        """One state of all places."""
        return STATES[together(STATE_NAMES[state] for state in self.seen_from())]

    def saw(self, place: str, check: Check, now: int) -> dict[str, float | None]:
        """Take in what ``place`` saw of a service; its readings, with the state over all places."""
        before = self.places_seen.get(place)
        spacing = max(now - before.at, before.spacing // 2) if before else self.spacing
        state = STATES.get(check.state or check.status, STATES["unknown"])
        self.places_seen[place] = Place(state, now, spacing)
        self.url, self.error = check.url or self.url, check.error or ""
        metrics = check.metrics or {}
        numbers = {
            "service.state": self.merged(),
            "service.status": STATES.get(check.status, STATES["unknown"]),
            "tls.days": check.tls_days,
            # Who tells days alone means that they are few by their number.
            "tls.left_percent": metrics.get("tls_left_percent", None if check.tls_days is None else 0.0),
            "response.ms": check.response_ms,
            "http.status": check.http_status,
        }
        for group, told in (("check", metrics), ("phase", check.phases or {})):
            names = sorted(filter(_FIELD.fullmatch, told))[:MOST_FIELDS]
            numbers.update({f"{group}.{name}": told[name] for name in names})
        return numbers

    def keep(self, numbers: Iterable[float | None]) -> Sequence[float]:
        """Keep these as the last readings, in the order of the layout, NaN where there is none."""
        values = tuple(NAN if number is None else float(number) for number in numbers)
        self.packed = doubles(len(values)).pack(*values)
        return values

    def feed(self, values: Sequence[float]) -> None:
        """Remember readings for the functions that look at the past."""
        for feed in self.bound.feeds:
            value = values[feed.place]
            if value == value:
                window = self.windows.get(feed.key)
                if window is None:
                    window = self.windows[feed.key] = Window(feed.key[1])
                window.add(self.seconds, value)

    def remember(self, key: tuple[str, float], readings: Iterable[tuple[float, float]]) -> None:
        """Take (time in s, reading), oldest first, for the past of a metric, in place of what is known of it."""
        window = Window(key[1])
        for at, value in readings:
            window.add(at, value)
        if window.covered(math.inf):
            self.windows[key] = window

    # -- time ---

    def next_due(self) -> int:
        """The first whole second after now at which a finding may change though nothing is heard."""
        bound = self.bound
        if not bound.timed:
            return NEVER
        found = NEVER
        if not self._hearing.blind:
            base, values = self.base(), self.values()
            for limit in bound.limits:
                seconds = limit(values, self)
                if abs(seconds) <= LONGEST:
                    at = base + int(seconds * 1e9) + 1
                    if at > self.now:
                        found = min(found, at)
        if self.losses:
            found = min(found, self._oldest_loss() + LOST_WINDOW)
        for place in bound.timed:
            cell = self.line[place]
            if cell.alarm is not None:
                found = min(found, *_turns(cell.alarm, cell, self.now))
        if bound.restless:
            found = min(found, self.now + 1)
        if found >= NEVER:
            return NEVER
        return max(-(-found // SECOND), self.now // SECOND + 1) * SECOND

    def standing(self) -> Iterable[Cell]:
        """The cells whose alarms are not quiet."""
        return (cell for cell in self.cells.values() if cell.alarm is not None)


def _turns(alarm: Alarm, cell: Cell, now: int) -> tuple[int, ...]:
    turns = []
    if alarm.state is State.PENDING:
        turns.append(alarm.began + cell.rule.wait)
        if alarm.count < cell.rule.times:
            turns.append(now + 1)  # of silence there are no readings: each second counts
    elif alarm.state is State.CLEARING:
        turns.append(alarm.since + cell.settle)
    return tuple(turn for turn in turns if turn > now) or (NEVER,)
