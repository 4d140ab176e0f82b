"""The outbound heartbeat goes out while the hub is well, and is held back when it is not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from alerter.channels.common import hidden
from alerter.heartbeat import Heartbeat, unwell
from alerter.posting import Carrier
from alerter.rules import in_force
from tests.alerter.given import World, at, rule
from tests.alerter.receiver import Receiver, Reply

SECRET = "s3same-open-9"


class AtOnce:
    """Runs what is submitted here and now."""

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        done(call())


def beating(receiver: Receiver, why_not: list[str]) -> Heartbeat:
    url = f"{receiver.url}/ping/{SECRET}"
    log = logging.getLogger("guardia.test")
    return Heartbeat(url, Carrier(("127.0.0.1",)), AtOnce(), lambda: why_not[0], log, hidden((url,)))


def test_it_calls_while_the_hub_is_well_and_not_when_it_is_not() -> None:
    with Receiver() as receiver:
        why_not = [""]
        heartbeat = beating(receiver, why_not)
        heartbeat.beat()
        why_not[0] = "its disk is full"
        heartbeat.beat()
        why_not[0] = ""
        heartbeat.beat()
        assert [(one.method, one.path) for one in receiver.requests] == [("GET", f"/ping/{SECRET}")] * 2
        assert heartbeat.vitals() == {"heartbeat.taken_total": 2.0, "heartbeat.failed_total": 0.0}


def test_what_goes_wrong_is_told_once_and_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    with Receiver() as receiver, caplog.at_level(logging.INFO):
        heartbeat = beating(receiver, [""])
        receiver.usual = Reply(500, f"no ping {SECRET} here".encode())
        heartbeat.beat()
        heartbeat.beat()
        receiver.usual = Reply()
        heartbeat.beat()
    assert [one.levelname for one in caplog.records] == ["WARNING", "INFO"]
    assert "500: no ping *** here" in caplog.text
    assert SECRET not in caplog.text
    assert heartbeat.failures == 2


def test_while_a_call_lasts_no_other_begins() -> None:
    class Later:
        def __init__(self) -> None:
            self.began: list[Callable[[Any], None]] = []

        def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
            self.began.append(done)

    workers = Later()
    heartbeat = Heartbeat("https://x.example/", Carrier(), workers, lambda: "", logging.getLogger("guardia.test"), ())
    heartbeat.beat()
    heartbeat.beat()
    assert len(workers.began) == 1
    workers.began[0]("")
    heartbeat.beat()
    assert len(workers.began) == 2


def why(world: World, *, began: bool = True, full: bool = False, lag: float = 0.0) -> str:
    """Why the hub is not well by now."""
    return unwell(world.judge, at(world.now), began=began, full=full, lag=lag)


def test_the_hub_is_not_well_when_it_is_deaf_full_late_or_lacks_a_room() -> None:
    world = World(*in_force([]))
    assert why(world) == ""
    assert "caught up" in why(world, began=False)
    assert "disk" in why(world, full=True)

    world.says(0, "guardia.collector")
    world.says(0, "web-1")
    world.passes(100)
    assert why(world).startswith("room-unwell of guardia.collector")
    assert why(world, lag=61.0) == "it judges 61 s behind what comes"
    world.judge.hearing.ends(at(100))
    assert "collector is not heard" in why(world)


def test_the_hub_is_not_well_when_nothing_comes_all_the_way_whatever_rules_are_in_force() -> None:
    for rules in (in_force([]), in_force([], defaults=False)):
        world = World(*rules)
        for seconds in range(0, 200, 10):
            world.sample(seconds, "guardia.api-1", {"canary.age_seconds": float(seconds)})
            assert bool(why(world)) == (seconds >= 90), seconds
        assert why(world) == "no message has come from the collector to the disk and back for 190 s"
        world.sample(200, "guardia.api-1", {"canary.age_seconds": 1.0})
        assert why(world) == ""
        world.passes(220)
        assert why(world) == ""
        # A worker that says nothing any more cannot tell of a message that came.
        world.passes(290)
        assert "come from the collector" in why(world)


def test_the_hub_is_well_while_one_of_its_workers_sees_messages_come_all_the_way() -> None:
    world = World(*in_force([], defaults=False))
    for seconds in range(0, 200, 10):
        world.sample(seconds, "guardia.api-1", {"canary.age_seconds": float(seconds)})
        world.sample(seconds, "guardia.api-2", {"canary.age_seconds": 5.0})
    assert why(world) == ""


def test_a_room_that_comes_and_goes_holds_it_back_while_it_is_ill_and_until_its_rule_calls_it_clear() -> None:
    full = rule("store.full > 0", rooms=["guardia.*"], severity="critical", clear_for=60.0)
    world = World(full)
    world.judge.decider.flapping_count = 2
    ill = []
    for seconds, level in ((0, 1.0), (10, 0.0), (70, 0.0), (80, 1.0), (90, 0.0), (149, 0.0), (150, 0.0), (160, 1.0)):
        world.sample(seconds, "guardia.store-writer", {"store.full": level})
        ill.append(bool(why(world)))
    assert ill == [True, True, False, True, True, True, False, True]
    (incident,) = world.judge.decider.open.values()
    assert incident.flapping


def test_the_hub_is_well_whatever_burns_on_hosts_and_what_is_not_critical_on_its_rooms() -> None:
    world = World(*in_force([]))
    world.says(0)
    world.passes(150)
    world.sample(150, "guardia.store-writer", {"store[web-1].two_hosts": 1.0})
    assert {one.rule for one in world.judge.decider.open.values()} == {"host-silent", "two-hosts"}
    assert why(world) == ""
