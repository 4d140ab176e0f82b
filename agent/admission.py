"""Which metrics of a program are told: a bounded number, whose names seldom change. Pure; ``now`` is monotonic.

Each other list of names is a layout of its own, and of those and of new names a hub lets in a day's allowance from each
host (``[collector] metrics``). Who uses it up is told without names, with all that the agent measures. A program that
has other labels ever so often would do so within hours, so that

- what is gone keeps its name, without a value, for an hour at least;
- what is new waits, so that some is told together, once that came about often;
- there is an allowance of new names, far below the hub's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from bus.bucket import Bucket

CHANGES, CHANGE_SECONDS = 20, 900.0
"""So many other lists of names at once, and one more after each such time."""
GONE_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
WAITS = "waits"


class Told(Protocol):
    """What is told whole or not at all."""

    @property
    def name(self) -> str:
        """By which it is known."""

    @property
    def size(self) -> int:
        """So many metrics it is."""


T = TypeVar("T", bound=Told)


class Admission(Generic[T]):
    """Of ``most`` metrics at once, and twice as many new ones at first and as many with each day."""

    def __init__(self, most: int, now: float) -> None:
        self._most = most
        self._told: dict[str, T] = {}
        self._gone: dict[str, tuple[T, float]] = {}
        """What the last answers had no more, and since when."""
        self._changes = Bucket(1 / CHANGE_SECONDS, now, seconds=CHANGES * CHANGE_SECONDS)
        self._names = Bucket(most / DAY_SECONDS, now, seconds=2 * DAY_SECONDS)
        self._now: dict[str, T] = {}
        self._room, self._may_change, self._changed = most, True, False

    def begin(self, now: float) -> None:
        """An answer comes: what was told of the one before has its place."""
        self._now, self._changed = {}, False
        self._room = self._most - sum(one.size for one in self._told.values())
        self._changes.open(now)
        self._names.open(now)
        self._may_change = self._changes.tokens >= 1

    def reason(self, one: T) -> str | None:
        """Take it; else why it is not told: a sentence, or ``WAITS``."""
        if one.name not in self._told:
            if one.size > self._room:
                return f"more than {self._most} metrics"
            if one.name not in self._gone:
                if self._names.tokens < one.size:
                    return f"more new metrics than {self._most} a day"
                if not self._may_change:
                    return WAITS
                self._names.spend(one.size)
                self._changed = True
            self._room -= one.size
        self._now[one.name] = one
        return None

    def took(self, name: str) -> bool:
        """Whether it was taken of this answer."""
        return name in self._now

    def end(self, now: float) -> Iterator[T]:
        """The answer was whole: what is told without a value, since it is gone."""
        gone = self._gone | {name: (one, now) for name, one in self._told.items()}
        gone = {name: of for name, of in gone.items() if name not in self._now}
        over = [name for name, (_, since) in gone.items() if now - since >= GONE_SECONDS]
        if self._may_change:
            self._changed |= bool(over)
            gone = {name: of for name, of in gone.items() if name not in over}
        room = self._most - sum(one.size for one in self._now.values())
        kept: dict[str, tuple[T, float]] = {}
        for name, of in reversed(gone.items()):  # what went last first
            room -= of[0].size
            if room >= 0:
                kept[name] = of
        if self._changed:
            self._changes.spend(1)
        self._told, self._gone = self._now, dict(reversed(kept.items()))
        return (one for one, _ in self._gone.values())

    @property
    def has_told(self) -> bool:
        """Whether something was told before."""
        return bool(self._told or self._gone)
