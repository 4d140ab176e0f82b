"""What a silence or a maintenance window speaks of: words of one kind widen it, words of several narrow it."""

from __future__ import annotations

import pytest

from alerter.config import Maintenance
from alerter.silences import in_maintenance, is_active, matches, objection, silenced
from bus.judging import AddSilence
from bus.messages import Silence
from tests.alerter.given import at
from tests.alerter.shapes import burning

DISK = burning(rule="disk-nearly-full", instance="/home", labels={"role": "db", "site": "berlin"})


@pytest.mark.parametrize(
    ("terms", "meant"),
    [
        (("*",), True),
        (("web-*",), True),
        (("host/web-1",), True),
        (("service/*",), False),
        (("db-*", "web-1"), True),
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
