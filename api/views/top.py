"""Which metrics of which hosts are highest. Pure."""

from __future__ import annotations

import heapq
import math
import struct
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from api.directory import Directory
from api.encoding import to_time
from api.filters import matcher
from api.health import host_health
from api.live import Live
from api.past_shapes import Top, TopRow
from api.present import Present
from bus.fields import Unfit
from bus.messages import split_sample
from bus.questions import Column, SeriesAnswer
from bus.units import unit

_DOUBLE = struct.Struct("<d")
ROOM = 1000
"""So many beyond those that are wanted are kept until it is looked which of them are the highest."""


class Candidate(NamedTuple):
    """A metric of a host and its value; ``at`` of a newest value, ``coverage`` of a range."""

    value: float
    host: str
    metric: str
    at: int | None = None
    coverage: float | None = None


class Highest:
    """The ``count`` highest of all that are offered, or with ``lowest`` the lowest; it keeps few more than these."""

    def __init__(self, count: int, *, lowest: bool = False) -> None:
        self._count = count
        self._sign = -1.0 if lowest else 1.0
        self._kept: list[Candidate] = []
        self._least = -math.inf
        """What is worse than that, with the sign, is none of them."""

    def offer(self, candidates: Iterable[Candidate]) -> None:
        """Look at further ones."""
        sign, least = self._sign, self._least
        self._kept += [one for one in candidates if sign * one.value >= least]
        if len(self._kept) > self._count + ROOM:
            self.found()

    def found(self) -> list[Candidate]:
        """The best first; among equal ones by name."""
        self._kept = heapq.nsmallest(self._count, self._kept, key=self._key)
        if self._kept and len(self._kept) == self._count:
            self._least = self._sign * self._kept[-1].value
        return self._kept

    def _key(self, one: Candidate) -> tuple[float, str, str]:
        return -self._sign * one.value, one.host, one.metric


def compared(
    highest: Highest, present: Present, names: Iterable[str], globs: tuple[str, ...]
) -> Generator[None, None, None]:
    """Offer the newest values of these hosts, host by host: of a thousand with all they measure it takes a second."""
    for name in names:
        highest.offer(newest(present, name, globs))
        yield


def newest(present: Present, name: str, globs: tuple[str, ...]) -> Iterator[Candidate]:
    """The newest values of a host; one that is not up has none, for it may be anything by now.

    Of its sample only the numbers that were asked for are looked at.
    """
    host = present.live.hosts.get(name)
    if host is None or host.newest is None or host_health(present.now, host, present.limits)[0] != "up":
        return
    try:
        layout, packed = split_sample(host.newest.body)
    except Unfit:
        return
    metrics = present.live.layouts.get(layout, ())
    if len(packed) != 8 * len(metrics):
        return
    for metric, place in _places(metrics, globs):
        (value,) = _DOUBLE.unpack_from(packed, 8 * place)
        if math.isfinite(value):  # an infinity is no reading, whoever packed it
            yield Candidate(value, name, metric, at=host.newest.at)


def matching(live: Live, host: str, globs: tuple[str, ...]) -> int:
    """How many metrics of a host match, as far as its newest sample tells."""
    now = live.hosts.get(host)
    if now is None or now.newest is None:
        return 0
    try:
        layout, _ = split_sample(now.newest.body)
    except Unfit:
        return 0
    return len(_places(live.layouts.get(layout, ()), globs))


_fits = lru_cache(maxsize=4)(matcher)
"""It remembers names, most of which the layouts of other hosts have too."""


@lru_cache(maxsize=64)  # each layout may have thousands of names, and is held by this
def _places(metrics: tuple[str, ...], globs: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    fits = _fits(globs)
    return tuple((name, place) for place, name in enumerate(metrics) if fits(name))


def of_range(host: str, answer: SeriesAnswer, aggregate: str) -> Iterator[Candidate]:
    """One value of each metric over all steps of an answer."""
    for column in answer.columns:
        value = _over(column, aggregate)
        if value is not None:
            yield Candidate(value, host, column.metric, coverage=answer.coverage)


def _over(column: Column, aggregate: str) -> float | None:
    if aggregate == "mean":
        pairs = [(mean, count) for mean, count in zip(column.mean, column.count, strict=True) if mean is not None]
        readings = sum(count for _, count in pairs)
        return sum(mean * count for mean, count in pairs) / readings if readings else None
    found: Sequence[float] = [one for one in getattr(column, aggregate) if one is not None]
    if not found:
        return None
    return {"min": min, "max": max}[aggregate](found) if aggregate != "last" else found[-1]


def top(directory: Directory, start: int | None, end: int, aggregate: str, hosts: int, highest: Highest) -> Top:
    """The answer to ``GET /top``."""
    rows = [_row(directory, one) for one in highest.found()]
    return {
        "start": None if start is None else to_time(start),
        "end": to_time(end),
        "agg": aggregate,  # type: ignore[typeddict-item]
        "hosts": hosts,
        "count": len(rows),
        "top": rows,
    }


def _row(directory: Directory, one: Candidate) -> TopRow:
    row: TopRow = {
        "server_id": one.host,
        "display_name": directory.display(one.host),
        "metric": one.metric,
        "unit": unit(one.metric),
        "value": one.value,
    }
    if one.at is not None:
        row["at"] = to_time(one.at)
    if one.coverage is not None:
        row["coverage"] = one.coverage
    return row
