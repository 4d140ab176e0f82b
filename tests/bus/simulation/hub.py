"""Collector and store: the real receiver and fence over a simulated disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bus.control import Flags, pack_receipt, read_hello, receipt_source
from bus.delivery.facts import Declared, Found, Verdict
from bus.delivery.fence import Fence, Handling
from bus.delivery.identity import TwoHosts
from bus.delivery.ranges import Ranges
from bus.delivery.receiver import Receiver
from bus.delivery.sources import Limits
from bus.wire import read
from tests.bus.simulation.network import Link
from tests.bus.simulation.world import NOON, World

POISON = b"poison"
Key = tuple[str, int, int]


@dataclass
class HubDisk:
    """What the store has on its disk."""

    rows: dict[Key, bytes] = field(default_factory=dict)
    streams: dict[bytes, bytes] = field(default_factory=dict)
    ledger: dict[tuple[str, int], Ranges] = field(default_factory=dict)
    quarantine: set[Key] = field(default_factory=set)
    generation: int = 1 << 40

    def copy(self) -> HubDisk:
        """A backup."""
        return HubDisk(
            dict(self.rows),
            dict(self.streams),
            {key: ranges.copy() for key, ranges in self.ledger.items()},
            set(self.quarantine),
            self.generation,
        )


LIMITS = Limits(forget_seconds=float("inf"), elsewhere_seconds=60.0)
"""A clock that leaps by a year has nothing forgotten: ``store.leaps`` sees to that.

Histories are of minutes: what another boot told is waited for as long as the rest, and not for a day.
"""


class Died(Exception):
    """The store's process ends here."""


