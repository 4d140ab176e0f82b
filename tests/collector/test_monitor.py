"""Connections that are too many are hung up on, and counted; those that were there before stay."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import zmq

from bus.sockets import Pull
from collector.connections import Connections
from collector.monitor import Monitor
from collector.refusals import Refusals

MOST = 3


class House:
    """A door that is watched."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.refusals, self.connections = Refusals(), Connections(MOST, 100)
        self.pull = Pull(self.context)
        place = self.pull.bind("tcp://127.0.0.1:*")
        self.monitor = Monitor(self.pull, self.refusals, self.connections, place)
        self.callers: list[socket.socket] = []

    def call(self, count: int) -> list[socket.socket]:
        """So many come, one after the other."""
        came = []
        before = self.connections.accepted
        for number in range(1, count + 1):
            came.append(socket.create_connection(("127.0.0.1", self.monitor.port), 20))
            self.until(partial(self.accepted, before + number))
        self.callers += came
        return came

    def accepted(self, count: int) -> bool:
        """Whether so many came."""
        return self.connections.accepted >= count

    def until(self, seen: Callable[[], bool]) -> None:
        """Take in what happens until it is ``seen``."""
        end = time.monotonic() + 20
        while not seen():
            assert time.monotonic() < end
            self.monitor.drain()


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    for one in made.callers:
        one.close()
    made.monitor.close()
    made.context.destroy(linger=0)


def is_there(one: socket.socket) -> bool:
    """Whether the connection stands; the door greets whoever comes."""
    one.setblocking(False)
    try:
        while one.recv(4096):
            pass
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    return False


def test_who_comes_when_there_are_enough_is_hung_up_on_and_the_others_stay(house: House) -> None:
    first, late = house.call(MOST), house.call(2)

    house.until(lambda: not any(map(is_there, late)))
    assert all(map(is_there, first))
    assert house.refusals.totals["connections"] == 2
    house.until(lambda: len(house.monitor.fds) == MOST)


def test_when_one_has_gone_there_is_room_for_another(house: House) -> None:
    first = house.call(MOST)
    first[0].close()
    house.until(lambda: len(house.monitor.fds) == MOST - 1)

    (another,) = house.call(1)
    assert is_there(another)
    assert not house.refusals.totals["connections"]
