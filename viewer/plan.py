"""What must be asked of the hub, and when. Pure.

A wish is told once and then waited for; one that failed is told again after a while, if it still matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from viewer.axis import Window
from viewer.events import (
    ActDone,
    AlertsTold,
    BacktestTold,
    BeforeTold,
    ChecksTold,
    Event,
    Failed,
    HostsTold,
    HostTold,
    HubTold,
    IncidentsTold,
    LabelsTold,
    RulesTold,
    SeriesTold,
    ServicesTold,
    WhyTold,
)
from viewer.pasts import CHARTED, SPARK_POINTS, SPARKED, Pasts
from viewer.wishes import (
    AskAlerts,
    AskBacktest,
    AskBefore,
    AskChecks,
    AskHost,
    AskHosts,
    AskHub,
    AskIncidents,
    AskLabels,
    AskRules,
    AskSeries,
    AskServices,
    AskWhy,
    Wish,
)

RETRY = 5.0
"""Seconds before a wish that failed is told again."""
LABELS, INCIDENTS = 300.0, 30.0
"""Seconds between two questions for what changes seldom."""
SOON = 1.0
"""Seconds that news of an alarm may wait, so that many of them are one question."""
SPARKS_AT_ONCE = 4
LOST = 120.0
"""Seconds after which nobody waits for an answer any more: longer than whoever asks waits for the slowest one."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Plan:
    """What is under way and what comes next."""

    refresh: float = 5.0
    waiting: dict[Key, float] = field(default_factory=dict)
    """Wishes that were told, and when."""
    due: dict[Key, float] = field(default_factory=dict)
    """The earliest time of the next one; missing: at once."""

    def hurry(self) -> None:
        """Ask for everything again now."""
        self.due.clear()

    def set_back(self, now: float) -> None:
        """The clock was set back to ``now``: what is due is due now, and what was asked was asked by then."""
        self.due.clear()
        self.waiting = {key: min(asked, now) for key, asked in self.waiting.items()}

    def take(self, event: Event, now: float) -> None:
        """Take note of answers."""
        match event:
            case HostsTold():
                self._done(("hosts",), now)
            case HostTold():
                self._done(("host", event.entry.name), now)
            case ServicesTold():
                self._done(("services",), now)
            case AlertsTold():
                self._done(("alerts",), now)
            case HubTold():
                self._done(("hub",), now)
            case LabelsTold():
                self._done(("labels",), now, LABELS)
            case RulesTold():
                self._done(("rules",), now, LABELS)
            case IncidentsTold():
                self._done(_key(event.wish), now, INCIDENTS)
            case WhyTold():
                self._done(_key(event.wish), now)
            case SeriesTold() | ChecksTold() | BacktestTold() | BeforeTold():
                self.waiting.pop(_key(event.wish), None)
            case ActDone():
                self.waiting.pop(_key(event.act), None)
            case Failed():
                key = _key(event.wish)
                self.waiting.pop(key, None)
                self.due[key] = now + max(RETRY, self.refresh)
            case _:
                pass

    def lists(self, now: float, *, services: bool, host: str | None) -> list[Wish]:
        """The lists that are due, and the chosen host."""
        found: list[Wish] = [AskHosts()]
        if services:
            found.append(AskServices())
        if host is not None:
            found.append(AskHost(host))
        return self.told(found, now)

    def host(self, pasts: Pasts, name: str, window: Window, now: float, end: float) -> list[Wish]:
        """The chosen host's past, where it is not known."""
        if pasts.track(name, window).loaded:
            return []
        return self.told([series(name, window, end, spark=False, anchor=pasts.anchor)], now)

    def sparks(self, pasts: Pasts, names: Iterable[str], window: Window, now: float, end: float) -> list[Wish]:
        """The small pasts of the hosts that are seen, a few at a time."""
        under_way = sum(key[0] == "spark" for key in self.waiting)
        found: list[Wish] = []
        for name in names:
            if under_way + len(found) >= SPARKS_AT_ONCE:
                break
            if not pasts.spark(name, window).loaded:
                found += self.told([series(name, window, end, spark=True, anchor=pasts.anchor)], now)
        return found

    def service(self, pasts: Pasts, name: str, window: Window, now: float, end: float) -> list[Wish]:
        """The chosen service's past, where it is not known."""
        if pasts.service(name, window).loaded:
            return []
        begin, until = math.floor(end) - window.seconds, math.ceil(end)
        if pasts.anchor:
            begin, until = pasts.anchor - window.seconds, pasts.anchor + window.seconds
        return self.told([AskChecks(name, pasts.label(window), begin, until)], now)

    def past(self, wishes: Iterable[AskSeries], now: float) -> list[Wish]:
        """Stretches of a replay, a few at a time."""
        under_way = sum(key[0] == "series" for key in self.waiting)
        return self.told(list(islice(wishes, max(0, SPARKS_AT_ONCE - under_way))), now)

    def again(self, *words: str) -> None:
        """What begins with these words is asked for again now."""
        for key in [key for key in self.due if key[0] in words]:
            del self.due[key]

    def soon(self, now: float, *words: str) -> None:
        """What begins with these words is asked for again within a second."""
        for key in [key for key in self.due if key[0] in words]:
            self.due[key] = min(self.due[key], now + SOON)

    def told(self, wishes: list[Wish], now: float) -> list[Wish]:
        """Those of ``wishes`` that are due and not waited for; they count as told."""
        found = []
        for wish in wishes:
            key = _key(wish)
            asked = self.waiting.get(key)
            if (asked is None or now - asked > LOST) and now >= self.due.get(key, -math.inf):
                self.waiting[key] = now
                found.append(wish)
        return found

    def _done(self, key: Key, now: float, least: float = 0.0) -> None:
        asked = self.waiting.pop(key, now)
        # A hub that needs long for an answer is asked less often.
        self.due[key] = now + max(self.refresh, least, 5 * (now - asked))
        if len(self.due) > 1000:
            self.due = {known: at for known, at in self.due.items() if at > now}


