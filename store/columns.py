"""Rows to columns, and columns to steps of equal length. Pure.

Vectorised over rows: one sample at a time costs forty times as much.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bus.fields import Unfit
from bus.messages import split_sample
from bus.timing import SECOND
from bus.wire import HEADER
from store.keys import FAR
from store.rows import Row

Numbers = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Layouts = Callable[[tuple[int, ...]], dict[int, tuple[str, ...]]]
"""Gives the names behind those ids of layouts that are known."""
NAMES_LENGTH = slice(4, 6)


@dataclass(frozen=True, slots=True)
class Columns:
    """``times`` in ns, ascending; ``values`` by metric, NaN where there was no reading, as long as ``times``."""

    times: Times
    values: dict[str, Numbers]


def matching(names: Iterable[str], globs: Sequence[str]) -> list[str]:
    """The names that match any of the globs, in their own order; ``[`` and ``]`` stand for themselves."""
    return list(_matching(tuple(names), tuple(globs)))


@lru_cache(maxsize=1024)
def _matching(names: tuple[str, ...], globs: tuple[str, ...]) -> tuple[str, ...]:
    wanted = [_pattern(glob) for glob in globs]
    return tuple(name for name in names if any(pattern.match(name) for pattern in wanted))


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(re.sub(r"([\[\]])", lambda found: f"[{found[0]}]", glob)))


def columns(
    rows: Sequence[Row],
    globs: Sequence[str],
    layouts: Layouts,
) -> Columns:
    """The columns of the metrics that match, from rows in time order; rows that cannot be read are left out."""
    split = [_split(record) for _, _, record in rows]
    known = layouts(tuple({layout for layout, _ in split if layout}))
    times = np.array([row[0] for row in rows], dtype=np.int64)
    values: dict[str, Numbers] = {}
    for layout, names in known.items():
        size = len(names) * 8
        places = [i for i, (found, packed) in enumerate(split) if found == layout and len(packed) == size]
        chosen = matching(names, globs)
        if not places or not chosen:
            continue
        packed = b"".join(split[i][1] for i in places)
        matrix = np.frombuffer(packed, dtype="<f8").reshape(len(places), len(names))
        index = {name: i for i, name in enumerate(names)}
        for name in chosen:
            column = values.get(name)
            if column is None:
                column = values[name] = np.full(len(rows), np.nan)
            column[places] = matrix[:, index[name]]
    return Columns(times, values)


def united(some: Sequence[Columns]) -> Columns:
    """All of them as one, by time; NaN where one has no such metric."""
    if len(some) == 1:
        return some[0]
    times = np.concatenate([one.times for one in some])
    order = None if (times[1:] >= times[:-1]).all() else np.argsort(times, kind="stable")
    values = {}
    for name in dict.fromkeys(name for one in some for name in one.values):
        column = np.concatenate([one.values.get(name, np.full(len(one.times), np.nan)) for one in some])
        values[name] = column if order is None else column[order]
    return Columns(times if order is None else times[order], values)


def layout_of(record: bytes) -> int:
    """The id of a sample's layout; 0 when it cannot be read."""
    return _split(record)[0]


def _split(record: bytes) -> tuple[int, bytes]:
    names = sum(record[NAMES_LENGTH])
    try:
        return split_sample(record[HEADER.size + names :])
    except Unfit:
        return 0, b""


@dataclass(frozen=True, slots=True)
class Steps:
    """``count`` steps of ``length`` ns from ``start`` on; a step holds its start, not its end."""

    start: int
    length: int
    count: int


def steps(start: int, end: int, points: int, least: int = 0) -> Steps:
    """Steps of a round length that cover ``start`` to ``end`` with at most ``points`` of them, none below ``least``.

    They lie on multiples of their length, so that the same steps come back when the window moves on.
    """
    span = max(end - start, 1)
    for length in _LENGTHS:
        if length >= least and _count(start, end, length) <= points:
            break
    else:
        length = -(-span // points // _LENGTHS[-1]) * _LENGTHS[-1] + _LENGTHS[-1]
        while _count(start, end, length) > max(points, 2):
            length += _LENGTHS[-1]
    first = start - start % length
    return Steps(first, length, _count(start, end, length))


def steps_of(start: int, end: int, length: int, most: int) -> Steps:
    """Steps of ``length`` ns, or of a multiple of it where there would be more than ``most``."""
    length = min(max(length, 1), FAR)
    length *= max(1, -(-_count(start, end, length) // most))
    while _count(start, end, length) > most:
        length *= 2
    return Steps(start - start % length, length, _count(start, end, length))


def _count(start: int, end: int, length: int) -> int:
    return (end - (start - start % length)) // length + 1


_LENGTHS = [
    *(SECOND // 1000 * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(SECOND * n for n in (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600)),
    *(SECOND * 3600 * n for n in (2, 3, 4, 6, 8, 12, 24, 48, 72, 168, 336, 720)),
]


class Measured(NamedTuple):
    """What rows measured until some time: that of the first, their usual distance, and for how long they speak, ns."""

    first: int
    interval: int
    spans: int

    def share(self, start: int, end: int) -> float:
        """Of the time from ``start``, which is not after the first row, to the ``end`` until which they speak."""
        lead = min(self.first - start, self.interval)
        return round(min(1.0, (float(self.spans) + lead) / (end - start)), 4)


def measured(times: Times, end: int, interval: int) -> Measured:
    """Of rows, at least one, of which none is after ``end``: each speaks for one ``interval``, ns."""
    # A row covers the time until the next one, but no longer than the interval (and a half, for jitter).
    most = interval * 3 // 2
    spans = int(np.minimum(times[1:] - times[:-1], most).sum()) + min(end - int(times[-1]), most)
    return Measured(int(times[0]), interval, spans)


def coverage(times: Times, grid: Steps, start: int, end: int, interval: int) -> float:
    """The share of ``start`` to ``end`` that was measured: each row speaks for one ``interval``, ns."""
    if end <= start or not len(times):
        return 0.0
    inside = times if times[0] >= start and times[-1] <= end else times[(times >= start) & (times <= end)]
    return measured(inside, end, interval).share(start, end) if len(inside) else 0.0


def interval_of(times: Times) -> int:
    """The usual distance between rows, ns; one second where there are too few to tell."""
    if len(times) < 3:
        return SECOND
    distances = times[1:] - times[:-1]
    distances = np.sort(distances[distances > 0])
    if not len(distances):
        return SECOND
    # The median, without what numpy's own does besides, which is most of its time for few rows.
    low, high = distances[(len(distances) - 1) // 2], distances[len(distances) // 2]
    return int((float(low) + float(high)) / 2)
