"""Which tier answers for which part of a question's time. Pure.

A tier serves steps that are a multiple of its own spans, so that no span lies in two steps. The coarsest that serves
is taken, day by day, for a day's rollups are made when it is over; hour by hour of a day some hours of which have
rollups of their own, because rows go before it is over. Where a range begins or ends within a span, the rows
answer for the rest, as long as they are kept. A day to which rows came late is answered from its rows until its rollups
are made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from store.keys import DAY, HOUR
from store.spans import RAW, TIERS, day_of

Stretch = tuple[int, int]
"""From a time, ns, to another that is not included."""
COARSEST_FIRST = tuple(sorted(TIERS, key=lambda tier: -TIERS[tier]))
LONG_DAYS = 4
"""So many whole days are worth remembering what was planned for them."""


@dataclass(frozen=True, slots=True)
class Step:
    """Read ``tier`` from ``start`` to ``end`` (ns, not included)."""

    tier: str
    start: int
    end: int


Middle = Callable[[int, int, Callable[[], list[Step]]], list[Step]]
"""What is planned from a midnight to another: remembered, or planned now."""


def plan(
    start: int,
    end: int,
    length: int,
    raw: Sequence[Stretch],
    tiers: Mapping[str, Sequence[Stretch]],
    late: Set[int] = frozenset(),
    middle: Middle | None = None,
) -> list[Step]:
    """What to read for steps of ``length`` from ``start`` to ``end`` (not included), by time and without overlap.

    ``raw`` and ``tiers`` are the stretches for which there are rows or rollups, ``late`` the days whose rollups lack
    rows that came late. ``middle`` may remember what is planned for whole days.
    """
    if start >= end:
        return []
    known = [stretch for stretches in (raw, *tiers.values()) for stretch in stretches]
    start = max(start, min((first for first, _ in known), default=end))
    end = min(end, max((last for _, last in known), default=start))
    first, last = -(-start // DAY) * DAY, end // DAY * DAY
    if middle is None or last - first < LONG_DAYS * DAY:
        return _planned(start, end, length, raw, tiers, late)
    found: list[Step] = []
    for step in (
        *_of_day(first - DAY, start, first, length, raw, tiers, late),
        *middle(first, last, lambda: _planned(first, last, length, raw, tiers, late)),
        *_of_day(last, last, end, length, raw, tiers, late),
    ):
        _add(found, step.tier, step.start, step.end)
    return found


def _of_day(
    day: int,
    start: int,
    end: int,
    length: int,
    raw: Sequence[Stretch],
    tiers: Mapping[str, Sequence[Stretch]],
    late: Set[int],
) -> list[Step]:
    """What is planned for a part of a day, by what concerns this day alone."""

    def of(stretches: Sequence[Stretch]) -> list[Stretch]:
        return [one for one in stretches if one[0] < day + DAY and one[1] > day]

    return _planned(start, end, length, of(raw), {tier: of(some) for tier, some in tiers.items()}, late)


def _planned(
    start: int,
    end: int,
    length: int,
    raw: Sequence[Stretch],
    tiers: Mapping[str, Sequence[Stretch]],
    late: Set[int],
) -> list[Step]:
    hourly = _hourly(raw, tiers)
    with_rows = _cells(raw, start, end, hourly, whole=False)
    with_tier = {tier: _cells(tiers.get(tier, ()), start, end, hourly, whole=True) for tier in TIERS}
    found: list[Step] = []
    for cell in sorted({*with_rows, *(cell for cells in with_tier.values() for cell in cells)}):
        has_rows = cell in with_rows
        serving = [tier for tier in COARSEST_FIRST if cell in with_tier[tier] and length % TIERS[tier] == 0]
        window = max(start, cell[0]), min(end, cell[1])
        if has_rows and (not serving or (cell[0] in late and cell[1] - cell[0] == DAY)):
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
            tier = serving[0] if serving else next(tier for tier in TIERS if cell in with_tier[tier])
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


def _hourly(raw: Sequence[Stretch], tiers: Mapping[str, Sequence[Stretch]]) -> set[int]:
    """The days of which some hours have only rollups, others rows."""
    rolled = [stretch for of in tiers.values() for stretch in of]
    found = {day_of(first) for first, last in rolled if last - first < DAY}
    short = {day_of(first) for first, last in raw if last - first < DAY}
    short -= {day for day in short for first, last in raw if last - first >= DAY and first <= day < last}
    return found | {day for day in short if any(first <= day and day + DAY <= last for first, last in rolled)}


def _cells(stretches: Sequence[Stretch], start: int, end: int, hourly: Set[int], *, whole: bool) -> set[Stretch]:
    """The days, or hours of days that are ``hourly``, which the stretches touch; or cover when they are ``whole``."""
    found: set[Stretch] = set()
    for first, last in stretches:
        day = day_of(max(first, start))
        while day < min(last, end):
            length = HOUR if day in hourly else DAY
            for cell in range(day, day + DAY, length):
                inside = first <= cell and cell + length <= last if whole else first < cell + length and cell < last
                if inside and cell < end and cell + length > start:
                    found.add((cell, cell + length))
            day += DAY
    return found
