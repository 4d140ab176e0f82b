"""Live messages overtake the backlog of a long outage (rule R8)."""

from __future__ import annotations

import pytest

from bus.delivery.sender import Sender
from tests.bus.simulation.host import Habits, Host
from tests.bus.simulation.hub import Hub
from tests.bus.simulation.mutants import NoLane
from tests.bus.simulation.run import wire_up
from tests.bus.simulation.world import World


def _after_outage(sender: type[Sender], *, outage: float, capacity: float) -> tuple[float, float]:
    """(longest way of a live message into the store, how long the backlog took), seconds."""
    world = World(7)
    hub = Hub(world)
    host = Host(world, "web-1", Habits(rate=2.0), sender)
    wire_up(world, hub, [host])
    host.start()
    hub.start()
    world.run(world.now + 30)
    links = [host.door, host.road, hub.roads["web-1"]]
    for link in links:
        link.cut()
    host.connection(False)
    world.run(world.now + outage)
    for link in links:
        link.heal()
    host.connection(True)
    hub.capacity = capacity
    healed = world.now
    backlog = [body for body, at in host.told.items() if at <= healed]
    world.run(world.now + 1.3 * len(backlog) / (capacity - 4) + 60)
    live = [body for body, at in host.told.items() if healed < at < world.now - 30]
    assert all(body in hub.stored_at for body in (*backlog, *live)), "something never arrived"
    return (
        max(hub.stored_at[body] - host.told[body] for body in live),
        max(hub.stored_at[body] for body in backlog) - healed,
    )


def test_live_data_is_current_within_ten_seconds_while_an_hour_of_backlog_drains() -> None:
    lag, drained = _after_outage(Sender, outage=3600, capacity=100)
    assert drained > 60, "the backlog was no burden: the test would prove nothing"
    assert lag < 10


@pytest.mark.parametrize("capacity", [20, 1000])
def test_a_slow_and_a_fast_store_keep_live_data_current(capacity: float) -> None:
    lag, _ = _after_outage(Sender, outage=600, capacity=capacity)
    assert lag < 10


def test_without_the_live_lane_live_data_waits_for_the_backlog() -> None:
    lag, drained = _after_outage(NoLane, outage=3600, capacity=100)
    assert lag > 30
    assert drained > 60
