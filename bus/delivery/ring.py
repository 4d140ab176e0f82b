"""The newest messages in memory, for as long as the spool cannot be written. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from bus.delivery.retention import Evicted


class Ring:
    """At most ``size`` messages; the oldest make room and are counted."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._runs: dict[int, tuple[int, deque[bytes]]] = {}
        self.count = 0
        self.dropped = 0

    def append(self, epoch: int, first: int, packed: Sequence[bytes]) -> list[Evicted]:
        """Keep messages that follow one another; returns what had to go."""
        start, run = self._runs.setdefault(epoch, (first, deque()))
        if first != start + len(run):
            raise ValueError(f"number {first} where {start + len(run)} should be")
        run.extend(packed)
        self.count += len(packed)
        evicted = []
        while self.count > self._size:
            oldest = next(iter(self._runs))
            lost = min(self.count - self._size, len(self._runs[oldest][1]))
            self.dropped += lost
            evicted.append(Evicted(oldest, self._drop(oldest, lost), lost))
        return evicted

    def settle(self, epoch: int, watermark: int) -> list[Evicted]:
        """Let go of what the store has; a store that loses it again cannot be helped from here."""
        if epoch not in self._runs:
            return []
        start, run = self._runs[epoch]
        stored = min(len(run), watermark - start + 1)
        return [Evicted(epoch, self._drop(epoch, stored), 0)] if stored > 0 else []

    def _drop(self, epoch: int, count: int) -> int:
        """Drop the first messages of an epoch; returns the new base. The newest epoch stays, even empty."""
        start, run = self._runs[epoch]
        for _ in range(count):
            run.popleft()
        self.count -= count
        if run or epoch == next(reversed(self._runs)):
            self._runs[epoch] = (start + count, run)
        else:
            del self._runs[epoch]
        return start + count

    def read(self, epoch: int, first: int, last: int) -> list[bytes] | None:
        """The messages ``first`` to ``last``; None when the epoch is not kept here."""
        if epoch not in self._runs:
            return None
        start, run = self._runs[epoch]
        return list(islice(run, max(0, first - start), max(0, last - start + 1)))

    def runs(self) -> Iterator[tuple[int, int, list[bytes]]]:
        """(epoch, first number, messages), oldest epoch first."""
        for epoch, (start, run) in list(self._runs.items()):
            yield epoch, start, list(run)

    def forget(self, epoch: int) -> None:
        """The messages of this epoch are kept elsewhere now."""
        self.count -= len(self._runs.pop(epoch)[1])