def series(name: str, window: Window, end: float, *, spark: bool, anchor: int = 0) -> AskSeries:
    """The wish for a host's past up to ``end``, its steps beginning where the track's do.

    With an ``anchor`` it is for that stretch of the past instead, as ``pasts.anchored`` numbers it.
    """
    step = window.seconds // SPARK_POINTS if spark else window.step
    if anchor:
        begin, until = anchor - window.seconds, anchor + window.seconds
        label = f"{window.name}@{anchor}"
        return AskSeries(name, label, spark, SPARKED if spark else CHARTED, begin, until, 2 * window.seconds // step)
    points = window.seconds // step + 1
    last = (math.floor(end / step) + 1) * step
    metrics = SPARKED if spark else CHARTED
    return AskSeries(name, window.name, spark, metrics, last - points * step, last, points)


def _key(wish: Wish) -> Key:
    match wish:
        case AskSeries():
            return ("spark" if wish.spark else "series", wish.name, wish.window)
        case AskChecks():
            return ("checks", wish.name, wish.window)
        case AskHost():
            return ("host", wish.name)
        case AskIncidents():
            return ("incidents", wish.past)
        case AskBefore():
            return ("before", str(wish.at), wish.subject)
        case AskWhy():
            return ("why", wish.subject, wish.rule)
        case AskBacktest():
            return ("backtest", repr(wish))
        case _:
            return (_WORDS[type(wish)],) if type(wish) in _WORDS else ("act", repr(wish))


_WORDS: dict[type, str] = {
    AskHosts: "hosts",
    AskServices: "services",
    AskAlerts: "alerts",
    AskHub: "hub",
    AskLabels: "labels",
    AskRules: "rules",
}
