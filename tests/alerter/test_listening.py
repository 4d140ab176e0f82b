"""The stair as the alerter hears it: who is silent is told by what has come, never by what still waits."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from alerter.desk import Desk
from alerter.listening import FRAMES, Listening
from alerter.memory import Memory
from bus.messages import Layout, Message, Sample
from bus.sockets import Publish
from bus.vitals import Vitals
from bus.wire import pack, record, stamped
from tests.alerter.given import World, at, desk, rule

NAMES = ("cpu.percent",)


class Stair:
    """What the collector publishes, a few frames at a time."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self._publish = Publish(context)
        self.raw = self._publish.raw
        self.waiting: deque[bytes] = deque()
        self._counters: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def drain(self, most: int) -> list[bytes]:
        """Up to ``most`` frames."""
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    def says(self, seconds: float, host: str = "web-1", cpu: float = 10.0) -> None:
        """A host's sample, received then."""
        first = host not in self._numbers
        told: list[Message] = [Layout(NAMES)] if first else []
        for message in (*told, Sample(Layout(NAMES).id, (cpu,))):
            number = self._numbers[host] = self._numbers.get(host, 0) + 1
            one = record(message, source=host, at=at(seconds), epoch=7, number=number, sent=at(seconds))
            counter = self._counters[one.kind] = self._counters.get(one.kind, 0) + 1
            self.waiting.append(stamped(one.kind, 1, counter, at(seconds), [pack(one)]))

    def close(self) -> None:
        self._publish.close()


class Caught:
    """A store that holds nothing."""

    busy = False
    caught = 0
    newest = 0

    def start(self, since: int, then: Callable[[], None]) -> None:
        then()

    def past(self, then: Callable[[], None]) -> None:
        then()

    def layouts(self, ids: tuple[int, ...]) -> None:
        """Nobody knows."""


class Alerter:
    """Listening, judge and desk on a clock that the test moves."""

    def __init__(self, memory: Memory) -> None:
        self.world = World(rule("age > 30s", name="silent"), rule("cpu.percent > 90", name="busy"))
        room, self.speaker, _ = desk(self.world, memory)
        self.desk: Desk = room
        self.now = -60.0
        self.context: zmq.Context[Any] = zmq.Context()
        self.stair = Stair(self.context)
        self.listening = Listening(
            self.stair,  # type: ignore[arg-type]
            self.world.judge,
            self.desk,
            Caught(),  # type: ignore[arg-type]
            Vitals(0.0),
            logging.getLogger("guardia.test"),
            silent_seconds=60.0,
            clock=lambda: at(self.now),
            monotonic=lambda: self.now,
        )
        self.listening.begin(at(self.now))

    def pulse(self, seconds: float) -> None:
        """It is so late now, and time passes."""
        self.now = seconds
        self.listening.pulse()

    def close(self) -> None:
        self.listening.close()
        self.stair.close()
        self.context.term()


@pytest.fixture
def alerter(tmp_path: Path) -> Iterator[Alerter]:
    memory = Memory(tmp_path / "alerter")
    made = Alerter(memory)
    yield made
    made.close()
    memory.close()


def test_a_host_that_says_nothing_is_silent(alerter: Alerter) -> None:
    for second in range(40):
        alerter.stair.says(second, "web-2")
        if second < 5:
            alerter.stair.says(second)
        alerter.pulse(second + 0.5)
    assert alerter.speaker.spoken == [("web-1", "firing")]


def test_nobody_is_silent_because_the_alerter_is_behind(alerter: Alerter) -> None:
    for turn in range(3 * FRAMES):
        alerter.stair.says(turn / 10)
    # After each look the newest that was judged is long past; what is newer waits in the socket.
    for turn in range(10):
        alerter.pulse(60.0 + turn / 10)
    assert alerter.speaker.spoken == []
    alerter.pulse(91.0)
    assert alerter.speaker.spoken == [("web-1", "firing")]


def test_a_frame_that_is_none_is_counted_and_the_rest_is_judged(alerter: Alerter) -> None:
    alerter.stair.says(0)
    alerter.stair.waiting.append(b"sample\0rubbish")
    alerter.stair.waiting.append(b"\xff" * 40)
    alerter.stair.says(1, cpu=95)
    alerter.pulse(1.5)
    assert alerter.speaker.spoken == [("web-1", "firing")]
