"""The limits of the first Guardia: a value, a grace, and which readings count."""

from __future__ import annotations

import pytest

from alerter.rules import in_force
from bus.tables import Host, Limit
from tests.alerter.given import NOON, SECOND, World, at, rule


@pytest.mark.parametrize("limit", [90, 1e6, 1e-5, 99.1234567, -3e20])
def test_the_old_limits_may_be_any_number(limit: float) -> None:
    host = Host(name="web-1", limits={"usage": Limit(limit=limit)})
    world = World(*in_force([], [host], defaults=False), hosts=[host])
    world.says(0, cpu=limit - abs(limit) / 1e9)
    assert world.told() == []
    world.says(10, cpu=limit)
    assert world.told() == [(10, "fired")]


@pytest.mark.parametrize("grace", [0, 1, 3])
def test_the_old_limits_fire_at_the_reading_after_their_grace(grace: int) -> None:
    host = Host(name="web-1", limits={"usage": Limit(limit=90, grace=grace)})
    world = World(*in_force([], [host], defaults=False), hosts=[host])
    for turn in range(6):
        world.says(turn * 10, cpu=90)
    world.says(60, cpu=89)
    assert world.told() == [(grace * 10, "fired"), (60, "resolved")]


def test_the_old_limits_count_one_reading_in_each_interval_of_the_host_however_often_it_reports() -> None:
    host = Host(name="web-1", interval=15.0, limits={"usage": Limit(limit=90, grace=3)})
    world = World(*in_force([], [host], defaults=False), rule("cpu.percent >= 90", name="each"), hosts=[host])
    for seconds in range(120):
        world.says(seconds, cpu=95 if seconds <= 60 or seconds % 15 == 3 else 5)
    told = [(one.at / SECOND - NOON, str(one.change)) for one in world.decisions if one.rule.startswith("usage")]
    assert told == [(0, "pending"), (42, "fired"), (72, "resolved")]
    assert world.told()[0] == (0, "fired")


def test_the_old_limits_count_each_reading_of_a_host_that_reports_as_it_was_polled() -> None:
    host = Host(name="web-1", interval=15.0, limits={"usage": Limit(limit=90, grace=3)})
    world = World(*in_force([], [host], defaults=False), hosts=[host])
    for seconds in (0, 17, 31, 47, 60):
        world.says(seconds, cpu=95 if seconds < 50 else 5)
    assert world.told() == [(47, "fired"), (60, "resolved")]


def test_a_sample_without_the_reading_is_not_the_one_that_counts_in_its_interval() -> None:
    host = Host(name="web-1", interval=15.0, limits={"usage": Limit(limit=90, grace=1)})
    world = World(*in_force([], [host], defaults=False), hosts=[host])
    for seconds in range(30):
        world.says(seconds, cpu=95 if seconds % 15 == 5 else None)
    assert world.changes() == [(5, "pending"), (20, "fired")]


def test_the_old_limits_are_judged_at_once_after_the_hubs_clock_was_set_back() -> None:
    host = Host(name="web-1", interval=15.0, limits={"usage": Limit(limit=90)})
    world = World(*in_force([], [host], defaults=False), hosts=[host])
    world.says(0, cpu=5)
    world.judge.jumped(-3600 * SECOND, at(-3600))
    world.says(-3599, cpu=95)
    assert world.told() == [(-3599, "fired")]


def test_the_old_limit_of_temperature_is_of_the_mean_of_those_that_gave_a_reading() -> None:
    host = Host(name="web-1", limits={"temperature": Limit(limit=80)})
    world = World(*in_force([], [host], defaults=False), hosts=[host])
    world.sample(0, values={"temperature[a].celsius": 90, "temperature[b].celsius": 60, "temperature[c].celsius": None})
    assert world.told() == []
    world.sample(
        10, values={"temperature[a].celsius": 90, "temperature[b].celsius": 70, "temperature[c].celsius": None}
    )
    assert world.told() == [(10, "fired")]
