"""When receipts go out, what is in them, and what is counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bus.control import Flags, Mark, Receipt, read_receipt
from bus.control.receipt import BUNDLE, pack_receipt, unbundled
from bus.loop import Timer
from store.settling import Settling
from tests.bus.delivery.receiving import GENERATION, NOON, hello, receiver_of

SECONDS = 0.5


class Hands:
    """In place of the loop: timers that run out when the test says so."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Timer]] = []

    def after(self, seconds: float, handler: Callable[[], None]) -> Timer:
        self.set.append((seconds, Timer(seconds, handler, None)))
        return self.set[-1][1]

    def run_out(self) -> None:
        due, self.set = self.set, []
        for _, timer in due:
            if not timer.cancelled:
                timer.handler()


class Road:
    """The way back to the collector, which may be full."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.full = False

    def send(self, frame: bytes) -> bool:
        if not self.full:
            self.frames.append(frame)
        return not self.full

    def receipts(self) -> list[Receipt]:
        return [read_receipt(one) for frame in self.frames for _, one in unbundled(frame)]


class Bench:
    """A receiver and what settles for it."""

    def __init__(self) -> None:
        self.receiver, self.road, self.hands, self.now = receiver_of(), Road(), Hands(), 7_000_000_000
        self.settling = Settling(
            self.receiver,
            self.road,  # type: ignore[arg-type]
            self.hands,  # type: ignore[arg-type]
            SECONDS,
            clock=lambda: self.now,
        )

    def stored(self, number: int, source: str = "web-1") -> None:
        self.receiver.admit(source, 3, number, 1, GENERATION, NOON)
        self.receiver.commit()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_commits_of_a_short_while_are_told_together_one_receipt_a_producer(bench: Bench) -> None:
    for number, source in ((1, "web-1"), (1, "db-1"), (2, "web-1")):
        bench.stored(number, source)
        bench.settling.soon()
    assert bench.settling.waits
    assert bench.road.frames == []
    assert [seconds for seconds, _ in bench.hands.set] == [SECONDS]

    bench.hands.run_out()

    told = {one.source: one.marks for one in bench.road.receipts()}
    assert told == {"web-1": (Mark(3, 2),), "db-1": (Mark(3, 1),)}
    assert {one.hub_time for one in bench.road.receipts()} == {bench.now}
    assert (bench.settling.sent, bench.settling.dropped, bench.settling.waits) == (2, 0, False)


def test_whoever_asks_is_answered_at_once_and_what_waited_goes_with_it(bench: Bench) -> None:
    bench.stored(1, "db-1")
    bench.settling.soon()
    bench.receiver.greet(hello(nonce=9), NOON)
    bench.settling.soon()
    assert {one.source: one.answer for one in bench.road.receipts()} == {"web-1": 9, "db-1": 0}
    assert not bench.settling.waits

    bench.hands.run_out()
    assert bench.settling.sent == 2  # the timer that was set before tells nothing once more

    bench.settling.soon()
    assert bench.settling.waits  # nobody asks any longer


def test_what_the_collector_does_not_take_is_counted_and_not_as_sent(bench: Bench) -> None:
    bench.road.full = True
    for source in ("web-1", "db-1", "db-2"):
        bench.stored(1, source)
    bench.settling.now()
    assert (bench.settling.sent, bench.settling.dropped) == (0, 3)

    bench.road.full = False
    bench.stored(2)
    bench.settling.now()
    assert (bench.settling.sent, bench.settling.dropped) == (1, 3)


def test_receipts_say_how_the_store_is(bench: Bench) -> None:
    bench.stored(1)
    bench.settling.flags = Flags.DISK_FULL
    bench.settling.now()
    assert [one.flags for one in bench.road.receipts()] == [Flags.DISK_FULL]


def test_many_receipts_go_in_frames_of_a_size_and_each_is_counted(bench: Bench) -> None:
    hosts = [f"host-{number:04}" for number in range(1500)]
    for host in hosts:
        bench.receiver.admit(host, 3, 1, 1, GENERATION, NOON)
    bench.receiver.commit()
    bench.settling.now()
    assert [one.source for one in bench.road.receipts()] == hosts
    assert bench.settling.sent == len(hosts)
    assert len(bench.road.frames) == -(-len(hosts) // (BUNDLE // len(pack_receipt(bench.road.receipts()[0]))))


def test_nothing_to_tell_is_no_frame(bench: Bench) -> None:
    bench.settling.now()
    assert bench.road.frames == []
    assert bench.settling.sent == 0
