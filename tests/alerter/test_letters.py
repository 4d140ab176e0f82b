"""What a channel was told of an incident, as it is remembered."""

from __future__ import annotations

import pytest

from alerter.letters import MAYBE, MOST_SAID, NO, YES, Said, Told
from tests.alerter.shapes import NOON


def told(*outcomes: str, reached: str = NO) -> Told:
    said = tuple(Said(NOON + place, "alarm", 1, outcome) for place, outcome in enumerate(outcomes))
    return Told("c0ffee", "ops", transition=1, reached=reached, said=said)


@pytest.mark.parametrize(
    ("one", "refused"),
    [
        (told("never"), True),
        (told("never", "withdrawn"), True),
        (told("never", reached=MAYBE), False),
        (told("never", reached=YES), False),
        (told("never", "waiting"), False),
        (told("delivered", reached=YES), False),
        (told(), False),
    ],
)
def test_refused_is_what_certainly_did_not_arrive_and_is_not_tried_any_more(one: Told, refused: bool) -> None:
    assert one.refused_before(NOON + 1) is refused
    assert not one.refused_before(NOON)


def test_of_what_was_said_the_alarm_and_the_newest_are_remembered() -> None:
    one = told("delivered")
    for number in range(2, 2 * MOST_SAID):
        one = one.noted(Said(NOON + number, "reminder", number, "delivered"))
    assert len(one.said) == MOST_SAID
    assert (one.said[0].about, one.said[-1].at) == ("alarm", NOON + 2 * MOST_SAID - 1)