class Hub:
    """A collector that forgets everything at a restart, and a store that must not."""

    def __init__(self, world: World, receiver: type[Receiver] = Receiver) -> None:
        self.world = world
        self.disk = HubDisk()
        self.marker = b""
        self.full = False
        self.clock = 0
        self.commit_seconds = 0.05
        self.capacity: float | None = None
        self.trip_at: str | None = None
        self.fenced = True
        self.early_receipts = False
        self.ever: set[bytes] = set()
        self.stored_at: dict[bytes, float] = {}
        self.twice: list[Key] = []
        self.two_hosts: list[TwoHosts] = []
        self.stepped = False
        """Whether its clock ever was."""
        self.restored = 0
        self.deaths = 0
        self.roads: dict[str, Link] = {}
        self.collector_up = True
        self._routes: set[str] = set()
        self._receiver_type = receiver
        self.receiver: Receiver | None = None
        self._fence = Fence()
        self._frames: list[bytes] = []
        self._hellos: list[bytes] = []
        self._committing = False
        self._credit = 0.0

    # -- collector ---

    def door(self, frame: bytes) -> None:
        """A frame of records came to the collector."""
        if self.collector_up and self.receiver is not None:
            self._frames.append(frame)
            self._soon()

    def road(self, frame: bytes) -> None:
        """A HELLO came to the collector."""
        if self.collector_up:
            self._routes.add(read_hello(frame).source)
            if self.receiver is not None:
                self._hellos.append(frame)
                self._soon()

    def restart_collector(self, hang_up: Callable[[bool], None]) -> None:
        """The collector dies, and is there again after a second."""
        self.collector_up = False
        self._routes.clear()
        hang_up(False)

        def up() -> None:
            self.collector_up = True
            hang_up(True)

        self.world.after(self.world.rng.uniform(0.2, 2), up)

    # -- store ---

    def start(self) -> None:
        """The store's process starts, if it does not run."""
        if self.receiver is None:
            incarnation = self.world.rng.getrandbits(64)
            self.receiver = self._receiver_type(self.disk.generation, incarnation, self.disk.streams.items(), LIMITS)
            self._fence = Fence(self.marker if self.fenced else b"")

    def kill(self) -> None:
        """The store's process dies; what it had not committed is gone."""
        self.deaths += 1
        self.receiver = None
        self._committing = False
        self._frames.clear()
        self._hellos.clear()
        self.trip_at = None

    def kill_for(self, seconds: float) -> None:
        """The store dies and is started again."""
        self.kill()
        self.world.after(seconds, self.start)

    def restore(self, backup: HubDisk, *, bumped: bool) -> None:
        """The store's disk is replaced by an older copy; ``bumped``: by the restore command."""
        self.kill()
        generation = self.disk.generation
        self.disk = backup.copy()
        self.marker = b""
        self.restored += 1
        if bumped:
            self.disk.generation = generation + (1 << 16)
        self.world.after(self.world.rng.uniform(0.1, 3), self.start)

    def _soon(self) -> None:
        if not self._committing:
            self._committing = True
            receiver = self.receiver

            def turn() -> None:
                if self.receiver is receiver:
                    self._committing = False
                    try:
                        self._batch()
                    except Died:
                        self.kill_for(self.world.rng.uniform(0.1, 3))
                    if self._frames:
                        self._soon()

            self.world.after(self.commit_seconds, turn)

    def _batch(self) -> None:
        """Everything that came, in one transaction, and then the receipts."""
        receiver = self.receiver
        assert receiver is not None
        frames, self._frames = self._frames, []
        if self.capacity is not None:
            frames, self._frames = self._affordable(self.capacity * self.commit_seconds, frames)
        hellos, self._hellos = self._hellos, []
        if self.world.chance(0.05):
            receiver.prune(self._clock)
        for hello in hellos:
            receiver.greet(read_hello(hello), self._clock)
        rows, quarantined = self._work(receiver, frames)
        if self.early_receipts:
            self._receipts(receiver)
        self._trip("before commit")
        if self.full and (receiver.changed or rows):
            receiver.rollback()
            self._receipts(receiver, Flags.DISK_FULL)
            return
        self._commit(receiver, rows, quarantined)
        self._trip("before receipts")
        self._receipts(receiver, Flags.DISK_FULL if self.full else Flags.NONE)
        self._trip("after receipts")

    def _affordable(self, budget: float, frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """What the store can take in one turn, and what has to wait; a frame that is too large is owed for."""
        self._credit = min(self._credit, budget) + budget
        for at, frame in enumerate(frames):
            if self._credit <= 0:
                return frames[:at], frames[at:]
            self._credit -= len(read(frame))
        return frames, []

    def _work(self, receiver: Receiver, frames: list[bytes]) -> tuple[dict[Key, bytes], set[Key]]:
        """Admit the records of a batch, suspects by themselves."""
        rows: dict[Key, bytes] = {}
        quarantined: set[Key] = set()
        records = [record for frame in frames for record in read(frame)]
        handling = [self._fence.verdict(r.source, r.epoch, r.number) for r in records]
        runs = [(r.source, r.epoch, r.number, r.number) for r in records]
        self.marker = self._fence.around(run for run, how in zip(runs, handling, strict=True) if how is Handling.BULK)
        for wanted in Handling:
            for record, how in zip(records, handling, strict=True):
                if how is not wanted:
                    continue
                key = (record.source, record.epoch, record.number)
                place = (*key, record.base, record.generation, self._clock)
                if how is Handling.QUARANTINE:
                    if receiver.reject(*place, "poison") is Verdict.NEW:
                        quarantined.add(key)
                    continue
                if how is Handling.ALONE:
                    self.marker = self._fence.around([(*key, record.number)])
                if record.body == POISON:
                    raise Died
                if receiver.admit(*place) is Verdict.NEW:
                    rows[key] = record.body
        self._done = runs
        return rows, quarantined

    def _commit(self, receiver: Receiver, rows: dict[Key, bytes], quarantined: set[Key]) -> None:
        puts, deletes = receiver.changes()
        for key in deletes:
            self.disk.streams.pop(key, None)
        self.disk.streams.update(puts)
        for key_, body in rows.items():
            if key_ in self.disk.rows:
                self.twice.append(key_)
            self.disk.rows[key_] = body
            self.ever.add(body)
            self.stored_at.setdefault(body, self.world.now)
        self.disk.quarantine |= quarantined
        for fact in receiver.facts:
            match fact:
                case Declared(source, epoch, gap):
                    self.disk.ledger.setdefault((source, epoch), Ranges()).add(gap.first, gap.last)
                case Found(source, epoch, number):
                    self.disk.ledger[source, epoch].discard(number, number)
                case TwoHosts():
                    self.two_hosts.append(fact)
        receiver.commit()
        self.marker = self._fence.cleared(self._done)

    def _receipts(self, receiver: Receiver, flags: Flags = Flags.NONE) -> None:
        for receipt in receiver.receipts(NOON + int(self.world.now * 1e9) + self.clock, flags):
            frame = pack_receipt(receipt)
            if self.collector_up and receipt_source(frame) in self._routes:
                self.roads[receipt.source].send(frame)

    def waits(self) -> list[str]:
        """What is neither stored nor declared gone of that which somebody said he had; nothing comes any more."""
        receiver = self.receiver
        assert receiver is not None
        receiver.prune(self._clock)
        self._commit(receiver, {}, set())
        return [
            f"{source} {stream.epoch:x} waits: {stream.watermark} of {max(stream.last, stream.beyond.last)}"
            for source in receiver.sources()
            for stream in receiver.streams(source).values()
            if stream.watermark < max(stream.last, stream.beyond.last)
        ]

    @property
    def _clock(self) -> float:
        return self.world.now + self.clock / 1e9

    def _trip(self, place: str) -> None:
        if self.trip_at == place:
            self.world.note(f"store died {place}")
            self.trip_at = None
            raise Died
