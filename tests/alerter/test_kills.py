"""However often the alerter is killed, it finds what it would have found."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from alerter.recording import read_incident
from alerter.rules import Rule
from bus.judging import Incident
from tests.alerter.given import SECOND, World, rule
from tests.alerter.lives import Alerter, Life, spoken, until


def rules() -> Sequence[Rule]:
    """Of each kind of patience one."""
    return (
        rule("cpu.percent > 90", name="at once"),
        rule("cpu.percent > 90", name="long", for_=30.0, clear="cpu.percent < 80", clear_for=60.0),
        rule("cpu.percent > 80", name="often", times=3),
    )


def test_of_readings_that_come_faster_one_counts_in_each_time_over_a_start_too(life: Life) -> None:
    limit = replace(rule("cpu.percent > 90", name="limit", times=3), every=60 * SECOND)
    one = life(limit)
    one.starts()
    for seconds in range(1, 121, 10):
        one.says(seconds, 95)
        one = life(limit, now=seconds + 1.0)
        one.starts()
        assert bool(one.world.judge.decider.open) == (seconds >= 111), seconds


@pytest.mark.parametrize("seed", range(6))
def test_who_speaks_is_never_called_silent_and_who_does_not_is_however_often_what_ends(life: Life, seed: int) -> None:
    chance, silent, now = random.Random(seed), rule("age > 30s", name="silent"), 0
    one, told, ends = life(silent, patience=0.05), set[tuple[str, str]](), chance.randrange(20, 400)
    one.starts()
    dead = 0
    while now < 700:
        now += 5
        hosts = ("web-1", "web-2") if now < ends else ("web-1",)
        for host in hosts:
            one.store.says(now, 10, subject=host)
        if dead:  # it hears nothing until it begins anew
            dead -= 1
            if not dead:
                told |= set(spoken(one))
                one = life(silent, now=now + 0.5, patience=0.05)
                chance.choice((one.starts, one.starts_alone))()
            continue
        match chance.choices(("lives", "collector", "dies"), (60, 4, 6))[0] if now < 500 else "lives":
            case "dies":
                dead = chance.choice((1, 1, 3, 10, 20))
                continue
            case "collector":
                one.now = now
                one.stair.comes(one.listening)
        for host in hosts:
            one.stair.says(now, host)
        one.hears(now + 0.5)
    # After a start at which the store did not answer, nobody knows of those that were silent until it does.
    until(one, lambda: ("web-2", "firing") in told | set(spoken(one)))
    assert told | set(spoken(one)) == {("web-2", "firing")}


def kept(one: Alerter) -> dict[str, Incident | None]:
    """The incidents on the disk."""
    with one.committer._memory.transaction() as view:
        return {id: read_incident(value) for id, value in view.items("incidents")}


@pytest.mark.parametrize("seed", range(15))
def test_incidents_are_the_same_as_without_a_kill(life: Life, seed: int) -> None:
    chance, now = random.Random(seed), 0.0
    always, one = World(*rules()), life(*rules(), now=-1.0)
    one.starts()
    for _ in range(50):
        now += chance.choice((1, 3, 10, 25))
        cpu = chance.choice((95, 95, 85, 50))
        always.says(now, cpu=cpu)
        match chance.choice(("lives", "lives", "lives", "judges", "is away")):
            case "lives":
                one.says(now, cpu)
                continue
            case "judges":  # and is killed before that is on the disk
                one.world.says(now, cpu=cpu)
        one.store.says(now, cpu)
        one = life(*rules(), now=now + 0.5)
        one.starts()
    assert kept(one) == {found.incident.id: found.incident for found in always.decisions if found.incident}
