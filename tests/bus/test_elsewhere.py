"""Who hears no receipts goes to another collector, and less often each time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from bus.delivering import Deliverer
from bus.delivery.states import State
from bus.loop import Loop
from bus.sockets import Hear, Push
from bus.spool import Spool

NOON = 43_200.0


class Rig:
    """A deliverer whose clock is set by hand, and which knows of another collector or not."""

    def __init__(self, folder: Path) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.now = NOON
        self.there = True
        self.went: list[float] = []
        spool = Spool(folder / "spool", source="web-1", now=NOON, wall=time.time_ns())
        self.deliverer = Deliverer(
            Loop(),
            Push(self.context),
            Hear(self.context),
            spool,
            "web-1",
            door=f"ipc://{folder}/door",
            receipts=f"ipc://{folder}/receipts",
            log=logging.getLogger("test"),
            elsewhere=self._elsewhere,
            clock=lambda: self.now,
        )
        self.deliverer.start()

    def _elsewhere(self) -> bool:
        self.went.append(self.now - NOON)
        return self.there

    def look(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.deliverer._look_elsewhere()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.deliverer.close()
    made.context.destroy(linger=0)


def test_who_hears_no_receipts_looks_elsewhere_after_ten_seconds_and_then_ever_less_often(rig: Rig) -> None:
    rig.look(700)

    assert rig.went == [10, 30, 70, 150, 310, 470, 630]


def test_who_hears_receipts_stays_and_is_as_quick_as_at_first_the_next_time(rig: Rig) -> None:
    rig.look(100)
    sender = rig.deliverer.courier.sender
    sender.state = State.FLOWING
    rig.look(300)
    assert rig.went == [10, 30, 70]

    sender.state = State.WAITING
    rig.look(31)
    assert rig.went[3:] == [411, 431]


def test_who_knows_of_no_other_collector_stays_connected(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.there = False
    rig.look(40)
    assert "trying another way to the hub" not in caplog.text

    rig.there = True
    rig.look(40)
    assert "trying another way to the hub" in caplog.text


def test_who_never_heard_of_the_hub_is_told_once_where_to_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    now = [100.0]
    made = Deliverer(
        Loop(),
        Push(context),
        Hear(context),
        Spool(tmp_path / "spool", source="web-1", now=now[0], wall=time.time_ns()),
        "web-1",
        door="tcp://nobody.invalid:5560",
        receipts="tcp://nobody.invalid:5561",
        log=logging.getLogger("test"),
        elsewhere=lambda: False,
        clock=lambda: now[0],
    )
    made.start()
    for now[0] in (105.0, 111.0, 112.0, 300.0):
        made._look_elsewhere()
    made.close()
    context.destroy(linger=0)
    said = [one.getMessage() for one in caplog.records if "not heard yet" in one.getMessage()]
    assert len(said) == 1
    assert "tcp://nobody.invalid:5560 and tcp://nobody.invalid:5561" in said[0]
