"""A service's availability over a month, put together from answers of the store's about pieces of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Protocol

from bus import calendar
from bus.questions import Availability, AvailabilityAnswer, Held, Unanswered
from bus.timing import HOUR, SECOND

INTERVAL_SECONDS = 60.0
"""What is taken for the distance of checks of a service that is not configured here."""
HORIZON = 3
"""A verdict holds for so many intervals when no other follows."""
CHECKS_AT_ONCE = 5_000
LONGEST_PIECE = 96 * HOUR
TOO_MANY = "ask for less at a time"
"""How the store refuses a piece in which there are more checks than it looks at for one answer."""
LONGEST_EMPTY = 30 * 24 * HOUR
"""Of a time in which there was no check."""


class Matching(Protocol):
    """What says whom it is about."""

    @property
    def matches(self) -> Sequence[str]: ...


class Maintenance(calendar.Window, Matching, Protocol):
    """What ``[[maintenance]]`` says."""


class Checked(Protocol):
    """What ``[[services]]`` says, as far as availability depends on it."""

    @property
    def name(self) -> str: ...
    @property
    def interval(self) -> float: ...
    @property
    def places(self) -> Sequence[str]: ...
    @property
    def labels(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """Which services are checked how often and from where, and which windows of maintenance there are."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A service; ``interval`` in seconds."""

    name: str
    interval: float
    places: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Apart:
    """A window of maintenance; ``lasts`` in seconds."""

    start: str
    lasts: float
    matches: tuple[str, ...]
    days: tuple[str, ...] = ()
    month_days: tuple[int, ...] = ()
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class WatchedAnswer:
    """The answer to ``Watched``, in the order of the configuration."""

    services: tuple[Watch, ...] = ()
    maintenance: tuple[Apart, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a service kept of a period; lengths in ns."""

    service: str
    period: str
    start: int
    end: int
    checks: int = 0
    whole: Held = field(default_factory=Held)
    places: tuple[Held, ...] = ()
    outages: tuple[tuple[int, int], ...] = ()

    @property
    def longest(self) -> int:
        """The length of the longest outage, ns."""
        return max((end - begin for begin, end in self.outages), default=0)


def available(held: Held) -> float | None:
    """The percentage of the known time outside of maintenance in which it answered; None where nothing is known."""
    known = held.up + held.degraded + held.down
    return 100.0 * (held.up + held.degraded) / known if known else None


def fully_up(held: Held) -> float | None:
    """The same without the time in which it was degraded."""
    known = held.up + held.degraded + held.down
    return 100.0 * held.up / known if known else None


def coverage(held: Held) -> float:
    """The share of the time outside of maintenance of which something is known, 0 to 1."""
    known = held.up + held.degraded + held.down
    return known / (known + held.unknown) if known else 0.0


def watched(services: Iterable[Checked], windows: Iterable[Maintenance]) -> WatchedAnswer:
    """What the configuration says of these."""
    return WatchedAnswer(
        tuple(Watch(one.name, one.interval, tuple(one.places), dict(one.labels)) for one in services),
        tuple(
            Apart(one.start, one.lasts, tuple(one.matches), tuple(one.days), tuple(one.month_days), one.zone)
            for one in windows
        ),
    )


def questions(
    name: str,
    service: Checked | None,
    windows: Iterable[Maintenance],
    start: int,
    end: int,
    *,
    interval: float | None = None,
    first: int = 0,
) -> Iterator[Availability]:
    """The questions to put for a range, each about a piece of it that is answered quickly.

    ``interval`` (s) is the distance of its checks in place of the one that is configured. Before ``first`` (ns) it was
    never checked.
    """
    seconds = interval or (service.interval if service else INTERVAL_SECONDS)
    horizon = int(HORIZON * seconds * SECOND)
    places = len(service.places) if service and service.places else 1
    piece = min(LONGEST_PIECE, max(HOUR // 4, int(CHECKS_AT_ONCE * seconds * SECOND) // places))
    labels = service.labels if service else {}
    ours = [window for window in windows if concerns(window, name, labels)]
    while start < end:
        until = min(end, start + (LONGEST_EMPTY if start + LONGEST_EMPTY <= first else piece))
        apart = [bound for window in ours for pair in calendar.between(window, start, until) for bound in pair]
        yield Availability(name, start, until, horizon, tuple(apart))
        start = until


def halves(question: Availability, failure: Unanswered) -> tuple[Availability, Availability]:
    """The two halves of a piece in which there were too many checks; raises the ``failure`` where it was another.

    So it is where a service was checked more often than it is by now, or by whoever is not configured any more.
    """
    if TOO_MANY not in str(failure) or question.end - question.start < 2:
        raise failure
    middle = (question.start + question.end) // 2
    return replace(question, end=middle), replace(question, start=middle)


def concerns(window: Matching, name: str, labels: Mapping[str, str], kind: str = "service") -> bool:
    """Whether a maintenance window or a silence is about a service or host as a whole.

    One that names rules or severities is not.
    """
    subjects: list[bool] = []
    others: dict[str, list[bool]] = {}
    for term in window.matches:
        key, equals, glob = term.partition("=")
        if not equals:
            subjects.append(fnmatchcase(name, term) or fnmatchcase(f"{kind}/{name}", term))
        elif key in ("rule", "severity", "instance"):
            return False
        else:
            others.setdefault(key, []).append(key in labels and fnmatchcase(labels[key], glob))
    kinds = [*([subjects] if subjects else []), *others.values()]
    return bool(kinds) and all(any(found) for found in kinds)


def kept(service: str, period: str, start: int, end: int) -> Kept:
    """Nothing known yet of a period."""
    return Kept(service, period, start, end)


def added(so_far: Kept, answer: AvailabilityAnswer) -> Kept:
    """With what a further answer tells; answers come in order of time and adjoin."""
    before = {held.place: held for held in so_far.places}
    now = {held.place: held for held in answer.places}
    # A place that was not heard of in a piece knew nothing in all of it.
    places = [
        _sum(before.get(name) or _nothing(name, so_far.whole), now.get(name) or _nothing(name, answer.whole))
        for name in sorted(before.keys() | now.keys())
    ]
    outages = list(so_far.outages)
    for pair in zip(answer.outages[::2], answer.outages[1::2], strict=True):
        if outages and outages[-1][1] == pair[0]:
            outages[-1] = (outages[-1][0], pair[1])
        else:
            outages.append(pair)
    return replace(
        so_far,
        checks=so_far.checks + answer.checks,
        whole=_sum(so_far.whole, answer.whole),
        places=tuple(places),
        outages=tuple(outages),
    )


def _sum(one: Held, other: Held) -> Held:
    return Held(
        one.place,
        one.up + other.up,
        one.degraded + other.degraded,
        one.down + other.down,
        one.unknown + other.unknown,
        one.maintenance + other.maintenance,
    )


def _nothing(place: str, whole: Held) -> Held:
    return Held(place, unknown=whole.up + whole.degraded + whole.down + whole.unknown, maintenance=whole.maintenance)
