"""What a silence or a maintenance window speaks of: words of one kind widen it, words of several narrow it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerter.config import Maintenance
from alerter.silences import (
    LONGEST,
    clock,
    current,
    in_maintenance,
    is_active,
    made,
    matches,
    objection,
    openings,
    silenced,
)
from bus.judging import AddSilence, Opening
from bus.messages import Silence
from tests.alerter.given import at
from tests.alerter.shapes import NOON, SECOND, burning

DISK = burning(rule="disk-nearly-full", instance="/home", labels={"role": "db", "site": "berlin"})


@pytest.mark.parametrize(
    ("terms", "meant"),
    [
        (("*",), True),
        (("web-*",), True),
        (("host/web-1",), True),
        (("service/*",), False),
        (("db-*", "web-1"), True),
        (("web-1", "db-*"), True),
        (("web-*", "rule=disk*"), True),
        (("web-*", "rule=cpu*"), False),
        (("rule=cpu*", "rule=disk*"), True),
        (("severity=warning", "instance=/home"), True),
        (("severity=critical",), False),
        (("role=db", "site=b*"), True),
        (("role=db", "site=paris"), False),
        (("team=*",), False),
        ((), False),
    ],
)
def test_what_is_meant(terms: tuple[str, ...], meant: bool) -> None:
    assert matches(terms, DISK) is meant


def test_a_silence_holds_from_its_begin_to_its_end_and_not_when_it_was_ended() -> None:
    one = Silence("s1", "anna", "new disk", at(0), at(60), ("web-*",), False)
    assert [is_active(one, at(seconds)) for seconds in (-1, 0, 59, 60)] == [False, True, True, False]
    assert not is_active(Silence("s1", "anna", "new disk", at(0), at(60), ("web-*",), True), at(30))
    (hold,) = silenced([one], DISK, at(30))
    assert (hold.cause, hold.until) == ("silence", at(60))
    assert hold.detail == "silenced by anna until 12:01Z: new disk"


def test_a_window_comes_again_on_its_days_in_its_own_time_zone() -> None:
    # Noon of that day is a Tuesday's 13:00 in Berlin.
    window = Maintenance(
        name="backups", start="13:00", lasts=3600.0, days=("tue",), zone="Europe/Berlin", matches=("role=db",)
    )
    day = 86_400
    held = [bool(in_maintenance([window], DISK, at(seconds))) for seconds in (-1, 0, 3599, 3600, day, 7 * day)]
    assert held == [False, True, True, False, False, True]
    assert in_maintenance([window], burning(), at(10)) == []


@pytest.mark.parametrize(
    ("term", "wrong"), [("severity=crit*", False), ("severity=critical", False), ("severity=hot", True)]
)
def test_a_silence_of_a_severity_that_there_is_not_is_refused(term: str, wrong: bool) -> None:
    asked = AddSilence("anna", "new disk", at(60), ("web-*", term))
    assert ("expected severity=info, warning or critical" in objection(asked, at(0))) is wrong


HOUR = 3600 * SECOND
ASKED = AddSilence("anna", "new disk", NOON + HOUR, ("web-1",))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"until": NOON + LONGEST}, ""),
        ({"until": NOON + 1}, ""),
        ({"starts": NOON - HOUR}, ""),
        ({"owner": " "}, "who you are"),
        ({"reason": " "}, "say why"),
        ({"matches": ()}, "what it holds back"),
        ({"matches": ("web-1", " ")}, "what it holds back"),
        ({"until": NOON}, "not in the past"),
        ({"starts": NOON + HOUR}, "ends after it began"),
        ({"until": NOON + LONGEST + 1}, "within a year"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    said = objection(replace(ASKED, **changes), NOON)
    assert words in said
    assert bool(said) is bool(words)


def test_a_silence_begins_now_or_later_and_has_no_blanks_around_its_words() -> None:
    asked = replace(ASKED, owner=" anna ", reason="new disk\n")
    assert made(asked, "1", NOON) == Silence("1", "anna", "new disk", NOON, NOON + HOUR, ("web-1",))
    assert made(replace(asked, starts=NOON - HOUR), "1", NOON).starts == NOON
    assert made(replace(asked, starts=NOON + SECOND), "1", NOON).starts == NOON + SECOND


def test_silences_that_ended_are_shown_to_whoever_asks_for_the_past() -> None:
    of = {id: made(replace(ASKED, until=NOON + seconds * SECOND), id, NOON) for id, seconds in (("b", 9), ("a", 5))}
    of["c"] = replace(of["b"], id="c", revoked=True)

    def shown(seconds: int, *, past: bool) -> list[str]:
        return [one.id for one in current(of, NOON + seconds * SECOND, past=past)]

    assert shown(0, past=False) == ["a", "b"]
    assert shown(5, past=False) == ["b"]
    assert shown(9, past=False) == []
    assert shown(9, past=True) == ["a", "b", "c"]


def test_windows_are_listed_with_when_they_are_open_or_will_be() -> None:
    nightly = Maintenance("nightly", "02:00", 7200.0, ("role=db",))
    moving = Maintenance("moving", "11:00", 7200.0)
    assert openings((nightly, moving), NOON) == (
        Opening("moving", NOON - 3600 * SECOND, NOON + 3600 * SECOND, ("*",)),
        Opening("nightly", NOON + 14 * 3600 * SECOND, NOON + 16 * 3600 * SECOND, ("role=db",)),
    )


def test_a_silence_holds_back_only_what_it_matches_and_only_while_it_holds() -> None:
    one = made(ASKED, "1", NOON)
    assert [hold.cause for hold in silenced([one], burning(), NOON)] == ["silence"]
    assert silenced([one], burning(), NOON + HOUR) == []
    assert silenced([one], burning(subject="web-2"), NOON) == []


def test_a_time_of_another_day_is_told_with_its_day() -> None:
    assert clock(NOON + HOUR, NOON) == "13:00Z"
    assert clock(NOON + 12 * HOUR, NOON) == "2026-11-25 00:00Z"
