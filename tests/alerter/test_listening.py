"""The stair as the alerter hears it: who is silent is told by what has come, never by what still waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerter.listening import FRAMES
from alerter.memory import Memory
from tests.alerter.given import at, rule
from tests.alerter.stair import Alerter


@pytest.fixture
def alerter(tmp_path: Path) -> Iterator[Alerter]:
    memory = Memory(tmp_path / "alerter")
    made = Alerter(memory, [rule("age > 30s", name="silent"), rule("cpu.percent > 90", name="busy")])
    yield made
    made.close()
    memory.close()


def test_a_host_that_says_nothing_is_silent(alerter: Alerter) -> None:
    for second in range(40):
        alerter.stair.says(second, "web-2")
        if second < 5:
            alerter.stair.says(second)
        alerter.pulse(second + 0.5)
    assert alerter.speaker.spoken == [("web-1", "firing")]


def test_nobody_is_silent_because_the_alerter_is_behind(alerter: Alerter) -> None:
    for turn in range(3 * FRAMES):
        alerter.stair.says(turn / 10)
    # After each look the newest that was judged is long past; what is newer waits in the socket.
    for turn in range(10):
        alerter.pulse(60.0 + turn / 10)
    assert alerter.speaker.spoken == []
    alerter.pulse(91.0)
    assert alerter.speaker.spoken == [("web-1", "firing")]


@pytest.mark.parametrize("missed", [False, True])
def test_what_a_new_collector_published_before_it_was_heard_is_asked_of_the_store(
    alerter: Alerter, missed: bool
) -> None:
    alerter.stair.says(0)
    alerter.pulse(1.0)
    alerter.caught.asked.clear()
    alerter.stair.begins_anew(alerter.context)
    assert alerter.listening.watch.poll(30_000)
    alerter.listening.connection()
    if missed:
        alerter.stair.says(8, cpu=95)
        alerter.stair.waiting.clear()
    alerter.stair.says(9)
    alerter.pulse(10.0)
    # Once, and also where no count tells of it: what was missed may be the last of its kind for hours.
    assert alerter.caught.asked == [at(-1)]


def test_how_far_it_is_behind_is_known_until_nothing_waits(alerter: Alerter) -> None:
    assert alerter.listening.lag() == 0.0
    for turn in range(2 * FRAMES + 10):
        alerter.stair.says(turn / 10)
    alerter.pulse(100.0)
    behind = alerter.listening.lag()
    assert 75.0 < behind < 85.0
    alerter.pulse(100.1)
    assert alerter.listening.lag() < behind
    alerter.pulse(100.2)
    assert alerter.listening.lag() == 0.0


def test_a_frame_that_is_none_is_counted_and_the_rest_is_judged(alerter: Alerter) -> None:
    alerter.stair.says(0)
    alerter.stair.waiting.append(b"sample\0rubbish")
    alerter.stair.waiting.append(b"\xff" * 40)
    alerter.stair.says(1, cpu=95)
    alerter.pulse(1.5)
    assert alerter.speaker.spoken == [("web-1", "firing")]
