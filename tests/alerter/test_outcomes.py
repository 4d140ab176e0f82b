"""What a back-test counts: who would have been told of what, who would not and why, and for how long it fired."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.backtest import SHOWN, as_json, as_text
from alerter.config import Maintenance
from alerter.replay import Outcome, Received, Replay, difference, is_late, replayed
from bus.messages import Check, Layout, Loss, Message, Sample
from bus.tables import Host
from bus.wire import Record, record
from tests.alerter.given import SECOND, at, rule

CPU = Layout(("cpu.percent",))
BUSY = rule("cpu.percent > 90", name="busy")
SILENT = rule("age > 30s", name="silent", unreachable=True)


def says(seconds: float, cpu: float = 10.0, host: str = "web-1") -> Record:
    """A host's sample of that time."""
    return record(
        Sample(CPU.id, (cpu,)), source=host, subject=host, at=at(seconds), epoch=7, number=int(seconds * 10) + 1
    )


def trial(*rules: object, hosts: Iterable[Host] = (), windows: Iterable[Maintenance] = (), **more: int) -> Replay:
    """A replay from noon on."""
    made = Replay(rules, tuple(hosts), (), tuple(windows), at(0), **more)  # type: ignore[arg-type]
    made.judge.layout(CPU.id, CPU.names)
    return made


def played(replay: Replay, *told: Record, end: float) -> Outcome:
    """What becomes of these, with time passing until ``end``."""
    for one in told:
        replay.take(one, one.at)
    replay.passes(at(end))
    return replay.outcome


def test_an_alarm_is_one_notice_and_its_end_another_and_minutes_are_those_of_each() -> None:
    told = (says(10, 95), says(40, 10), says(100, 95))
    outcome = played(trial(BUSY), *told, end=160)
    assert (outcome.records, len(outcome.incidents), outcome.notices) == (3, 2, 3)
    assert outcome.minutes(at(160)) == 0.5 + 1.0
    assert outcome.suppressed == {}


def test_what_begins_and_ends_in_a_window_is_told_to_nobody_and_what_outlives_it_is() -> None:
    window = Maintenance(name="noon", start="12:00", lasts=120.0)
    over = played(trial(BUSY, windows=[window]), says(10, 95), says(40, 10), end=300)
    assert (over.notices, len(over.incidents)) == (0, 1)
    assert ["noon" in why for why in over.suppressed.values()] == [True]
    burns = played(trial(BUSY, windows=[window]), says(10, 95), end=300)
    assert (burns.notices, burns.suppressed) == (1, {})


def test_of_what_depends_on_a_host_that_is_silent_nobody_is_told_until_it_had_time_to_follow() -> None:
    hosts = Host(name="gw"), Host(name="web-1", parent="gw")
    replay = trial(SILENT, BUSY, hosts=hosts, settle=60 * SECOND)
    gone = [says(1, 10, "gw"), says(1, 95, "web-1"), says(100, 10, "gw")]
    outcome = played(replay, *gone, end=140)
    by_rule = {outcome.incidents[id].rule: why for id, why in outcome.suppressed.items()}
    assert by_rule.keys() == {"silent"}, "who was busy before was told"
    assert "gw, which it depends on" in by_rule["silent"]
    played(replay, says(141, 10, "gw"), end=165)
    assert any(outcome.incidents[id].subject == "web-1" for id in outcome.suppressed)
    played(replay, says(166, 10, "gw"), says(190, 10, "gw"), says(210, 10, "gw"), end=215)
    assert outcome.suppressed == {}


