"""What ``guardia why`` says of an alarm is what it is, after whatever was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.machine import in_words
from alerter.why import why
from bus.judging import Chain, Why
from bus.tables import Host
from tests.alerter.given import World, at, rule

BAD, BETWEEN, GOOD, NOTHING = 95.0, 85.0, 50.0, None


class Nothing:
    """A memory in which no decision is."""

    def items(self, *_: Any, **__: Any) -> Iterator[tuple[str, Any]]:
        """None."""
        return iter(())


@dataclass
class Model:
    """An alarm, as ``docs/alerting.md`` has its life."""

    wait: int
    settle: int
    levels: bool
    """Whether there is a recovery level."""
    state: str = "below"
    since: int = 0

    def reads(self, now: int, value: float | None) -> str:
        """The verdict after a reading."""
        bad, good = value == BAD, value == GOOD or (value == BETWEEN and not self.levels)
        if self.state == "below" and bad:
            self.state, self.since = "pending", now
        elif self.state == "pending" and value is not None and not bad:
            self.state = "below"
        elif self.state == "firing" and good:
            self.state, self.since = "clearing", now
        elif self.state == "clearing" and value is not None and not good:
            self.state = "firing"
        if self.state == "pending" and bad and now - self.since >= self.wait:
            self.state = "firing"
        if self.state == "clearing" and good and now - self.since >= self.settle:
            self.state = "below"
        if self.state == "below" and value is None:
            return "no_data"
        return "not_clear" if self.state == "firing" and value == BETWEEN and self.levels else self.state


def answered(world: World, seconds: float) -> Chain:
    (chain,) = why(Why("host/web-1"), world.judge, Nothing(), {}, at(seconds)).chains  # type: ignore[arg-type]
    return chain


@given(
    st.sampled_from([0, 30]),
    st.sampled_from([0, 60]),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([BAD, BAD, BETWEEN, GOOD, NOTHING])), max_size=12),
)
def test_it_is_what_the_life_of_an_alarm_makes_of_its_readings(
    wait: int, settle: int, levels: bool, readings: list[tuple[int, float | None]]
) -> None:
    clear = "cpu.percent < 80" if levels else ""
    world = World(rule("cpu.percent > 90", for_=float(wait), clear=clear, clear_for=float(settle)))
    world.judge.decider.flapping_count = 10_000
    model, now = Model(wait, settle, levels), 0
    for step, value in readings:
        now += step
        verdict = model.reads(now, value)
        world.sample(now, values={"cpu.percent": value})

        chain = answered(world, now + 0.5)

        assert chain.verdict == verdict, chain
        says = "has no reading" if value is None else f"is {value:g} %, {'' if value == BAD else 'not '}above 90 %"
        assert f"cpu.percent {says}" in chain.text
        assert ("not yet clear" in chain.text) == (verdict == "not_clear")


def test_a_rule_that_is_new_to_one_who_is_silent_is_said_to_have_judged_nothing() -> None:
    world = World(rule("cpu.percent > 90"))
    world.says(10, cpu=85)
    world.judge.use([rule("cpu.percent > 80")], [Host(name="web-1")], [], at(20))
    chain = answered(world, 30)
    assert (chain.verdict, chain.text) == (
        "no_data",
        "cpu.percent is 85 %, above 80 %, not yet judged; last heard 20s ago",
    )


@pytest.mark.parametrize("cpu", [50, 95])
@pytest.mark.parametrize(("interval", "seconds", "stale"), [(0.0, 90, False), (0.0, 91, True), (60.0, 180, False)])
def test_what_was_read_long_ago_is_said_to_be_so(cpu: int, interval: float, seconds: int, stale: bool) -> None:
    world = World(rule("cpu.percent > 90"), hosts=[Host(name="web-1", interval=interval or None)])
    world.says(0, cpu=cpu)
    chain = answered(world, seconds)
    assert (f"; last heard {in_words(at(seconds) - at(0))} ago" in chain.text) == stale


def test_of_a_service_it_is_so_once_its_turns_are_missed() -> None:
    world = World(rule("service.state == down", services=["*"]))
    for seconds in (0, 300):
        world.checks(seconds)
    ask = Why("service/shop")
    texts = [why(ask, world.judge, Nothing(), {}, at(when)).chains[0].text for when in (1200, 1201)]  # type: ignore[arg-type]
    assert texts == ["service.state is up", "service.state is up; last heard 15m1s ago"]
