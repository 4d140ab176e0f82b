"""A stretch of time laid over columns, with round local times to read it by. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3600 * n for n in (1, 2, 3, 6, 12)),
    *(86_400 * n for n in (1, 2, 5, 10, 20, 50, 100)),
)
"""Seconds between two labels that people find round."""


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time that charts can show, and the step in which its values are kept."""

    name: str
    seconds: int
    step: int

    @property
    def points(self) -> int:
        """Steps in it."""
        return self.seconds // self.step


WINDOWS = (
    Window("5m", 300, 1),
    Window("15m", 900, 3),
    Window("1h", 3600, 10),
    Window("3h", 10_800, 30),
    Window("6h", 21_600, 60),
    Window("12h", 43_200, 120),
    Window("24h", 86_400, 240),
    Window("3d", 259_200, 720),
    Window("7d", 604_800, 1800),
    Window("30d", 2_592_000, 7200),
)


@dataclass(frozen=True, slots=True)
class Axis:
    """``count`` columns of ``step`` seconds from ``start`` on (seconds since the epoch)."""

    start: float
    step: float
    count: int

    @property
    def end(self) -> float:
        """The end of the last column."""
        return self.start + self.step * self.count

    def column(self, at: float) -> int:
        """The column that shows ``at``; may lie outside."""
        return math.floor((at - self.start) / self.step)


def axis(now: float, seconds: float, count: int) -> Axis:
    """The last ``seconds`` up to ``now`` over ``count`` columns.

    Columns begin at multiples of their length, so that a picture moves by whole columns and does not shimmer.
    """
    count = max(1, count)
    step = seconds / count
    end = (math.floor(now / step) + 1) * step
    return Axis(end - step * count, step, count)


def local(at: float, zone: tzinfo | None) -> datetime:
    """The wall clock at ``at``; ``zone`` None is the machine's own."""
    held = max(-62_000_000_000.0, min(at, 250_000_000_000.0))
    moment = datetime.fromtimestamp(held, UTC)
    return moment.astimezone(zone)


def clock(at: float, zone: tzinfo | None) -> str:
    """``14:05:30``."""
    return local(at, zone).strftime("%H:%M:%S")


def moment(at: float, now: float, zone: tzinfo | None) -> str:
    """``14:05:30`` for a time of today, ``24 Jul 14:05:30`` for another day, with the year for another year."""
    then, today = local(at, zone), local(now, zone)
    if then.date() == today.date():
        return f"{then:%H:%M:%S}"
    year = "" if then.year == today.year else f" {then.year}"
    return f"{then.day} {then:%b}{year} {then:%H:%M:%S}"


def labels(start: float, end: float, width: int, zone: tzinfo | None) -> list[tuple[int, str]]:
    """Round local times between ``start`` and ``end`` as (first column, text), none touching another.

    Each label's middle stands in the column of its time.
    """
    span = end - start
    if width < 5 or span <= 0:
        return []
    step = next((step for step in _STEPS if step * width >= span * (_widest(step) + 3)), _STEPS[-1])
    found: list[tuple[int, str]] = []
    free = 0
    for at in _round_times(start, end, step, zone):
        text = _label(at, step, zone)
        # A time that lies on the edge of two columns is in the right one, whatever the division makes of it.
        first = math.floor((at - start) * width / span + 1e-6) - len(text) // 2
        if first >= free and first + len(text) <= width:
            found.append((first, text))
            free = first + len(text) + 2
    return found


def _round_times(start: float, end: float, step: int, zone: tzinfo | None) -> list[float]:
    """The times whose local reading is a multiple of ``step``, also where a clock jumps on or back."""
    found: list[float] = []
    at = start
    while at < end and len(found) < 400:
        offset = _offset(at, zone)
        reading = math.ceil((at + offset) / step) * step
        after = reading - offset
        # Where the clock jumps before it reads that, it reads something else then, and that at another time, or never.
        times = (one for one in (after, reading - _offset(after, zone)) if (one + _offset(one, zone)) % step == 0)
        following = next((one for one in times if one >= at), None)
        if following is not None and following < end:
            found.append(following)
        at = (after if following is None else following) + 1
    return found


def _offset(at: float, zone: tzinfo | None) -> float:
    offset = local(at, zone).utcoffset()
    return offset.total_seconds() if offset else 0.0


def _widest(step: int) -> int:
    """Columns of the longest label that is written at such a distance."""
    return 8 if step < 60 else 5 if step < 3600 else 6 if step < 86_400 else 10


def _label(at: float, step: int, zone: tzinfo | None) -> str:
    moment = local(at, zone)
    if step >= 86_400 or (step >= 3600 and moment.hour == 0 and moment.minute == 0):
        return f"{moment:%a} {moment.day} {moment:%b}" if step >= 86_400 else f"{moment:%a} {moment.day}"
    return f"{moment:%H:%M:%S}" if step < 60 else f"{moment:%H:%M}"
