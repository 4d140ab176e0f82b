"""What fires while the configuration is read again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.rules import Rule
from tests.alerter.given import World, at, rule
from tests.alerter.lives import Life, spoken

EACH, ALL = "disk[*].percent > 90", "max(disk[*].percent) > 90"


def told(world: World) -> list[tuple[float, str, str, str]]:
    """What was decided that changed something: when, of which instance, what, and why."""
    return [(one.at / 1e9, one.instance, str(one.change), one.text) for one in world.decisions if one.change]


@pytest.mark.parametrize(("before", "after"), [(EACH, ALL), (ALL, EACH), (EACH, "disk[/].percent > 90")])
def test_an_alarm_of_which_the_rule_makes_no_more_such_ends_at_once(before: str, after: str) -> None:
    world = World(rule(before))
    world.says(0, root=95)
    world.judge.use([rule(after)], [], [], at(10))
    world.says(20, root=95)
    assert world.told() == [(0, "fired"), (10, "resolved"), (20, "fired")]
    assert world.decisions[1].text == "the rule test no longer holds here"


def test_an_alarm_of_which_the_rule_makes_no_more_such_ends_at_a_start(life: Life) -> None:
    one = life(rule("disk[*].percent > 90"))
    one.starts()
    one.world.says(1, root=95)
    one.passes(1)
    again = life(rule("max(disk[*].percent) > 90"), now=10.0)
    again.starts()
    assert spoken(again) == [("web-1", "resolved")]


def rules() -> Sequence[Rule]:
    """The same each time, read anew."""
    return [
        rule("cpu.percent > 90", name="cpu", for_=30.0, clear="cpu.percent < 80", clear_for=60.0),
        rule(EACH, name="disk", times=2),
        rule("avg(cpu.percent, 1m) > 85", name="mean"),
        rule("age > 1m", name="silent"),
    ]


@given(
    st.lists(
        st.tuples(st.integers(1, 70), st.sampled_from([95.0, 85.0, 50.0, None]), st.booleans(), st.booleans()),
        max_size=20,
    )
)
def test_what_is_read_again_and_is_as_it_was_changes_nothing(
    steps: list[tuple[int, float | None, bool, bool]],
) -> None:
    once, again = World(*rules()), World(*rules())
    now = 0
    for step, value, there, reloads in steps:
        now += step
        if reloads:
            again.passes(now - 0.5)
            again.judge.use(rules(), [], [], at(now - 0.5))
        for world in (once, again):
            world.sample(now, values={"cpu.percent": value, **({"disk[/].percent": value} if there else {})})
    for world in (once, again):
        world.passes(now + 700)
    assert told(once) == told(again)
