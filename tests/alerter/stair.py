"""The stair without a collector: frames that wait, and an alerter in this process that hears them by a given clock."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import zmq

from alerter.committer import Committer
from alerter.listening import Listening
from alerter.memory import Memory
from alerter.rules import Rule
from bus.messages import Layout, Message, Sample
from bus.sockets import Publish, Subscribe
from bus.vitals import Vitals
from bus.wire import pack, record, stamped
from tests.alerter.given import World, at, committer

NAMES = ("cpu.percent",)


class Stair:
    """What the collector publishes, a few frames at a time."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self._context = context
        self._publish = Publish(context)
        self.raw = self._publish.raw
        self.waiting: deque[bytes] = deque()
        self._life = 1
        self._connected: Subscribe | None = None
        self._counters: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def drain(self, most: int) -> list[bytes]:
        """Up to ``most`` frames."""
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    def says(self, seconds: float, host: str = "web-1", cpu: float = 10.0) -> None:
        """A host's sample, received then."""
        told: list[Message] = [] if host in self._numbers else [Layout(NAMES)]
        for message in (*told, Sample(Layout(NAMES).id, (cpu,))):
            number = self._numbers[host] = self._numbers.get(host, 0) + 1
            self.tells(seconds, message, source=host, epoch=7, number=number)

    def tells(self, seconds: float, message: Message, **header: Any) -> None:
        """A record, received then."""
        one = record(message, at=header.pop("measured", at(seconds)), **{"sent": at(seconds), **header})
        counter = self._counters[one.kind] = self._counters.get(one.kind, 0) + 1
        self.waiting.append(stamped(one.kind, self._life, counter, at(seconds), [pack(one)]))

    def begins_anew(self, context: zmq.Context[Any]) -> None:
        """It is another collector from now on, to which a connection was just made."""
        self._life += 1
        self._counters.clear()
        self._connected = Subscribe(context, ())
        self._connected.connect(self._publish.bind("tcp://127.0.0.1:*"))

    def comes(self, listening: Listening) -> None:
        """A collector is there, or there again, and ``listening`` is told."""
        address = self._publish.bind("tcp://127.0.0.1:*")
        with closing(Subscribe(self._context, ())) as peer:
            peer.connect(address)
            asked = False
            while not asked or not listening._comings.expected:  # that an earlier one went may be told first
                assert listening.watch.poll(30_000)
                listening.connection()
                asked = True
        self.raw.unbind(address)

    def close(self) -> None:
        if self._connected is not None:
            self._connected.close()
        self._publish.close()


class Caught:
    """A store that holds nothing, and was asked for what came after each of ``asked``."""

    busy = answers = False
    caught = 0

    def __init__(self) -> None:
        self.asked: list[int] = []

    def start(self, since: int, then: Callable[[], None], there: frozenset[str] = frozenset()) -> None:
        self.asked.append(since)
        then()

    def taken(self, until: int) -> tuple[()]:
        return ()

    def past(self, then: Callable[[], None]) -> None:
        then()

    def layouts(self, ids: tuple[int, ...]) -> None:
        """Nobody knows."""

    def look(self) -> None:
        """Nothing is lacking."""


class Alerter:
    """Listening, judge and committer on a clock that the test moves."""

    def __init__(self, memory: Memory, rules: Sequence[Rule], **more: Any) -> None:
        self.world = World(*rules, **more)
        room, self.speaker, _ = committer(self.world, memory)
        self.committer: Committer = room
        self.now = -60.0
        self.ahead = 0.0
        """Seconds by which the clock on the wall is ahead of the time that passes."""
        self.context: zmq.Context[Any] = zmq.Context()
        self.stair = Stair(self.context)
        self.caught = Caught()
        self.leapt: Callable[[int], object] = lambda _: None
        self.listening = Listening(
            self.stair,  # type: ignore[arg-type]
            self.world.judge,
            self.committer,
            self.caught,  # type: ignore[arg-type]
            Vitals(0.0),
            logging.getLogger("guardia.test"),
            silent_seconds=60.0,
            leapt=lambda now: self.leapt(now),
            clock=lambda: at(self.now),
            monotonic=lambda: self.now - self.ahead,
        )
        self.listening.begin(at(self.now))

    def set_clock(self, by: float) -> None:
        """The clock on the wall is set by so many seconds, while no time passes."""
        self.ahead += by
        self.now += by

    def pulse(self, seconds: float) -> None:
        """It is so late now, and time passes."""
        self.now = seconds
        self.listening.pulse()

    def close(self) -> None:
        self.listening.close()
        self.stair.close()
        self.context.term()
