"""Count, min, max, sum and last of the readings in spans of time, and those of longer spans from shorter ones. Pure.

A span of a length begins at a multiple of it. A rollup of rollups is the rollup: for min, max, last and count by their
nature; for sums because numbers that are decimals of some places (bytes, percents, counts) are added as integers,
where no order of adding matters. Other numbers are added as floats, to some units in the last place.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from store.blocks.parts import Part
from store.blocks.scaled import TENS, Floats, Integers, Scaled, scaled, scaled_one

AGGREGATES = 5
"""Columns of a metric: count, min, max, sum, last."""
NUMBERS = ("least", "most", "total", "last")
"""The matrices of a rollup, of which those that nobody asks for may have no rows."""
FIRST = 2
"""Columns before those of the metrics: starts, rows."""
MOST_SUM = 2.0**62
FEW = 16
"""Columns of a span that are folded one by one."""
SMALL = 32
"""What is smaller than so many spans for each such step is folded span by span."""
Places = npt.NDArray[np.intp]
N = TypeVar("N", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Rolled:
    """Spans that hold rows, by time: where each starts, how many rows it holds, and a matrix (metrics by spans) each.

    Where ``count`` is 0, the others are NaN.
    """

    starts: Integers
    rows: Integers
    count: Integers
    least: Floats
    most: Floats
    total: Floats
    last: Floats

    @property
    def matrices(self) -> tuple[npt.NDArray[Any], ...]:
        """Count, least, most, total, last."""
        return self.count, self.least, self.most, self.total, self.last

    def without(self, names: Container[str]) -> Rolled:
        """The same without these matrices: of what nobody asks for there are no rows, and it costs nothing."""
        numbers = [self.total[:0] if name in names else getattr(self, name) for name in NUMBERS]
        return Rolled(self.starts, self.rows, self.count, *numbers)

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return sum(one.nbytes for one in (self.starts, self.rows, *self.matrices))

    def alone(self) -> Rolled:
        """The same, not as a part of larger arrays, which would last as long as it does."""
        return Rolled(*map(_own, (self.starts, self.rows, *self.matrices)))

    def told(self) -> tuple[Integers, Scaled]:
        """The columns of a part that holds it: those of integers, and those of numbers behind them."""
        numbers = np.stack([self.count.astype(np.float64), self.least, self.most, self.total, self.last], axis=1)
        metrics, _, count = numbers.shape
        return np.stack([self.starts, self.rows]), Scaled.of(numbers.reshape(AGGREGATES * metrics, count))


def rolled(times: Integers, values: Floats, length: int) -> Rolled:
    """The rollup of ``values`` (metrics by rows, NaN for no reading), whose times ascend."""
    begins, starts = spans(times, length)
    if not len(begins):
        return _nothing(len(values))
    missing = np.isnan(values)
    rows = lengths(begins, len(times)).astype(np.int64)
    holes = bool(missing.any())
    count = rows[None] if len(values) == 1 else np.broadcast_to(rows, (len(values), len(rows)))
    if holes:
        count = count - np.add.reduceat(missing, begins, axis=1, dtype=np.int64)
    total = _sums(np.where(missing, 0.0, values) if holes else values, begins)
    return Rolled(
        starts,
        rows,
        count,
        folded(np.fmin if holes else np.minimum, values, begins),
        folded(np.fmax if holes else np.maximum, values, begins),
        np.where(count > 0, total, np.nan) if holes else total,
        _lasts(values, missing if holes else None, begins),
    )


def coarser(fine: Rolled, length: int) -> Rolled:
    """The rollup over longer spans; ``length`` is a multiple of that of ``fine``."""
    begins, starts = spans(fine.starts, length)
    if not len(begins):
        return _nothing(len(fine.count))
    empty = fine.count == 0
    holes = bool(empty.any())
    count = folded(np.add, fine.count, begins)
    total = fine.total[:, : len(begins)]
    if len(total):
        total = _sums(np.where(empty, 0.0, fine.total) if holes else fine.total, begins)
        total = np.where(count > 0, total, np.nan) if holes else total
    return Rolled(
        starts,
        np.add.reduceat(fine.rows, begins),
        count,
        folded(np.fmin if holes else np.minimum, fine.least, begins),
        folded(np.fmax if holes else np.maximum, fine.most, begins),
        total,
        _lasts(fine.last, empty if holes else None, begins),
    )


def cut(one: Rolled, start: int, end: int) -> Rolled:
    """The spans that start between two times, the end not included."""
    first, last = np.searchsorted(one.starts, [start, end])
    if first == 0 and last == len(one.starts):
        return one
    return those(one, slice(int(first), int(last)))


def chained(some: Sequence[Rolled]) -> Rolled:
    """Rollups of the same metrics one after the other, by time and without overlap."""
    if len(some) == 1:
        return some[0]
    return Rolled(
        np.concatenate([one.starts for one in some]),
        np.concatenate([one.rows for one in some]),
        *[np.concatenate(alike, axis=1) for alike in zip(*[one.matrices for one in some], strict=True)],
    )


def stacked(some: Sequence[Rolled]) -> Rolled:
    """Rollups of the same spans, one metric under the other."""
    if len(some) == 1:
        return some[0]
    matrices = map(np.concatenate, zip(*[one.matrices for one in some], strict=True))
    return Rolled(some[0].starts, some[0].rows, *matrices)


def spread(names: Sequence[str], one: Rolled, every: Sequence[str]) -> Rolled:
    """The rollup of the metrics ``names`` with rows for ``every`` metric; those it lacks have no readings."""
    if tuple(names) == tuple(every):
        return one
    where = {name: at for at, name in enumerate(names)}
    places = np.array([where.get(name, -1) for name in every])
    absent = places < 0
    count = one.count[places]
    count[absent] = 0
    numbers = []
    for name in NUMBERS:
        spread = getattr(one, name)[places]
        spread[absent] = np.nan
        numbers.append(spread)
    return Rolled(one.starts, one.rows, count, *numbers)


def those(one: Rolled, places: npt.NDArray[Any] | slice) -> Rolled:
    """The spans at these places, or where this is true."""
    return Rolled(one.starts[places], one.rows[places], *[matrix[:, places] for matrix in one.matrices])


def opened(part: Part, metrics: Sequence[int]) -> Rolled:
    """Some metrics of a part that holds a rollup, by their places in the layout; raises ``Damaged``."""
    firsts = [FIRST + AGGREGATES * metric for metric in metrics]
    count = [part.integers(first) for first in firsts]
    numbers = part.all_floats([first + aggregate for first in firsts for aggregate in range(1, AGGREGATES)])
    numbers = numbers.reshape(len(firsts), AGGREGATES - 1, part.rows)
    least, most, total, last = (np.ascontiguousarray(numbers[:, aggregate]) for aggregate in range(AGGREGATES - 1))
    counts = np.array(count, np.int64).reshape(len(firsts), part.rows)
    return Rolled(part.integers(0), part.integers(1), counts, least, most, total, last)


def _own(numbers: npt.NDArray[N]) -> npt.NDArray[N]:
    whole = numbers.base
    if whole is None or (isinstance(whole, np.ndarray) and whole.nbytes == numbers.nbytes):
        return numbers
    return numbers.copy()


def _nothing(metrics: int) -> Rolled:
    none, empty = np.zeros(0, np.int64), np.zeros((metrics, 0))
    return Rolled(none, none, np.zeros((metrics, 0), np.int64), empty, empty, empty, empty)


def spans(times: Integers, length: int) -> tuple[Places, Integers]:
    """(where in ``times`` each span begins, the span's start)."""
    starts = times - times % length
    if not len(starts):
        return np.zeros(0, np.intp), starts
    begins = np.concatenate(([0], np.flatnonzero(starts[1:] != starts[:-1]) + 1))
    return begins, starts[begins]


def lengths(begins: Places, end: int) -> Places:
    """How long each span is; the last one ends at ``end``. ``np.diff`` with ``append`` takes four times as long."""
    lengths = np.empty_like(begins)
    np.subtract(begins[1:], begins[:-1], out=lengths[:-1])
    lengths[-1] = end - begins[-1]
    return lengths


def folded(how: np.ufunc, values: npt.NDArray[Any], begins: Places) -> Any:
    """``how`` over the columns of each span, which ``begins`` at some column and ends before the next."""
    if not len(values):
        return values[:, : len(begins)]
    counts = lengths(begins, values.shape[1])
    most = int(counts.max())
    if most > FEW or values.shape[0] * len(begins) < SMALL * most:
        return how.reduceat(values, begins, axis=1)
    # Few columns a span: one step for the first of each, one for the second ... is far less than one for each span.
    found = np.take(values, begins, axis=1)
    for place in range(1, most):
        there = counts > place
        if there.all():
            how(found, np.take(values, begins + place, axis=1), out=found)
        else:
            found[:, there] = how(found[:, there], np.take(values, begins[there] + place, axis=1))
    return found


def _sums(values: Floats, begins: Places) -> Floats:
    if len(values) == 1:
        return _sums_of_one(values[0], begins)[None]
    whole, decimals = scaled(np.ascontiguousarray(values))
    most = np.maximum(np.abs(whole.max(axis=1).astype(np.float64)), np.abs(whole.min(axis=1).astype(np.float64)))
    fits = (decimals >= 0) & (most * values.shape[1] < MOST_SUM)
    sums = np.empty((len(values), len(begins)))
    exact, other = np.flatnonzero(fits), np.flatnonzero(~fits)
    sums[exact] = folded(np.add, whole[exact], begins) / np.array(TENS)[decimals[exact]][:, None]
    if len(other):
        with np.errstate(over="ignore", invalid="ignore"):  # of infinities, the sum may be no number
            sums[other] = np.add.reduceat(values[other], begins, axis=1)
    return sums


def _sums_of_one(values: Floats, begins: Places) -> Floats:
    """The same of one metric, which is what most questions are about: a third of the time."""
    found = scaled_one(values)
    if found is not None and max(abs(int(found[0].max())), abs(int(found[0].min()))) * len(values) < MOST_SUM:
        sums: Floats = np.add.reduceat(found[0], begins) / TENS[found[1]]
        return sums
    with np.errstate(over="ignore", invalid="ignore"):
        return np.add.reduceat(values, begins)


def _lasts(values: Floats, missing: npt.NDArray[np.bool_] | None, begins: Places) -> Floats:
    if not len(values):
        return values[:, : len(begins)]
    ends = np.append(begins[1:], values.shape[1]) - 1
    if missing is None:
        return np.ascontiguousarray(values[:, ends])
    places = np.where(missing, -1, np.arange(values.shape[1]))
    found = np.maximum.accumulate(places, axis=1)[:, ends]
    inside = found >= begins
    lasts = np.take_along_axis(values, np.maximum(found, 0), axis=1)
    return np.where(inside, lasts, np.nan)
