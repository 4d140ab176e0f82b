"""How long a service was up, degraded, down or unknown, from the verdicts of its checks. Pure.

A verdict holds until the next one from the same place, or until it is too old to say anything; what nobody knows is
unknown, neither up nor down. Seen from several places a service is as most of those that know say it is. Lengths of
adjoining ranges add up to those of both, so that a month may be asked for in pieces.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bus.messages import Check, seen_from
from bus.questions import AvailabilityAnswer, Held
from bus.verdicts import together
from bus.wire import Malformed, read
from store.rows import Row

MOST_CHECKS = 50_000
"""In one answer: half a second of work."""


class Verdict(NamedTuple):
    """What a check found."""

    at: int
    place: str
    status: str


class Edge(NamedTuple):
    """From ``at`` on ``place`` sees the service as ``status``."""

    at: int
    place: str
    status: str


def seen(rows: Iterable[Row]) -> Iterator[Verdict]:
    """The verdicts in stored checks; those that cannot be read are left out."""
    for at, _, record in rows:
        try:
            told = read(record)[0]
            check = told.message()
        except Malformed:
            continue
        if isinstance(check, Check):
            yield Verdict(at, seen_from(told.source, check), check.status)


def availability(
    verdicts: Iterable[Verdict], start: int, end: int, horizon: int, apart: Sequence[int] = ()
) -> AvailabilityAnswer:
    """How long each state held from ``start`` on and before ``end``; times in ns.

    ``verdicts`` may come in any order and must reach back ``horizon`` before ``start``; ``apart`` are begin and end of
    maintenance windows by turns, which may overlap.
    """
    by_place: dict[str, dict[int, str]] = {}
    checks = 0
    for at, place, status in verdicts:
        if at < end:
            checks += start <= at
            by_place.setdefault(place, {})[at] = status
    windows = _joined(zip(apart[::2], apart[1::2], strict=False), start, end)
    edges = {place: _edges(place, found, start, end, horizon) for place, found in sorted(by_place.items())}
    whole = list(_combined(edges, start, end))
    return AvailabilityAnswer(
        checks,
        _held("", whole, windows, start, end),
        tuple(_held(place, found, windows, start, end) for place, found in edges.items()),
        tuple(bound for status, *down in _pieces(whole, windows, start, end) if status == "down" for bound in down),
    )


def _edges(place: str, found: dict[int, str], start: int, end: int, horizon: int) -> list[Edge]:
    """When what is known changes, from ``start`` on; empty where nothing is known all along."""
    edges: list[Edge] = []
    times = sorted(found)
    for at, following in zip(times, [*times[1:], end + horizon], strict=True):
        until = min(following, at + horizon)
        if until > start:
            edges.append(Edge(max(at, start), place, found[at]))
            if until < following and until < end:
                edges.append(Edge(until, place, "unknown"))
    return edges


def _combined(by_place: dict[str, list[Edge]], start: int, end: int) -> Iterator[Edge]:
    """The edges of the service as most places see it."""
    now = dict.fromkeys(by_place, "unknown")
    edges = sorted(edge for found in by_place.values() for edge in found)
    last = "unknown"
    for number, (at, place, status) in enumerate(edges):
        now[place] = status
        if number + 1 < len(edges) and edges[number + 1].at == at:
            continue
        verdict = together(now.values())
        if verdict != last:
            yield Edge(at, "", verdict)
            last = verdict


def _joined(windows: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The windows within the range, in order, without overlap."""
    joined: list[tuple[int, int]] = []
    for begin, until in sorted((max(begin, start), min(until, end)) for begin, until in windows):
        if begin >= until:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((begin, until))
    return joined


def _held(place: str, edges: Sequence[Edge], windows: Sequence[tuple[int, int]], start: int, end: int) -> Held:
    held: Counter[str] = Counter()
    for status, begin, until in _pieces(edges, windows, start, end):
        held[status] += until - begin
    maintenance = sum(until - begin for begin, until in windows)
    return Held(place, held["up"], held["degraded"], held["down"], held["unknown"], maintenance)


def _pieces(
    edges: Sequence[Edge], windows: Sequence[tuple[int, int]], start: int, end: int
) -> Iterator[tuple[str, int, int]]:
    """(status, begin, end) of what is left of the range without the windows."""
    stretches = [("unknown", start), *((edge.status, edge.at) for edge in edges)]
    for (status, begin), (_, until) in zip(stretches, [*stretches[1:], ("", end)], strict=True):
        at = begin
        for window in windows[max(0, bisect_left(windows, (begin, begin)) - 1) :]:
            if window[0] >= until:
                break
            if window[0] > at:
                yield status, at, window[0]
            at = max(at, window[1])
        if at < until:
            yield status, at, until
