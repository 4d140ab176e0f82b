"""A spool on a simulated disk: it fills up, is wiped, comes back from a snapshot; its process may be killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bus.delivery.outflow import Kept
from bus.delivery.retention import Ages, Evicted, Extent, NoRoom, Victims, gone, outdated, victims

Numbered = tuple[int, int]


class Killed(Exception):
    """The process dies here."""


@dataclass
class Platter:
    """What is on the disk."""

    extents: dict[int, Extent] = field(default_factory=dict)
    records: dict[Numbered, bytes] = field(default_factory=dict)
    ages: list[tuple[float, Numbered]] = field(default_factory=list)
    generation: int = 0

    def copy(self) -> Platter:
        """A snapshot."""
        return Platter(
            {epoch: replace(extent) for epoch, extent in self.extents.items()},
            dict(self.records),
            list(self.ages),
            self.generation,
        )


@dataclass
class Account:
    """What became of messages on this host, for the checker; keys are (epoch, number)."""

    accepted: dict[Numbered, bytes] = field(default_factory=dict)
    lives: list[tuple[Numbered, bytes]] = field(default_factory=list)
    dropped: set[Numbered] = field(default_factory=set)
    trimmed: set[Numbered] = field(default_factory=set)
    wiped: set[Numbered] = field(default_factory=set)
    excused: set[bytes] = field(default_factory=set)
    """Packed messages that were in a spool that is gone: nobody could supply them."""
    moved: set[int] = field(default_factory=set)
    """Epochs whose messages were given new numbers."""

    def lose(self, numbers: set[Numbered]) -> None:
        """The spool is gone, or older than these, and forgets also what it let go of before."""
        lost = numbers | self.trimmed | self.dropped
        self.wiped |= lost
        self.excused.update(self.accepted[number] for number in lost)


class DictSpool:
    """The interface of ``bus.spool.Spool`` over a ``Platter``; all of it is durable at once."""

    def __init__(
        self,
        platter: Platter,
        account: Account,
        *,
        messages: int,
        acknowledged_seconds: float,
        trip: Callable[[str], None] = lambda place: None,
        full: Callable[[], bool] = lambda: False,
    ) -> None:
        self.platter = platter
        self.account = account
        self.generation = platter.generation
        self.bytes = self.limit = self.dropped = 0
        self.seconds = 0.0
        self._size = messages
        self._acknowledged_seconds = acknowledged_seconds
        self._trip = trip
        self._full = full

    @property
    def messages(self) -> int:
        """Messages kept."""
        return len(self.platter.records)

    def kept(self) -> list[Kept]:
        """The epochs that are remembered."""
        return [
            Kept(e.epoch, e.base, e.last, min(e.acked, e.last), min(e.once, e.last))
            for e in self.platter.extents.values()
        ]

    def append(self, epoch: int, first: int, packed: Sequence[bytes], now: float, wall: int) -> list[Evicted]:
        """Make messages durable."""
        self._trip("before spool")
        if self._full():
            raise NoRoom("disk full")
        extents = self.platter.extents
        extent = extents.get(epoch)
        if extent is None:
            order = max((e.order for e in extents.values()), default=0) + 1
            extent = extents[epoch] = Extent(order, epoch, first, first - 1)
        assert first == extent.last + 1, "a hole in the spool"
        assert extent.order == max(e.order for e in extents.values()), "not the newest epoch"
        evicted = self._make_room(len(packed))
        for number, one in enumerate(packed, first):
            self.platter.records[epoch, number] = one
            self.account.accepted[epoch, number] = one
            self.account.lives.append(((epoch, number), one))
        extent.last += len(packed)
        self._trip("after spool")
        return evicted

    def _make_room(self, need: int) -> list[Evicted]:
        evicted = []
        for victim in victims(list(self.platter.extents.values())):
            excess = len(self.platter.records) + need - self._size
            if excess <= 0:
                break
            upto = min(victim.upto, victim.extent.base + excess - 1)
            evicted.append(self._evict(Victims(victim.extent, upto, victim.acked)))
        return evicted

    def _evict(self, victim: Victims) -> Evicted:
        extent = victim.extent
        for number in range(extent.base, victim.upto + 1):
            del self.platter.records[extent.epoch, number]
            place = self.account.trimmed if number <= extent.acked else self.account.dropped
            place.add((extent.epoch, number))
        evicted = gone(extent, victim.upto)
        self.dropped += evicted.dropped
        return evicted

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        """Some messages from ``first`` on."""
        found = []
        for number in range(first, min(last, first + 63) + 1):
            one = self.platter.records.get((epoch, number))
            if one is None:
                break
            found.append(one)
        return found

    def acknowledged(self, epoch: int, watermark: int, generation: int) -> None:
        """The store has everything up to here."""
        self.platter.generation = self.generation = generation
        if epoch in self.platter.extents:
            extent = self.platter.extents[epoch]
            extent.acked = watermark
            extent.once = max(extent.once, watermark)

    def trim(self, epoch: int, upto: int, now: float, wall: int) -> None:
        """Delete what stands elsewhere."""
        extent = self.platter.extents.get(epoch)
        # Its copies may have had to make room for themselves: then nothing of it is left here.
        if extent is not None and upto >= extent.base:
            extent.acked = max(extent.acked, upto)
            self._evict(Victims(extent, upto, True))

    def sweep(self, now: float, wall: int) -> list[Evicted]:
        """Drop what is too old."""
        extents = list(self.platter.extents.values())
        ages = Ages(20.0, self.platter.ages)
        if extents:
            ages.note(now, (extents[-1].order, extents[-1].last))
        old = outdated(extents, ages.older_than(now - self._acknowledged_seconds), None)
        return [self._evict(victim) for victim in list(old)]

    def status(self) -> DictSpool:
        """What it holds."""
        return self

    def close(self, now: float, wall: int) -> None:
        """Nothing is left to be written."""
