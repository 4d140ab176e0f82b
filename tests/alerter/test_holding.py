"""What of our own side holds notices back."""

from __future__ import annotations

from alerter.holding import is_connected
from tests.alerter.given import SECOND, World, at


def test_services_are_spoken_of_while_nobody_says_that_our_own_side_is_cut_off() -> None:
    world = World()
    assert is_connected(world.judge, at(0), 25 * SECOND)
    world.sample(5, "guardia.prober", {"prober.connected": 0.0})
    assert not is_connected(world.judge, at(29), 25 * SECOND)
    # A prober that has died since says nothing any more.
    assert is_connected(world.judge, at(31), 25 * SECOND)
    world.sample(40, "guardia.prober", {"prober.connected": 1.0})
    assert is_connected(world.judge, at(41), 25 * SECOND)
    world.sample(50, "guardia.prober", {"prober.connected": 0.0})
    # Without canaries there is no such reading.
    world.sample(60, "guardia.prober", {"prober.services": 3.0})
    assert is_connected(world.judge, at(61), 25 * SECOND)
