"""Which tier answers for which part of a question's time. Pure.

A tier serves steps that are a multiple of its own spans, so that no span lies in two steps. The coarsest that serves
is taken, day by day, for a day's rollups are made when it is over. Where a range begins or ends within a span, the
rows answer for the rest, as long as they are kept. A day to which rows came late is answered from its rows until its
rollups are made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from store.keys import DAY
from store.spans import RAW, TIERS, day_of

Stretch = tuple[int, int]
"""From a time, ns, to another that is not included."""
COARSEST_FIRST = tuple(sorted(TIERS, key=lambda tier: -TIERS[tier]))


@dataclass(frozen=True, slots=True)
class Step:
    """Read ``tier`` from ``start`` to ``end`` (ns, not included)."""

    tier: str
    start: int
    end: int


def plan(
    start: int,
    end: int,
    length: int,
    raw: Sequence[Stretch],
    tiers: Mapping[str, Sequence[Stretch]],
    late: Set[int] = frozenset(),
) -> list[Step]:
    """What to read for steps of ``length`` from ``start`` to ``end`` (not included), by time and without overlap.

    ``raw`` and ``tiers`` are the stretches for which there are rows or rollups, ``late`` the days whose rollups lack
    rows that came late.
    """
    if start >= end:
        return []
    known = [stretch for stretches in (raw, *tiers.values()) for stretch in stretches]
    start = max(start, min((first for first, _ in known), default=end))
    end = min(end, max((last for _, last in known), default=start))
    with_rows = _days(raw, start, end, whole=False)
    with_tier = {tier: _days(tiers.get(tier, ()), start, end, whole=True) for tier in TIERS}
    found: list[Step] = []
    for day in sorted({*with_rows, *(day for days in with_tier.values() for day in days)}):
        has_rows = day in with_rows
        serving = [tier for tier in COARSEST_FIRST if day in with_tier[tier] and length % TIERS[tier] == 0]
        window = max(start, day), min(end, day + DAY)
        if has_rows and (not serving or day in late):
            _add(found, RAW, *window)
        elif serving and has_rows:
            span = TIERS[serving[0]]
            first, last = -(-window[0] // span) * span, window[1] // span * span
            if first >= last:
                _add(found, RAW, *window)
                continue
            _add(found, RAW, window[0], first)
            _add(found, serving[0], first, last)
            _add(found, RAW, last, window[1])
        else:
            tier = serving[0] if serving else next(tier for tier in TIERS if day in with_tier[tier])
            span = TIERS[tier]
            _add(found, tier, window[0] // span * span, -(-window[1] // span) * span)
    return found


def finest(at: int, raw: Sequence[Stretch], tiers: Mapping[str, Sequence[Stretch]]) -> int:
    """How long the shortest spans are that are still known of the time ``at``, ns; 0 for rows, or for nothing."""
    if any(first <= at < last for first, last in raw):
        return 0
    for tier, span in TIERS.items():
        if any(first <= at < last for first, last in tiers.get(tier, ())):
            return span
    return 0


def _add(steps: list[Step], tier: str, start: int, end: int) -> None:
    if start >= end:
        return
    if steps and steps[-1].tier == tier and steps[-1].end == start:
        steps[-1] = Step(tier, steps[-1].start, end)
    else:
        steps.append(Step(tier, start, end))


def _days(stretches: Sequence[Stretch], start: int, end: int, *, whole: bool) -> set[int]:
    """The days that the stretches touch, or cover when they are to be ``whole``."""
    found: set[int] = set()
    for first, last in stretches:
        day = day_of(max(first, start))
        if whole and day < first:
            day += DAY
        while day < min(last, end) and (not whole or day + DAY <= last):
            found.add(day)
            day += DAY
    return found
