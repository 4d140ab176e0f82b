"""Many agents in few processes: each with its own key, its own two connections, and the real sender's protocol.

What differs from an agent: it measures nothing, and its spool is in memory, since ten thousand real ones would share
one disk here.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import heapq
import math
import random
import resource
import select
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import zmq

from benchmarks.producers import NAMES
from bus.control import read_receipt
from bus.courier import Courier
from bus.delivery.outflow import Kept
from bus.delivery.retention import Evicted
from bus.delivery.sender import Sender
from bus.delivery.states import Event, State
from bus.keys import KeyPair
from bus.messages import Layout, Sample, encode, layout_id
from bus.sockets import Hear, Push
from bus.wire import Malformed

FILES = 6
"""Open files of one agent here: two connections, and what libzmq needs to wake up three sockets."""
COMING = 100
"""So many agents of a process shake hands at the same time; hosts are not all switched on in one second."""
LAYOUT = layout_id(NAMES)


Ways = tuple[tuple[str, str], ...]
"""Door and receipts' road of each collector; an agent's name chooses one, as ``bus.ways`` does it."""


@dataclass(frozen=True)
class MemoryStatus:
    """What a spool in memory says of itself."""

    bytes: int = 0
    limit: int = 0
    seconds: float = 0.0
    messages: int = 0
    dropped: int = 0


class MemorySpool:
    """As ``bus.spool``, without a disk."""

    generation = 0

    def __init__(self) -> None:
        self._kept: dict[int, dict[int, bytes]] = {}

    def kept(self) -> list[Kept]:
        """Nothing from an earlier life."""
        return []

    def append(self, epoch: int, first: int, packed: Sequence[bytes], now: float, wall: int) -> list[Evicted]:
        """Keep messages."""
        self._kept.setdefault(epoch, {}).update(enumerate(packed, first))
        return []

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        """Messages from ``first`` on."""
        kept = self._kept.get(epoch, {})
        return [kept[number] for number in range(first, last + 1) if number in kept]

    def acknowledged(self, epoch: int, watermark: int, generation: int) -> None:
        """Forget what is stored."""
        self.generation = generation
        kept = self._kept.get(epoch, {})
        for number in [number for number in kept if number <= watermark]:
            del kept[number]

    def trim(self, epoch: int, upto: int, now: float, wall: int) -> None:
        """Forget what stands elsewhere."""
        self.acknowledged(epoch, upto, self.generation)

    def sweep(self, now: float, wall: int) -> list[Evicted]:
        """Nothing grows old here."""
        return []

    def status(self) -> MemoryStatus:
        """What it holds."""
        return MemoryStatus(messages=sum(map(len, self._kept.values())))

    def close(self, now: float, wall: int) -> None:
        """Nothing is kept."""


class Agent:
    """One agent: its courier, its two roads."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], name: str, own: KeyPair | None, hub: str, ways: Ways
    ) -> None:
        self.push, self.hear = Push(context), Hear(context)
        self._way = ways[zlib.crc32(name.encode()) % len(ways)]
        for road in (self.push, self.hear):
            road.raw.setsockopt(zmq.LINGER, 0)
            # As after a short outage: the longest pause between two attempts is not what is measured.
            road.raw.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
            if own is not None:
                road.show_key(own, hub)
        now, wall = time.monotonic(), time.time_ns()
        self.told = 0
        self.courier = Courier(
            name,
            MemorySpool(),
            Sender(rng=random.Random(name), now=now),
            push=self.push.send,
            greet=self.hear.send,
            connect=self._connect,
            boot="boot",
            started=wall,
        )
        self.courier.start(now, wall)

    def _connect(self) -> None:
        self.push.connect(self._way[0])
        self.hear.connect(self._way[1])

    @property
    def flowing(self) -> bool:
        """Whether the store acknowledges what it says."""
        return self.courier.sender.state is State.FLOWING

    def sample(self) -> None:
        """Tell one wide sample; the first one after its layout."""
        now, wall = time.monotonic(), time.time_ns()
        if not self.told:
            kind, body = encode(Layout(NAMES))
            self.courier.tell(kind.name, self.courier.source, wall, body)
            self.told += 1
        values = tuple(round(50 + 40 * math.sin(self.told + place), 2) for place in range(len(NAMES)))
        kind, body = encode(Sample(LAYOUT, values))
        self.courier.tell(kind.name, self.courier.source, wall, body)
        self.told += 1
        self.courier.flush(now, wall)

    def heard(self) -> None:
        """Take in what came."""
        for up in self.hear.changes():
            event = Event.CONNECTED if up else Event.DISCONNECTED
            self.courier.event(event, time.monotonic(), time.time_ns())
        for frame in self.hear.drain():
            with contextlib.suppress(Malformed):
                self.courier.receipt(read_receipt(frame), time.monotonic(), time.time_ns())


Counts = Any
"""A shared array: flowing, told, stored."""


def play(
    agents: Sequence[tuple[str, KeyPair | None]],
    hub: str,
    ways: Ways,
    interval: float,
    counts: Counts,
    talking: Any,
    ending: Any,
) -> None:
    """Play these agents until ``ending``; they tell samples while ``talking``."""
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # to end with whoever started it
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, len(agents) * 6 + 100)
    epoll = select.epoll()
    playing: list[Agent] = []
    by_fd: dict[Any, Agent] = {}
    due: list[tuple[float, int, bool]] = []

    def begin() -> None:
        place = len(playing)
        name, own = agents[place]
        agent = Agent(context, name, own, hub, ways)
        playing.append(agent)
        for socket in (agent.hear.raw, agent.hear.watch):
            fd = socket.getsockopt(zmq.FD)
            by_fd[fd] = agent
            epoll.register(fd, select.EPOLLIN)  # type: ignore[arg-type]
        now = time.monotonic()
        heapq.heappush(due, (now + interval * random.random(), place, True))
        heapq.heappush(due, (now + random.random(), place, False))

    begin()
    reported = 0.0
    while not ending.is_set():
        for fd, _ in epoll.poll(max(0.0, min(0.1, due[0][0] - time.monotonic()))):
            by_fd[fd].heard()
        now = time.monotonic()
        while due[0][0] <= now:
            at, place, sampling = heapq.heappop(due)
            agent = playing[place]
            if sampling:
                if talking.is_set():
                    agent.sample()
                heapq.heappush(due, (at + interval, place, True))
            else:
                agent.courier.tick(now, time.time_ns())
                heapq.heappush(due, (now + min(5.0, max(0.2, agent.courier.due(now))), place, False))
            # A send may have swallowed the news that something came.
            agent.heard()
        if now - reported > 0.1:
            reported = now
            told = sum(agent.told for agent in playing)
            counts[0] = flowing = sum(agent.flowing for agent in playing)
            counts[2] = told - sum(agent.courier.sender.unacknowledged for agent in playing)
            counts[1] = told
            if len(playing) < len(agents):
                for _ in range(min(COMING - (len(playing) - flowing), len(agents) - len(playing))):
                    begin()
                if len(playing) == len(agents):
                    gc.freeze()  # thousands of agents are not looked through for what might be thrown away
    context.destroy(linger=0)
