"""Readings, intervals and losses that nobody could mean do no harm to what is judged."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import pytest

from alerter.subjects import MOST_FIELDS, MOST_LOSSES
from bus.messages import Facts, Loss, Sample, layout_id
from bus.wire import record
from tests.alerter.given import World, at, rule


@pytest.mark.parametrize("when", ["uptime.seconds > 3d", "avg(uptime.seconds, 5m) > 3d", "avg(root.bytes, 5m) > 1GB"])
@pytest.mark.parametrize("reading", [1.7e308, 1e300])
def test_numbers_beyond_all_sense_are_worded_and_an_incident_holds_none_that_is_not_finite(
    when: str, reading: float
) -> None:
    world = World(rule(when))
    for seconds in range(0, 400, 10):
        world.sample(seconds, values={"uptime.seconds": reading, "root.bytes": reading})

    (fired,) = world.decisions
    assert fired.incident is not None
    assert fired.incident.value is None or math.isfinite(fired.incident.value)


def test_an_infinity_is_no_reading_whoever_packed_it() -> None:
    world = World(rule("cpu.percent > 90"))
    world.says(0, cpu=50)
    good = record(
        Sample(layout_id(("cpu.percent",)), (95.0,)), source="web-1", at=at(10), epoch=7, number=2, sent=at(10)
    )
    for number, no_reading in ((2, math.inf), (3, -math.inf)):
        body = good.body.replace(struct.pack("<d", 95.0), struct.pack("<d", no_reading))
        world.take(replace(good, body=body, number=number), 10)
    assert world.decisions == []
    world.take(good, 10)
    assert world.told() == [(10, "fired")]


@pytest.mark.parametrize("interval", [1e308, -1e308, -5.0, 1e300])
def test_an_interval_that_cannot_be_is_not_learned(interval: float) -> None:
    world = World(rule("age > 2m and age > 3 * interval", name="silent"))
    world.says(0)
    for number, told in ((98, 10.0), (99, interval)):
        facts = Facts(interval=told)
        world.judge.facts(record(facts, source="web-1", at=at(1), epoch=7, number=number, sent=at(1)), facts, at(1))
    world.passes(200)
    assert world.told() == [(121, "fired")]


def test_an_age_held_against_a_huge_reading_is_never_due() -> None:
    world = World(rule("age > cpu.percent"))
    world.sample(0, values={"cpu.percent": 1.7e308})
    world.passes(1000)
    assert world.told() == []


def test_invented_losses_are_counted_in_bounded_memory() -> None:
    world = World(rule("lost.messages > 0"))
    world.says(0)
    for number in range(5 * MOST_LOSSES):
        world.judge.loss(Loss("web-1", 7, 1 + 2 * number, 1 + 2 * number, "dropped"), at(1 + number / 100))
    lost = world.judge.subjects["host", "web-1"]
    assert len(lost.losses) == MOST_LOSSES
    assert lost.lost() == 5 * MOST_LOSSES


def test_of_what_a_place_invents_beside_its_checks_nothing_is_kept() -> None:
    world = World(rule("check.loss_percent > 5", name="lossy", services=("*",)))
    for number in range(3):
        invented = {f"{number}.{place}{'x' * 1000}": 1.0 for place in range(100)}
        many = {f"a{number}_{place}": 1.0 for place in range(2 * MOST_FIELDS)}
        world.checks(number, metrics=invented | many, phases=many)
        bound = world.judge.subjects["service", "shop"].bound
        assert len(bound.names) == 6 + 2 * MOST_FIELDS
        assert max(map(len, bound.names)) < 80
    world.checks(4, metrics={"loss_percent": 10.0})
    assert world.told() == [(4, "fired")]
