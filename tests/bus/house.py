"""A courier over a real spool, before a hub that is played."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from bus.control import Mark, Receipt, Reject, read_hello
from bus.courier import Courier
from bus.delivery.retention import Evicted, NoRoom
from bus.delivery.sender import Sender
from bus.delivery.states import Event
from bus.spool import Spool, SpoolLimits
from bus.wire import Record, read

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9


class Roads:
    """What a courier pushed and greeted; the door may be shut."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.hellos: list[bytes] = []
        self.connects = 0
        self.open = True

    def push(self, frame: bytes) -> bool:
        if self.open:
            self.frames.append(frame)
        return self.open

    def greet(self, frame: bytes) -> None:
        self.hellos.append(frame)

    def connect(self) -> None:
        self.connects += 1

    @property
    def records(self) -> list[Record]:
        return [record for frame in self.frames for record in read(frame)]


class Tight(Spool):
    """A spool whose disk can be full, or have room for so many appends (``left``), and that can be unreadable.

    ``shut``: it cannot be looked after.
    """

    full = blind = shut = False
    left: int | None = None
    sweeps = 0

    def append(self, epoch: int, first: int, packed: Sequence[bytes], now: float, wall: int) -> list[Evicted]:
        if self.full or self.left == 0:
            raise NoRoom("no space left")
        if self.left is not None:
            self.left -= 1
        return super().append(epoch, first, packed, now, wall)

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        return [] if self.blind else super().read(epoch, first, last)

    def sweep(self, now: float, wall: int) -> list[Evicted]:
        self.sweeps += 1
        if self.shut:
            raise NoRoom("no space left")
        return super().sweep(now, wall)


class House:
    """A courier over a real spool."""

    def __init__(self, path: Path, limits: SpoolLimits | None = None, *, seed: int = 1) -> None:
        self.now, self.wall = NOON, WALL
        self.roads = Roads()
        self.spool = Tight(path, limits, source="web-1", now=self.now, wall=self.wall)
        sender = Sender(self.spool.kept(), rng=random.Random(seed), now=NOON, generation=self.spool.generation)
        self.courier = Courier(
            "web-1",
            self.spool,
            sender,
            push=self.roads.push,
            greet=self.roads.greet,
            connect=self.roads.connect,
            boot="boot-1",
            started=WALL,
        )
        self.courier.start(self.now, self.wall)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall += int(seconds * 1e9)
        self.courier.tick(self.now, self.wall)

    def say(self, *bodies: bytes, kind: str = "sample") -> None:
        for body in bodies:
            self.courier.tell(kind, "web-1", self.wall, body)
        self.courier.flush(self.now, self.wall)

    def hear(self, *marks: Mark, answer: int = 0, rejects: tuple[Reject, ...] = ()) -> None:
        receipt = Receipt("web-1", 5, 1, self.wall + 7, marks, answer, rejects=rejects)
        self.courier.receipt(receipt, self.now, self.wall)

    def flow(self, **stored: int) -> None:
        """Connected, and the store told what it has."""
        self.courier.event(Event.CONNECTED, self.now, self.wall)
        hello = read_hello(self.roads.hellos[-1])
        self.hear(*(Mark(o.epoch, stored.get("stored", 0)) for o in hello.offers), answer=hello.nonce)

    @property
    def epoch(self) -> int:
        return self.courier.sender.flows.live.epoch
