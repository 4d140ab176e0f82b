"""The message that goes all the way: when it comes back, when it does not, and what the hub's health makes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import zmq

from api.canary import Canary, keep_flying
from api.health import StoreSeen, hub_health, overall
from api.live import Live
from bus.producer import Producer
from bus.questions import Stored
from bus.sockets import Pull, Push
from bus.wire import pack, read
from tests.api.given import NOON, SECOND, FakeCounter


def test_its_age_counts_from_when_it_was_sent_and_before_the_first_from_the_start() -> None:
    canary = Canary(NOON)
    assert (canary.age(NOON + 5 * SECOND), canary.seconds) == (5.0, None)
    canary.returned(NOON + 10 * SECOND, NOON + 11 * SECOND)
    assert (canary.age(NOON + 15 * SECOND), canary.seconds) == (5.0, 1.0)


def test_a_clock_that_was_put_back_makes_no_negative_age() -> None:
    assert Canary(NOON).age(NOON - SECOND) == 0.0


def test_the_hub_is_down_when_nothing_comes_all_the_way_whatever_its_parts_say() -> None:
    fine = hub_health(NOON, NOON, StoreSeen(0.001, None), Live(), {}, 60.0)
    blocked = hub_health(NOON, NOON, StoreSeen(0.001, None), Live(), {}, 75.0)

    assert overall(fine) == "ok"
    assert overall(blocked) == "down"
    assert blocked["canary"]["reason"] == "no message has come from the collector to the disk and back for 75 s"


class Shelf(FakeCounter):
    """A store that has what came to the door."""

    def __init__(self, door: Pull) -> None:
        super().__init__()
        self._door = door
        self._frames: list[bytes] = []

    async def range(self, kind: str, subject: str, start: int, end: int, limit: int) -> tuple[Stored, ...]:
        self._frames += self._door.drain()
        records = [one for frame in self._frames for one in read(frame)]
        found = [one for one in records if one.kind == kind and one.subject == subject and start <= one.at <= end]
        return tuple(Stored(one.at, pack(one)) for one in found[-limit:])


def test_it_flies_through_the_door_and_is_looked_for_where_it_was_told() -> None:
    context: zmq.Context[Any] = zmq.Context()
    door, push = Pull(context), Push(context)
    push.connect(door.bind("inproc://door"))
    canary, clock = Canary(NOON - 100 * SECOND), iter(range(NOON, NOON + 1000)).__next__

    async def flown() -> None:
        task = asyncio.ensure_future(keep_flying(canary, Producer(push, "guardia.canary-1"), Shelf(door), clock, 2))
        while canary.seconds is None:
            await asyncio.sleep(0.005)
        task.cancel()

    asyncio.run(asyncio.wait_for(flown(), 30))
    context.destroy(linger=0)

    assert canary.number == 1
    assert canary.age(NOON) == 0.0
