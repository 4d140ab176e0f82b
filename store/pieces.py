"""Rows and rollups of several files to one answer: each step from all of them, nothing twice. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from bus.questions import AGGREGATES, Column, SeriesAnswer, SeriesTextAnswer, TooMuch
from bus.units import units
from store.blocks.scaled import Floats, Integers
from store.columns import Columns, Steps, coverage, interval_of
from store.rollup import Rolled, chained, coarser, cut, rolled, spread, those

ORDER = ("1h", "5m", "1m", "archive", "blocks", "rows")
"""The tiers as an answer names them, the coarsest first."""

NOTHING: dict[str, Any] = dict.fromkeys(AGGREGATES, ())

MATRICES = {"min": "least", "max": "most", "mean": "total", "last": "last"}
"""By the aggregate that is asked for, the matrix of ``Rolled`` that it is made of."""

MOST_NUMBERS = 4_000_000
"""In one answer: what takes more memory is refused before it is put together."""

MOST_TIMES = 16
"""Rows of times that are remembered, of at most 140 kB each."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer: which tier it is of, its metrics in steps, and how much time it measured, ns."""

    tier: str
    names: tuple[str, ...]
    rolled: Rolled
    covered: float


def of_columns(tier: str, found: Columns, grid: Steps, start: int, end: int) -> Piece | None:
    """Rows between two times as a piece; None when there are none."""
    if not len(found.times) or not found.values:
        return None
    share = coverage(found.times, grid, start, end, interval_of(found.times))
    names = tuple(found.values)
    matrix = np.stack([found.values[name] for name in names])
    return Piece(tier, names, rolled(found.times, matrix, grid.length), share * (end - start))


def of_rollup(tier: str, names: tuple[str, ...], found: Rolled, span: int, grid: Steps) -> Piece:
    """A rollup of some spans as a piece; one that is longer than a step counts where it starts."""
    # How many rows a full span has is not told by anybody: half of the spans are as full as the middle one.
    usual = max(1.0, float(np.median(found.rows)))
    covered = float(np.minimum(found.rows / usual, 1.0).sum()) * span
    return Piece(tier, names, found if span == grid.length else coarser(found, grid.length), covered)


def together(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces of one tier as few: those of the same metrics, one after the other, as one."""
    found: list[list[Piece]] = []
    for piece in pieces:
        if found and found[-1][0].names == piece.names:
            found[-1].append(piece)
        else:
            found.append([piece])
    return [
        Piece(some[0].tier, some[0].names, chained([one.rolled for one in some]), sum(one.covered for one in some))
        for some in found
    ]


@dataclass(frozen=True, slots=True)
class Whole:
    """What an answer says: of each of ``names`` a row in the matrix of each aggregate, a column per step."""

    grid: Steps
    tier: str
    share: float
    names: tuple[str, ...]
    of_each: dict[str, npt.NDArray[Any]]

    @property
    def points(self) -> int:
        """How many steps there are; none where nothing is known."""
        return self.grid.count if self.names else 0


def whole(pieces: Sequence[Piece], grid: Steps, start: int, end: int, aggregates: Sequence[str]) -> Whole:
    """What the pieces, by time, make together; raises ``TooMuch`` when it would be too large."""
    every = tuple(dict.fromkeys(name for piece in pieces for name in piece.names))
    tiers = {piece.tier for piece in pieces}
    tier = "+".join(name for name in ORDER if name in tiers) or "rows"
    if not every:
        return Whole(grid, tier, 0.0, (), {})
    numbers = len(every) * grid.count * (len(aggregates) + 1)
    if numbers > MOST_NUMBERS:
        raise TooMuch(
            f"{len(every)} metrics match, which makes {numbers:,} numbers in {grid.count} steps; at most"
            f" {MOST_NUMBERS:,} an answer: ask for fewer metrics, or steps"
        )
    # One after the other, and together where two pieces share a step: sums of decimals stay exact.
    unasked = [matrix for what, matrix in MATRICES.items() if what not in aggregates]
    one = chained([spread(piece.names, piece.rolled, every).without(unasked) for piece in pieces])
    if (one.starts[1:] <= one.starts[:-1]).any():
        one = coarser(those(one, np.argsort(one.starts, kind="stable")), grid.length)
    one = cut(one, grid.start, grid.start + grid.count * grid.length)
    places = (one.starts - grid.start) // grid.length
    of_each: dict[str, npt.NDArray[Any]] = {}
    if "mean" in aggregates:
        with np.errstate(invalid="ignore", divide="ignore"):
            of_each["mean"] = _placed(one.total / one.count, places, grid.count)
    for what, of in (("min", one.least), ("max", one.most), ("last", one.last)):
        if what in aggregates:
            of_each[what] = _placed(of, places, grid.count)
    if "count" in aggregates:
        of_each["count"] = np.zeros((len(every), grid.count), np.int64)
        of_each["count"][:, places] = one.count
    measured = sum(piece.covered for piece in pieces)
    # Pieces of other layouts of the same time measure it together, not twice.
    share = round(min(1.0, measured / max(end - start, 1)), 4)
    return Whole(grid, tier, share, every, of_each)


def answer(of: Whole) -> SeriesAnswer:
    """The answer as numbers."""
    columns = []
    for place, name in enumerate(of.names):
        wanted = {what: _plain(numbers[place]) for what, numbers in of.of_each.items()}
        columns.append(Column(name, **{**NOTHING, **wanted}))
    grid = of.grid
    times = tuple(range(grid.start, grid.start + of.points * grid.length, grid.length))
    return SeriesAnswer(times, grid.length, of.tier, of.share, tuple(columns))


def text(of: Whole) -> SeriesTextAnswer:
    """The answer as the JSON that clients read; NaN is null there."""
    series = [
        {"metric": name, "unit": unit, **{what: numbers[place] for what, numbers in of.of_each.items()}}
        for place, (name, unit) in enumerate(zip(of.names, units(of.names), strict=True))
    ]
    times = _times(of.grid.start, of.grid.length, of.points)
    told = b"".join((b'{"times":', times, b',"series":', orjson.dumps(series, option=orjson.OPT_SERIALIZE_NUMPY), b"}"))
    return SeriesTextAnswer(of.grid.length, of.tier, of.share, len(of.names), of.points, told)


@lru_cache(maxsize=MOST_TIMES)
def _times(start: int, length: int, count: int) -> bytes:
    """The starts of steps, ms, as JSON: charts of one page have the same, and those of a moving window for a step."""
    times = (start + np.arange(count, dtype=np.int64) * length) // 1_000_000
    return orjson.dumps(times, option=orjson.OPT_SERIALIZE_NUMPY)


def _placed(values: Floats, places: Integers, count: int) -> Floats:
    spread_out = np.full((len(values), count), np.nan)
    spread_out[:, places] = values
    return spread_out


def _plain(values: npt.NDArray[Any]) -> tuple[Any, ...]:
    found = values.tolist()
    if values.dtype != np.float64 or not np.isnan(values).any():
        return tuple(found)
    return tuple(None if value != value else value for value in found)
