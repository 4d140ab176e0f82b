"""How long a service was up, from checks of one place or several. Pure.

A check says how the service is from then on, until its place's next check, but no longer than ``HOLD`` intervals: after
that nobody knows. With several places the word is that of the most of those that know. Time of which nobody knows is
neither up nor down: it is told apart, and ``coverage`` is the share of the range that is known.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from bus.timing import SECOND
from bus.verdicts import WORDS, together

HOLD = 2.5
LEAST_HOLD = 30.0
"""Seconds."""
Seen = tuple[int, str, str]
"""When a check was (ns), from which place, what it found: up, degraded, down or unknown."""


def seconds_in(checks: Sequence[Seen], start: int, end: int, interval: float | None) -> dict[str, float]:
    """Seconds of each word between ``start`` and ``end`` (ns); all of them add up to the range."""
    found = dict.fromkeys((*WORDS, "unknown"), 0)
    holds = _holds(checks, interval)
    now: dict[str, str] = {}
    until: dict[str, int] = {}
    ends: list[tuple[int, str]] = []
    last = start
    for at, place, word in [*sorted(checks), (end, "", "")]:
        # What was held longer than it may be has ended before this check.
        while ends and ends[0][0] <= at:
            ended, who = heapq.heappop(ends)
            if until.get(who) == ended:
                last = _passed(found, now, last, min(ended, end))
                now.pop(who, None)
        last = _passed(found, now, last, min(at, end))
        if at >= end:
            break
        now[place], until[place] = word, at + holds[place]
        heapq.heappush(ends, (until[place], place))
    return {word: ns / SECOND for word, ns in found.items()}


def _passed(found: dict[str, int], now: Mapping[str, str], last: int, at: int) -> int:
    if at > last:
        found[together(now.values())] += at - last
        return at
    return last


def _holds(checks: Sequence[Seen], interval: float | None) -> dict[str, int]:
    """How long (ns) each place's word may be held: by the interval it is configured with, else as it came."""
    times: dict[str, list[int]] = {}
    for at, place, _ in sorted(checks):
        times.setdefault(place, []).append(at)
    holds = {}
    for place, ats in times.items():
        steps = [b - a for a, b in pairwise(ats)]
        usual = interval * SECOND if interval else median(steps) if steps else 60.0 * SECOND
        holds[place] = int(max(HOLD * usual, LEAST_HOLD * SECOND))
    return holds