def test_only_of_what_depends_on_a_host_that_is_back_after_a_silence_nobody_is_told_for_a_while() -> None:
    hosts = Host(name="gw"), Host(name="web-1", parent="gw")
    alive = [says(seconds, 10, "web-1") for seconds in (2, 25, 50)]
    silent = [says(1, 10, "gw"), *alive, says(60, 10, "gw"), says(62, 95, "web-1")]
    outcome = played(trial(SILENT, BUSY, hosts=hosts, settle=60 * SECOND), *silent, end=65)
    by_rule = {outcome.incidents[id].rule: why for id, why in outcome.suppressed.items()}
    assert by_rule.keys() == {"busy"}
    assert "gw, which it depends on, is back" in by_rule["busy"]

    busy = [says(1, 95, "gw"), says(10, 10, "gw"), says(12, 95, "web-1")]
    outcome = played(trial(SILENT, BUSY, hosts=hosts, settle=60 * SECOND), *busy, end=15)
    assert ([one.subject for one in outcome.incidents.values()], outcome.suppressed) == (["gw", "web-1"], {})


def test_what_the_hub_did_not_hear_is_no_silence() -> None:
    replay = trial(SILENT, silent=25 * SECOND)
    replay.take(says(1), at(1))
    replay.take(None, at(300))
    for seconds in range(310, 330, 5):
        replay.take(None, at(seconds))
    assert replay.outcome.incidents == {}
    replay.take(None, at(340))
    (one,) = replay.outcome.incidents.values()
    assert (one.changed_at, replay.outcome.records) == (at(331), 1)


def test_a_hub_that_hears_each_25_seconds_is_not_deaf() -> None:
    replay = trial(SILENT, silent=25 * SECOND)
    for seconds in range(0, 100, 25):
        replay.take(says(0) if seconds == 0 else None, at(seconds))
    assert replay.judge.hearing.deaf_since == 0
    replay.passes(at(102))
    assert replay.judge.hearing.blind


@pytest.mark.parametrize(("late", "is_news"), [(0.0, True), (3600.0, True), (3600.1, False)])
@pytest.mark.parametrize("message", [Sample(1, (1.0,)), Check("down"), Loss("web-1", 7, 1, 2, "dropped")])
def test_what_was_sent_an_hour_late_was_no_news(message: Message, late: float, is_news: bool) -> None:
    one = record(message, source="web-1", subject="web-1", at=at(0), epoch=7, number=1, sent=at(late))
    assert is_late(one) == (not is_news and not isinstance(message, Loss))


def test_records_are_judged_by_when_they_came_though_their_slices_are_by_when_they_were_measured() -> None:
    told = [(at(50), says(5, 10)), (at(8), says(8, 95)), (at(61), None), (at(65), says(70, 10))]
    asked: list[tuple[int, int]] = []

    def fetch(begin: int, end: int) -> Iterable[Received]:
        asked.append((begin, end))
        yield from (
            (received, one) for received, one in told if begin <= (one.at if one is not None else received) < end
        )

    replay = trial(BUSY)
    replayed((replay,), fetch, at(0), at(130), slice_ns=60 * SECOND)
    assert asked == [(at(0), at(60)), (at(60), at(120)), (at(120), at(130))]
    (one,) = replay.outcome.incidents.values()
    # What was measured at 5 s came after what was measured at 8 s, and is the past of that host by then.
    assert (one.started_at, one.ended_at, replay.outcome.records) == (at(8), at(65), 3)


class Noted(Replay):
    """Notes what it is to judge, and when."""

    def __init__(self) -> None:
        super().__init__((), (), (), (), at(0))
        self.noted: list[tuple[int, Record | None]] = []
        self.passed: list[int] = []

    def take(self, record: Record | None, received: int) -> None:
        self.noted.append((received, record))

    def passes(self, now: int) -> None:
        self.passed.append(now)


