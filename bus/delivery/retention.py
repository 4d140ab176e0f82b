"""What a spool lets go of, in which order (rule R7), and how long it is until then. Pure.

Acknowledged messages stay while there is room and they are not too old, so that a store restored from an older
copy can be refilled. When room is needed, acknowledged messages go first, oldest first; then unacknowledged
ones, oldest first, and each of those counts as dropped.

Age is counted in the time that the spool was in use, not by the wall clock: a clock that jumps to the year
2038 must not throw a week of samples away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bus.delivery.outflow import Kept

SURE_SECONDS = 60.0
"""Of what was told in less time nobody can tell how much is told."""


class NoRoom(Exception):
    """A spool cannot be written now; nothing of the batch was kept."""


Place = tuple[int, int]
"""Where a message stands: the order of its epoch in the spool, its number."""


@dataclass(slots=True)
class Extent:
    """One epoch in a spool. ``last`` < ``base`` when no message is left; ``once`` is the highest ever acked."""

    order: int
    epoch: int
    base: int = 1
    last: int = 0
    acked: int = 0
    once: int = 0

    @property
    def count(self) -> int:
        """Messages that are there."""
        return self.last - self.base + 1

    def kept(self) -> Kept:
        """What whoever sends it has to know of it."""
        return Kept(self.epoch, self.base, self.last, min(self.acked, self.last), min(self.once, self.last))

    def copied(self) -> Extent:
        """One that stays as this one is now."""
        return Extent(self.order, self.epoch, self.base, self.last, self.acked, self.once)


@dataclass(frozen=True, slots=True)
class Evicted:
    """Everything below ``base`` is gone from an epoch; ``dropped`` of what went was not acknowledged.

    Of that the first was measured at ``since``, the last at ``until``, in ns since 1970; 0 where nobody can tell.
    """

    epoch: int
    base: int
    dropped: int
    since: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class Victims:
    """The messages from the extent's base up to ``upto`` may go."""

    extent: Extent
    upto: int
    acked: bool


def victims(extents: list[Extent]) -> Iterator[Victims]:
    """What to let go of for room, first to go first; ``extents`` by order. Each is looked at when asked for."""
    for extent in extents:
        upto = min(extent.acked, extent.last)
        if upto >= extent.base:
            yield Victims(extent, upto, True)
    for extent in extents:
        if extent.last >= extent.base:
            yield Victims(extent, extent.last, False)


def outdated(extents: list[Extent], acked: Place | None, any_: Place | None) -> Iterator[Victims]:
    """What is too old: acknowledged messages up to the place ``acked``, all messages up to ``any_``."""
    for extent in extents:
        if any_ is not None and extent.order <= any_[0]:
            upto = extent.last if extent.order < any_[0] else min(extent.last, any_[1])
            if upto >= extent.base:
                yield Victims(extent, upto, False)
        if acked is not None and extent.order <= acked[0]:
            upto = extent.last if extent.order < acked[0] else min(extent.last, acked[1])
            upto = min(upto, extent.acked)
            if upto >= extent.base:
                yield Victims(extent, upto, True)


def gone(extent: Extent, upto: int, times: Sequence[int] = ()) -> Evicted:
    """Let go of everything up to ``upto``; says what that was. ``times``: when what is dropped by it was measured."""
    dropped = max(0, upto - max(extent.acked, extent.base - 1))
    extent.base = upto + 1
    return Evicted(extent.epoch, extent.base, dropped, min(times, default=0), max(times, default=0))


class Ages:
    """Which place was the newest at which time of use; one mark for each ``step`` seconds."""

    def __init__(self, step: float, marks: list[tuple[float, Place]]) -> None:
        self._step = step
        self.marks = marks

    def note(self, running: float, newest: Place) -> bool:
        """Remember that ``newest`` was the newest message at ``running``; True when a mark was made."""
        if self.marks and running - self.marks[-1][0] < self._step:
            return False
        self.marks.append((running, newest))
        return True

    def older_than(self, running: float) -> Place | None:
        """A place that was the newest at ``running`` or before, None when none is known."""
        place = None
        for at, newest in self.marks:
            if at > running:
                break
            place = newest
        return place

    def forget(self, running: float) -> list[float]:
        """Drop all but the newest of the marks at ``running`` or before; returns the times of the dropped."""
        old = [at for at, _ in self.marks if at <= running][:-1]
        del self.marks[: len(old)]
        return old


def seconds_left(*, most: int, longest: float, size: float, waiting: int, told: int, elapsed: float) -> float | None:
    """Seconds until the oldest message that waits for the store has to go; None while that cannot be told.

    The spool takes ``most`` bytes, ``size`` for each message, and keeps each for ``longest`` seconds. In it are
    ``waiting`` that the store does not have; ``told`` were told within ``elapsed`` seconds, and so it is to go on.
    """
    if elapsed < SURE_SECONDS or not told or size <= 0:
        return None
    each = elapsed / told
    return max(0.0, min((most / size - waiting) * each, longest - waiting * each))
