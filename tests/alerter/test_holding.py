"""What of our own side holds notices back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerter.holding import Holding, doubtful, is_connected, unreachable
from alerter.rules import Rule
from bus.messages import Silence
from bus.tables import Host
from tests.alerter.given import SECOND, World, at, rule


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


SILENT = rule("age > 2m", name="host-silent", unreachable=True)
DOWN = rule("service.state == down", name="service-down", for_=20.0, unreachable=True)


def doubts(world: World, key: tuple[str, str], seconds: float) -> bool:
    """Whether somebody waits then to hear whether it can be reached."""
    world.passes(seconds)
    return doubtful(world.judge.subjects[key], at(seconds)) is not None


def test_a_parent_is_doubted_as_long_as_a_rule_may_still_call_it_silent() -> None:
    world = World(SILENT)
    world.says(0, host="gw")
    assert [doubts(world, ("host", "gw"), seconds) for seconds in (10, 16, 120, 299, 301, 86_400)] == [
        False, True, True, True, False, False
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "hosts"),
    [
        ((rule("age > 2m", name="host-silent", hosts=("web-*",), unreachable=True),), ()),
        ((rule("age > 2m", name="host-silent"),), ()),
        ((SILENT,), (Host("gw", gone=True),)),
    ],
    ids=["no rule for it", "none that says unreachable", "gone"],
)
def test_nobody_waits_for_what_no_rule_will_say(rules: tuple[Rule, ...], hosts: tuple[Host, ...]) -> None:
    world = World(*rules, hosts=hosts)
    world.says(0, host="gw")
    assert not doubts(world, ("host", "gw"), 60)


def test_a_parent_that_is_a_service_is_doubted_while_its_checks_are_counted_and_its_alarm_waits() -> None:
    world = World(DOWN)
    key = ("service", "vpn")
    world.checks(0, "vpn", status="up")
    assert not doubts(world, key, 1)
    world.checks(10, "vpn", status="down", state="up")
    assert doubts(world, key, 11)
    world.checks(20, "vpn", status="down", state="down")
    assert doubts(world, key, 21)
    world.checks(40, "vpn", status="down", state="down")
    assert not doubts(world, key, 41)
    assert unreachable(world.judge.subjects[key], world.judge, at(world.now), 0) is not None
    world.checks(50, "vpn", status="down", state="up")
    assert not doubts(world, key, 900)


def test_children_of_a_host_do_not_wait_because_a_service_of_its_name_is_back() -> None:
    world = World(SILENT, DOWN, hosts=[Host(name="db-1", parent="host/shop")])
    world.says(0, "shop")
    world.says(0, "db-1")
    world.checks(0, status="down")
    world.checks(25, status="down")
    (down,) = world.judge.decider.open.values()
    holding = Holding()
    holding.ended(down, at(100))
    world.says(120, "shop")
    world.passes(125)
    (silent,) = (one for one in world.judge.decider.open.values() if one.subject == "db-1")
    assert holding.held([silent], world.judge, at(125)) == {silent.id: ()}
    holding.ended(replace(down, kind="host"), at(126))
    assert [one.cause for one in holding.held([silent], world.judge, at(127))[silent.id]] == ["parent"]


def test_silences_are_looked_at_once_for_all_that_burns() -> None:
    class Seen(dict[str, Silence]):
        looks = 0

        def values(self) -> Any:
            self.looks += 1
            return super().values()

    world = World(rule("cpu.percent > 90"))
    for number in range(5):
        world.says(0, f"web-{number}", cpu=95)
    holding, over = Holding(), Silence("1", "anna", "new disk", at(-9), at(-5))
    holding.silences = seen = Seen({"1": over, "2": replace(over, id="2", until=at(9), matches=("web-1",))})
    found = holding.held(world.judge.decider.open.values(), world.judge, at(1))
    held = [one.subject for one in world.judge.decider.open.values() if found[one.id]]
    assert (held, seen.looks) == (["web-1"], 1)


def causes(world: World, subject: str, seconds: float) -> list[str]:
    """What holds back the one alarm of this subject then."""
    (incident,) = (one for one in world.judge.decider.open.values() if one.subject == subject)
    return [one.cause for one in Holding().held([incident], world.judge, at(seconds))[incident.id]]


def test_without_a_connection_of_our_own_services_are_not_spoken_of_and_hosts_are() -> None:
    world = World(rule("cpu.percent > 90"), DOWN)
    world.sample(0, "guardia.prober", {"prober.connected": 0.0})
    world.says(0, cpu=95)
    world.checks(0, status="down")
    world.checks(20, status="down")
    assert (causes(world, "web-1", 20), causes(world, "shop", 20)) == ([], ["connectivity"])


def test_children_wait_while_a_parent_is_doubted_and_not_because_it_burns_for_something_else() -> None:
    world = World(rule("cpu.percent > 90"), SILENT, hosts=[Host(name="web-1", parent="gw")])
    world.says(0, "gw", cpu=95)
    world.says(0, cpu=95)
    assert causes(world, "web-1", 10) == []
    assert causes(world, "web-1", 16) == ["parent"]


def test_a_parent_that_never_spoke_is_not_waited_for() -> None:
    world = World(SILENT, hosts=[Host(name="gw")])
    assert not doubts(world, ("host", "gw"), 30)
