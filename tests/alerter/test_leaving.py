"""Services that are in the configuration no more are judged no longer, whoever took them out, and when."""

from __future__ import annotations

from typing import Any

import pytest

from alerter.leaving import withdraw
from alerter.machine import Alarm, State
from alerter.subjects import Kept
from bus.tables import UNNAMED, Service
from tests.alerter.given import SECOND, World, at, rule

DOWN = rule("service.state == down", name="down", clear="service.state == up")
SHOP = Service("shop", "https://shop.example")
HOURS = UNNAMED / SECOND


def left(world: World, seconds: float) -> list[str]:
    """Who leaves at that time."""
    world.passes(seconds)
    names = [one.key for one in withdraw(world.judge.subjects, world.judge.decider, at(seconds))]
    world.passes(seconds)
    return names


def test_a_service_that_is_taken_out_while_it_is_down_burns_no_longer() -> None:
    world = World(DOWN, services=[SHOP])
    world.checks(0, status="down")
    world.judge.use([DOWN], [], [], at(10))
    world.passes(10)
    assert world.told() == [(0, "fired"), (10, "resolved")]
    assert world.decisions[-1].text == "the service is in the configuration no more"
    assert ("service", "shop") not in world.judge.subjects


@pytest.mark.parametrize("places", [{"place": "berlin"}, {}])
def test_one_that_another_place_checks_is_named_by_its_configuration(places: Any) -> None:
    world = World(DOWN, services=[SHOP])
    world.checks(0, status="down", place="berlin")
    world.checks(0, status="down", **places)
    world.judge.use([DOWN], [], [], at(10))
    assert left(world, 3 * HOURS) == []
    assert world.told() == [(0, "fired")]


def test_one_that_the_configuration_does_not_name_yet_stays_as_long_as_it_is_checked() -> None:
    world = World(DOWN)
    for hour in range(4):
        world.checks(3600 * hour, status="down")
        assert left(world, 3600 * hour + 1) == []
    assert left(world, 3600 * 3 + HOURS) == []
    assert left(world, 3600 * 3 + 3 * 3600 + 1) == ["service/shop"]
    assert [change for _, change in world.told()] == ["fired", "resolved"]


def test_one_that_burned_in_an_earlier_life_does_not_recover_because_the_store_does_not_answer() -> None:
    fired = Alarm(State.FIRING, since=at(-9), began=at(-9), count=1, fired_at=at(-9))
    world = World(DOWN)
    world.judge.restore([Kept("down", "service", "shop", "", fired)], at(0))
    assert left(world, HOURS - 1) == []
    assert left(world, HOURS + 1) == ["service/shop"]


def test_hosts_and_configured_services_stay() -> None:
    world = World(DOWN, services=[SHOP])
    world.says(0)
    world.checks(0, status="down")
    assert left(world, 3 * HOURS) == []