@given(st.lists(st.tuples(st.integers(-5, 130), st.integers(-30, 200)), max_size=30), st.sampled_from([1, 7, 60, 3600]))
def test_records_are_judged_in_the_order_in_which_they_came_and_each_once(
    told: list[tuple[int, int]], slice_seconds: int
) -> None:
    made = [(at(measured), at(measured + delay), says(measured)) for measured, delay in told]
    first, second = Noted(), Noted()

    def fetch(begin: int, end: int) -> Iterable[Received]:
        return ((received, one) for measured, received, one in made if begin <= measured < end)

    replayed((first, second), fetch, at(0), at(100), slice_ns=slice_seconds * SECOND)

    assert first.noted == second.noted
    assert first.passed == second.passed
    assert first.passed[-1] == at(100)
    within = [(received, one) for measured, received, one in made if at(0) <= measured < at(100) > received]
    assert sorted(first.noted, key=repr) == sorted(within, key=repr)
    if all(delay >= 0 for _, delay in told):
        assert [received for received, _ in first.noted] == sorted(received for received, _ in within)


def outcomes() -> tuple[Outcome, Outcome]:
    """By new rules, and by those of today."""
    told = [says(10, 95), says(40, 85), says(70, 10)]
    return (
        played(trial(rule("cpu.percent > 80", name="new")), *told, end=100),
        played(trial(BUSY, rule("cpu.percent > 84", name="warm", for_=20.0)), *told, end=100),
    )


def test_what_differs_is_told_by_the_time_it_began() -> None:
    new, old = outcomes()
    added, gone = difference(old, new)
    assert [one.rule for one in added] == ["new"]
    assert [one.rule for one in gone] == ["busy", "warm"]
    assert difference(new, new) == ([], [])


def test_it_is_shown_to_people_with_what_is_more_and_what_is_less() -> None:
    new, old = outcomes()
    lines = [" ".join(line.split()) for line in as_text(new, old, at(0), at(100)).splitlines()]
    assert lines[0] == "2023-11-14 12:00:00Z to 2023-11-14 12:01:40Z, 3 records"
    assert lines[2:5] == [
        "INCIDENTS NOTICES SUPPRESSED MINUTES",
        "these rules 1 2 0 1.0",
        "today's rules 2 4 0 1.5",
    ]
    more, less = lines.index("More than today:"), lines.index("Less than today:")
    assert "host/web-1 new" in lines[more + 2]
    assert [line.split()[5] for line in lines[less + 2 : less + 4]] == ["busy", "warm"]


def test_what_is_probably_a_slip_of_the_pen_is_noted_before_it_is_said_that_nothing_fires() -> None:
    new, old = outcomes()
    notes = ["busy: the agent measures no cpu.percnt; did you mean cpu.percent?"]
    assert as_text(new, old, at(0), at(100), notes).splitlines()[1:3] == [f"note: {notes[0]}", ""]
    assert json.loads(as_json(new, old, at(0), at(100), notes))["notes"] == notes
    assert json.loads(as_json(new, old, at(0), at(100)))["notes"] == []


def test_to_programs_it_is_told_with_the_incidents_and_which_differ() -> None:
    new, old = outcomes()
    found = json.loads(as_json(new, old, at(0), at(100)))
    assert (found["start"], found["end"], found["records"]) == (at(0), at(100), 3)
    assert {key: found["rules"][key] for key in ("notices", "suppressed", "minutes_firing")} == {
        "notices": 2,
        "suppressed": {},
        "minutes_firing": 1.0,
    }
    assert [len(found[side]["incidents"]) for side in ("rules", "today")] == [1, 2]
    assert [len(found["difference"][which]) for which in ("added", "gone")] == [1, 2]


def test_of_very_many_the_last_are_shown_and_the_others_counted() -> None:
    told = [says(10.0 * turn, 95 if turn % 2 else 10) for turn in range(2 * SHOWN + 20)]
    new = played(trial(BUSY, flapping_count=1000), *told, end=2000)
    text = as_text(new, new, at(0), at(2000))
    assert f"({len(new.incidents) - SHOWN} earlier ones are left out)" in text
    assert "More than today: none" in text
    burning = played(trial(BUSY, windows=[Maintenance(name="noon", start="12:00", lasts=3600.0)]), says(10, 95), end=90)
    text = as_text(burning, burning, at(0), at(90))
    assert " burns " in text
    assert "(held back: " in text
