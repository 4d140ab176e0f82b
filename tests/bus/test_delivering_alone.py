"""The shell of a producer whose hub is away, on a clock that is set by hand: what the loop calls, and how it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from bus.delivering import VAIN, Deliverer
from bus.delivery.retention import Evicted
from bus.loop import Loop
from bus.messages import Facts
from bus.sockets import Hear, Push
from bus.spool import Spool

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9


class Alone:
    """A deliverer on a loop; nobody is where it connects to."""

    def __init__(self, folder: Path, elsewhere: Callable[[], bool] | None = None) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.folder, self.now = folder, NOON
        self.loop = Loop(clock=lambda: self.now)
        self.deliverer = Deliverer(
            self.loop,
            Push(self.context),
            Hear(self.context),
            self.spool(),
            "web-1",
            door=f"ipc://{folder}/door",
            receipts=f"ipc://{folder}/receipts",
            log=logging.getLogger("test"),
            elsewhere=elsewhere,
            clock=lambda: self.now,
            wall=lambda: WALL + int((self.now - NOON) * 1e9),
        )

    def spool(self) -> Spool:
        return Spool(self.folder / "spool", source="web-1", now=self.now, wall=WALL)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.loop.pass_once(0.0)

    @property
    def kept(self) -> int:
        return self.deliverer.courier.spool.status().messages


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Alone]]:
    made: list[Alone] = []

    def alone(elsewhere: Callable[[], bool] | None = None) -> Alone:
        made.append(Alone(tmp_path, elsewhere))
        return made[-1]

    yield alone
    for one in made:
        one.context.destroy(linger=0)


def test_it_says_where_the_door_is_as_soon_as_it_looked_for_it(make: Callable[..., Alone]) -> None:
    alone = make()
    assert alone.deliverer.door == ""
    alone.deliverer.start()

    assert alone.deliverer.door == f"ipc://{alone.folder}/door"


def test_the_end_of_the_loop_makes_durable_what_was_told_and_lets_go_of_everything(make: Callable[..., Alone]) -> None:
    alone = make()
    alone.deliverer.start()
    alone.deliverer.tell(Facts(kernel="6.1"), at=WALL)
    assert alone.kept == 0
    alone.loop.end()

    again = alone.spool()
    assert again.status().messages == 1
    again.close(NOON, WALL)
    made = alone.deliverer
    assert [one.closed for one in (made._push.raw, made._hear.raw, made._hear.watch, made._door_watch.raw)] == [
        True
    ] * 4
    # Nothing of it is called any more, by a timer or for a socket that is closed.
    for _ in range(3):
        alone.pass_time(100)


def test_what_was_told_is_durable_at_the_end_of_the_pass_without_a_word(make: Callable[..., Alone]) -> None:
    alone = make()
    alone.deliverer.start()
    alone.deliverer.tell(Facts(kernel="6.1"), at=WALL)
    alone.deliverer.tell(Facts(kernel="6.2"), at=WALL)
    alone.pass_time(0.001)
    assert alone.kept == 2
    alone.deliverer.tell(Facts(kernel="6.3"), at=WALL)
    alone.deliverer.flush()
    assert alone.kept == 3
    alone.deliverer.close()


def test_the_loop_sees_to_it_that_another_collector_is_looked_for(make: Callable[..., Alone]) -> None:
    asked: list[float] = []

    def elsewhere() -> bool:
        asked.append(0.0)
        return True

    alone = make(elsewhere)
    alone.deliverer.start()
    for _ in range(12):
        alone.pass_time(1.0)

    assert len(asked) == 1
    alone.deliverer.close()


def test_the_loop_has_the_spool_looked_after_each_minute_though_nobody_says_a_word(
    make: Callable[..., Alone], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make()
    alone.deliverer.start()
    swept: list[float] = []
    sweep = alone.deliverer.courier.spool.sweep

    def counted(now: float, wall: int) -> list[Evicted]:
        swept.append(now)
        return sweep(now, wall)

    monkeypatch.setattr(alone.deliverer.courier.spool, "sweep", counted)
    for _ in range(300):
        alone.pass_time(1.0)

    assert len(swept) == 5
    alone.deliverer.close()


def test_receipts_that_are_none_are_counted_and_end_nobody(
    make: Callable[..., Alone], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alone = make()
    alone.deliverer.start()
    monkeypatch.setattr(alone.deliverer._hear, "drain", lambda: [b"", b"G1A", b"rubbish" * 100])
    alone.deliverer._receipts()

    assert alone.deliverer.malformed == 3
    assert alone.deliverer.heard is None
    assert caplog.text.count("a receipt that is none") == 3
    alone.deliverer.close()


def test_it_says_in_seconds_how_far_the_hubs_clock_is_ahead_when_that_is_known(make: Callable[..., Alone]) -> None:
    alone = make()
    alone.deliverer.start()
    assert alone.deliverer.vitals()["spool.hub_skew_seconds"] is None
    alone.deliverer.courier.skew_ns = -1_500_000_000

    assert alone.deliverer.vitals()["spool.hub_skew_seconds"] == -1.5
    alone.deliverer.close()


def test_who_has_a_new_way_has_tried_nothing_in_vain_yet(make: Callable[..., Alone]) -> None:
    alone = make()
    alone.deliverer.start()
    alone.deliverer._vain = VAIN - 1
    alone.deliverer.reconnect()

    assert alone.deliverer._vain == 0
    assert alone.deliverer._rest_timer is None
    alone.deliverer.close()


def test_only_connections_that_ended_before_they_were_any_were_in_vain(
    make: Callable[..., Alone], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make()
    alone.deliverer.start()
    vain = []
    for change in (True, False, False, False, True, False, False, None, False):
        monkeypatch.setattr(alone.deliverer._hear, "changes", lambda change=change: [change])
        alone.deliverer._connection()
        vain.append(alone.deliverer._vain)

    assert vain == [0, 0, 1, 2, 0, 0, 1, 0, 1]
    alone.deliverer.close()


def test_it_rests_once_after_so_many_in_vain_and_tries_again_when_that_is_over(
    make: Callable[..., Alone], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make()
    alone.deliverer.start()
    monkeypatch.setattr(alone.deliverer._hear, "changes", lambda: [False])
    rests = []
    for _ in range(VAIN + 2):
        alone.deliverer._connection()
        rests.append(alone.deliverer._rest_timer)
    assert rests[: VAIN - 1] == [None] * (VAIN - 1)
    assert rests[VAIN - 1] is not None
    assert len(set(rests[VAIN - 1 :])) == 1
    monkeypatch.setattr(alone.deliverer._hear, "changes", list)
    alone.pass_time(3.0)

    assert alone.deliverer._rest_timer is None
    alone.deliverer.close()


@pytest.mark.parametrize("road", ["door", "receipts"])
def test_a_key_that_either_road_refuses_is_said_at_once_and_nothing_else_is_a_refusal(
    make: Callable[..., Alone], road: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alone = make()
    made = alone.deliverer
    made.start()
    watched, heard = (made._door_watch, made._door) if road == "door" else (made._hear, made._connection)
    for changes, said in (([], False), ([True, False], False), ([False, None], True)):
        monkeypatch.setattr(watched, "changes", lambda changes=changes: changes)
        heard()
        assert ("the hub refuses this producer's key" in caplog.text) == said
    made.close()
