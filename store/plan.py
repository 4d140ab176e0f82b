"""Which tier answers for which part of a question's time. Pure.

A tier serves steps that are a multiple of its own spans, so that no span lies in two steps. The coarsest that serves
is taken, day by day, for a day's rollups are made when it is over; hour by hour of a day some hours of which have
rollups of their own, because rows go before it is over. Where a range begins or ends within a span, the rows
answer for the rest, as long as they are kept. A day to which rows came late is answered from its rows until its rollups
are made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from bus.timing import DAY, HOUR
from store.keys import FAR
from store.spans import ARCHIVE, RAW, TIERS, day_of

Stretch = tuple[int, int]
"""From a time, ns, to another that is not included."""
Lack = tuple[str, int, int]
"""A time of whole days, or of a file, for which files of a tier have nothing of a host."""
COARSEST_FIRST = tuple(sorted(TIERS, key=lambda tier: -TIERS[tier]))
ROWS, BOTH, ROLLED = range(3)
"""What answers for a cell: rows, a tier with rows where it begins or ends within a span, a tier alone."""
MOST_PLANS = 64
"""So many plans of the same hours are remembered."""


@dataclass(frozen=True, slots=True)
class Step:
    """Read ``tier`` from ``start`` to ``end`` (ns, not included)."""

    tier: str
    start: int
    end: int


class Cell(NamedTuple):
    """A day, or an hour of a day, from ``start`` to ``end``; which of the three answers for it, and by which tier."""

    start: int
    end: int
    how: int
    tier: str


class Plan:
    """What to read for steps of ``length`` between any two times of these hours, which are made of the same cells."""

    def __init__(
        self,
        start: int,
        end: int,
        length: int,
        raw: Sequence[Stretch],
        tiers: Mapping[str, Sequence[Stretch]],
        late: Set[int] = frozenset(),
    ) -> None:
        """``raw`` and ``tiers`` are the stretches for which there are rows or rollups.

        ``late`` are the days whose rollups lack rows that came late. ``end`` is not included.
        """
        tiers = {tier: tiers[tier] for tier in TIERS if tier in tiers}
        known = [stretch for stretches in (raw, *tiers.values()) for stretch in stretches]
        self._first = min((first for first, _ in known), default=FAR)
        self._last = max((last for _, last in known), default=0)
        cells = _cells_of(start, end, length, raw, tiers, late)
        self._ends = cells[:1], cells[1:][-1:]
        self._middle: list[Step] = []
        for cell in cells[1:-1]:
            _add_cell(self._middle, cell, cell.start, cell.end)

    def steps(self, start: int, end: int) -> list[Step]:
        """By time and without overlap, from ``start`` to ``end``, which is not included."""
        start, end = max(start, self._first), min(end, self._last)
        found: list[Step] = []
        if start >= end:
            return found
        first, last = self._ends
        for cell in first:
            _add_cell(found, cell, max(start, cell.start), min(end, cell.end))
        for step in self._middle:
            _add(found, step.tier, step.start, step.end)
        for cell in last:
            _add_cell(found, cell, max(start, cell.start), min(end, cell.end))
        return found


class Plans:
    """Plans of the same hours: that of hosts which are in every file, and those of hosts which some files lack.

    A rule may keep some hosts for less time than others, so that a file has others alone; what else there is of that
    time answers for them, as if the file was not there.
    """

    def __init__(
        self,
        hours: tuple[int, int],
        length: int,
        files: Mapping[str, Sequence[Stretch]],
        waiting: Sequence[Stretch],
        late: Set[int],
    ) -> None:
        """``files`` by tier, blocks of rows and the archive among them; ``waiting`` are rows that are in neither."""
        self._hours = hours
        self._length = length
        self._files = files
        self._waiting = waiting
        self._late = late
        self._plans: dict[frozenset[Lack], Plan] = {}

    def steps(self, start: int, end: int, lacks: Callable[[Step], Iterable[Lack]]) -> list[Step]:
        """As of ``Plan``; ``lacks`` says for which time the files that a step reads have nothing of the host."""
        without: frozenset[Lack] = frozenset()
        while True:
            steps = self._without(without).steps(start, end)
            found = without.union(*map(lacks, steps))
            if found == without:
                return steps
            without = found

    def _without(self, lacks: frozenset[Lack]) -> Plan:
        known = self._plans.get(lacks)
        if known is None:
            left = {
                tier: _without(stretches, [(first, last) for of, first, last in lacks if of == tier])
                for tier, stretches in self._files.items()
            }
            raw = [*left.get(RAW, ()), *left.get(ARCHIVE, ()), *self._waiting]
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            known = self._plans[lacks] = Plan(*self._hours, self._length, raw, left, self._late)
        return known


def _cells_of(
    start: int,
    end: int,
    length: int,
    raw: Sequence[Stretch],
    tiers: Mapping[str, Sequence[Stretch]],
    late: Set[int],
) -> list[Cell]:
    hourly = _hourly(raw, tiers)
    with_rows = _cells(raw, start, end, hourly)
    with_tier = {tier: _cells(tiers.get(tier, ()), start, end, hourly) for tier in TIERS}
    found: list[Cell] = []
    for cell in sorted({*with_rows, *(cell for cells in with_tier.values() for cell in cells)}):
        has_rows = cell in with_rows
        serving = [tier for tier in COARSEST_FIRST if cell in with_tier[tier] and length % TIERS[tier] == 0]
        if has_rows and (not serving or (cell[0] in late and cell[1] - cell[0] == DAY)):
            found.append(Cell(*cell, ROWS, RAW))
        elif serving:
            found.append(Cell(*cell, BOTH if has_rows else ROLLED, serving[0]))
        else:
            found.append(Cell(*cell, ROLLED, next(tier for tier in TIERS if cell in with_tier[tier])))
    return found


def _add_cell(found: list[Step], cell: Cell, start: int, end: int) -> None:
    """Add what is read for a cell between two times within it."""
    if cell.how == ROWS:
        _add(found, RAW, start, end)
        return
    span = TIERS[cell.tier]
    if cell.how == ROLLED:
        _add(found, cell.tier, start // span * span, -(-end // span) * span)
        return
    first, last = -(-start // span) * span, end // span * span
    if first >= last:
        _add(found, RAW, start, end)
        return
    _add(found, RAW, start, first)
    _add(found, cell.tier, first, last)
    _add(found, RAW, last, end)


def finest(at: int, raw: Sequence[Stretch], tiers: Mapping[str, Sequence[Stretch]]) -> int:
    """How long the shortest spans are that are still known of the time ``at``, ns; 0 for rows, or for nothing."""
    if any(first <= at < last for first, last in raw):
        return 0
    for tier, span in TIERS.items():
        if any(first <= at < last for first, last in tiers.get(tier, ())):
            return span
    return 0


def _without(stretches: Sequence[Stretch], gone: Sequence[Stretch]) -> Sequence[Stretch]:
    """What is left of the stretches where others are taken away."""
    for first, last in gone:
        stretches = [
            left
            for one in stretches
            for left in ((one[0], min(one[1], first)), (max(one[0], last), one[1]))
            if left[0] < left[1]
        ]
    return stretches


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


def _cells(stretches: Sequence[Stretch], start: int, end: int, hourly: Set[int]) -> set[Stretch]:
    """The days, or hours of days that are ``hourly``, which the stretches touch; those of rollups cover them."""
    found: set[Stretch] = set()
    for first, last in stretches:
        day = day_of(max(first, start))
        while day < min(last, end):
            length = HOUR if day in hourly else DAY
            for cell in range(day, day + DAY, length):
                if max(first, start) < cell + length and cell < min(last, end):
                    found.add((cell, cell + length))
            day += DAY
    return found
