"""A hub of real programs with somebody who pushes and somebody who asks, in this process."""

from __future__ import annotations

import signal
import tomllib
from typing import Any

import zmq

from bus.producer import Producer
from bus.questions import Question, Range, Unanswered, pack_question, read_answer
from bus.sockets import Ask, Push
from bus.wire import read
from tests.pipeline.programs import Programs, until

SECOND = 10**9
NOON = 1_769_860_800 * SECOND
PROGRAMS = ("collector", "store-writer", "store-reader")
NAMES = ("cpu.percent", "memory.used")


class Hub(Programs):
    """Collector, writer and reader; the host ``web-1`` measures noon and the seconds after it."""

    def __init__(self, store: str = "", more: str = "") -> None:
        """``store``: more settings of the store; ``more``: further tables."""
        # What is remembered for less than the time since that noon would be dropped at once.
        super().__init__(
            "[collector]\nreport_seconds = 1\n"
            f"[store]\nkeep_samples_seconds = '5000w'\nkeep_records_seconds = '5000w'\n{store}{more}"
        )
        self._context: zmq.Context[Any] = zmq.Context()
        self.push = Push(self._context, queue=100_000)
        self.push.raw.setsockopt(zmq.RECONNECT_IVL_MAX, 0)
        self.push.connect(tomllib.loads(self.config.read_text())["bus"]["door"])
        self.web = Producer(self.push, "web-1")
        self._canary = Producer(self.push, "canary")
        self._asked = 0
        self._ask: Ask | None = None

    def run(self) -> None:
        """Start everything and wait until a first sample has gone all the way."""
        self.start_all(*PROGRAMS)
        self.flows()

    def flows(self) -> None:
        """Wait until something that was pushed from now on is stored and can be asked for."""
        first = self._canary.number

        def seen() -> bool:
            number = self._canary.number
            self._canary.sample(("canary.value",), (1.0,), at=NOON + number * SECOND)
            found = self.ask(Range("sample", "canary", NOON + first * SECOND, NOON + number * SECOND))
            return found is not None and bool(found.records)

        until(seen, 20, "a sample goes all the way", self)

    def sample(self, second: int) -> None:
        """The host's sample of so many seconds after noon."""
        assert self.web.sample(NAMES, (float(second), second * 1e6), at=NOON + second * SECOND)

    def ask(self, question: Question, seconds: int = 1) -> Any:
        """The reader's answer; None when there is none within so long."""
        if self._ask is None:
            self._ask = Ask(self._context)
            self._ask.connect(f"ipc://{self.folder}/var/run/reader.ipc")
        self._asked += 1
        number = b"%d" % self._asked
        if not self._ask.raw.poll(1000 * seconds, zmq.POLLOUT):
            return None
        self._ask.raw.send_multipart([number, pack_question(question)])
        while self._ask.raw.poll(1000 * seconds):
            frames = self._ask.raw.recv_multipart()
            if frames[0] == number:
                try:
                    return read_answer(question, frames[1])
                except Unanswered:
                    return None
        return None

    def answer(self, question: Question) -> Any:
        """The reader's answer, however long a busy machine keeps it."""
        found: list[Any] = []

        def answered() -> bool:
            found[:] = [self.ask(question, 10)]
            return found[0] is not None

        until(answered, 60, f"an answer to {question}", self)
        return found[0]

    def seconds(self) -> list[int]:
        """The seconds after noon of all stored samples of the host."""
        found = self.answer(Range("sample", "web-1", NOON, NOON + 7200 * SECOND, 10_000))
        return [(read(one.record)[0].at - NOON) // SECOND for one in found.records]

    def has(self, wanted: list[int]) -> None:
        """Wait until exactly these samples are stored."""
        until(lambda: self.seconds() == wanted, 20, f"{len(wanted)} samples are stored", self)

    def ended(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask a program to end; its exit code."""
        process = self._running.pop(name)
        process.send_signal(number)
        return process.wait(60)

    def close(self) -> None:
        """End everything, here too."""
        self._context.destroy(linger=0)
        super().close()
