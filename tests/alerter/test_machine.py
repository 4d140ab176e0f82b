"""The life of an alarm: every cell of the table, and what holds for every history."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.machine import QUIET, TABLE, Alarm, Change, Finding, Seen, State, diagram, in_words, meaning, step

SECOND = 1_000_000_000
WAIT = 60 * SECOND
SETTLE = 30 * SECOND
FINDINGS: dict[Seen, tuple[Finding, int]] = {
    # What is found, and how long after the alarm's state (or run) began.
    Seen.BAD: (Finding(True, False, wait=WAIT), 0),
    Seen.BAD_LONG: (Finding(True, False, wait=0), 61 * SECOND),
    Seen.BETWEEN: (Finding(False, False, wait=WAIT), 61 * SECOND),
    Seen.GOOD: (Finding(False, True, settle=SETTLE), 5 * SECOND),
    Seen.GOOD_LONG: (Finding(False, True, settle=0), 61 * SECOND),
    Seen.NOTHING: (Finding(None), 61 * SECOND),
    Seen.GONE: (Finding(None, gone=True), 61 * SECOND),
}


@pytest.mark.parametrize(("state", "seen"), list(TABLE), ids=lambda value: value.name.lower())
def test_every_cell_leads_where_the_table_says(state: State, seen: Seen) -> None:
    alarm = QUIET if state is State.QUIET else Alarm(state, since=1000, began=1000, count=1, fired_at=1000)
    finding, later = FINDINGS[seen]
    now = 1000 + later

    assert meaning(alarm, finding, now) is seen
    after, change, _ = step(alarm, finding, now)

    assert after.state is TABLE[state, seen]
    assert (change is None) == (after.state is state)


def test_the_table_has_every_cell() -> None:
    assert set(TABLE) == {(state, seen) for state in State for seen in Seen}


def test_the_diagram_in_the_docs_is_the_tables() -> None:
    page = Path(__file__).parents[2] / "docs" / "alerting.md"
    assert diagram() in page.read_text(), "python -c 'from alerter.machine import diagram; print(diagram())'"


def test_the_reason_says_how_long_it_is_pending() -> None:
    finding = Finding(True, False, text="cpu.percent is 95 %, above 90 %", wait=300 * SECOND)
    alarm, _, _ = step(QUIET, finding, 0)
    _, _, reason = step(alarm, finding, 120 * SECOND)
    assert reason == "cpu.percent is 95 %, above 90 %, for 2m of 5m"


def test_a_rule_of_readings_fires_at_the_last_of_them() -> None:
    finding = Finding(True, False, times=3)
    alarm, seen = QUIET, []
    for now in range(4):
        alarm, change, _ = step(alarm, finding, now)
        seen.append(change)
    assert seen == [Change.PENDING, None, Change.FIRED, None]


def test_a_life_in_words_and_what_is_remembered_of_it() -> None:
    found = {"bad": (True, False), "between": (False, False), "good": (False, True), "nothing": (None, False)}
    alarm, told = QUIET, []
    for second, what in (
        (1000, "bad"),
        (1001, "bad"),
        (1120, "bad"),
        (1121, "between"),
        (1180, "bad"),
        (1200, "good"),
        (1230, "good"),
        (1231, "nothing"),
        (1245, "bad"),
        (1300, "good"),
        (1360, "good"),
    ):
        finding = Finding(*found[what], text="it is so", wait=120 * SECOND, settle=60 * SECOND, times=2)
        alarm, change, reason = step(alarm, finding, second * SECOND)
        times = tuple(at // SECOND for at in (alarm.since, alarm.began, alarm.fired_at))
        told.append((change and change.value, reason, *times, alarm.reason == reason))
    assert told == [
        ("pending", "it is so, for 0s of 2m and 1 of 2 times", 1000, 1000, 0, True),
        (None, "it is so, for 1s of 2m and 2 of 2 times", 1000, 1000, 0, True),
        ("fired", "it is so, since 2m", 1120, 1000, 1120, True),
        (None, "it is so, not yet clear", 1120, 1000, 1120, False),
        (None, "it is so, since 3m", 1120, 1000, 1120, True),
        ("clearing", "it is so, clear for 0s of 1m", 1200, 1000, 1120, True),
        (None, "it is so, clear for 30s of 1m", 1200, 1000, 1120, False),
        (None, "no data: it is so", 1200, 1000, 1120, False),
        ("back", "it is so, since 4m5s", 1245, 1000, 1120, True),
        ("clearing", "it is so, clear for 0s of 1m", 1300, 1000, 1120, True),
        ("resolved", "it is so", 0, 0, 0, False),
    ]
    at_once, _, _ = step(QUIET, Finding(True, text="it is so"), 0)
    assert step(at_once, Finding(True, text="it is so"), SECOND)[2] == "it is so, since 1s"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59, "59s"), (3600, "1h"), (90_061, "1d1h"), (86_461, "1d1m")]
)
def test_a_duration_is_told_to_two_units(seconds: int, words: str) -> None:
    assert in_words(seconds * SECOND + SECOND - 1) == words


findings = st.lists(
    st.tuples(
        st.sampled_from([True, False, None]),
        st.booleans(),
        st.integers(0, 90),
        st.booleans(),
    ),
    max_size=60,
)


@given(findings, st.sampled_from([0, 30]), st.sampled_from([0, 20]), st.integers(1, 3))
def test_no_two_alarms_come_without_a_recovery_between(
    found: list[tuple[bool | None, bool, int, bool]], wait: int, settle: int, times: int
) -> None:
    alarm, now, burning = QUIET, 0, False
    for holds, clear, later, gone in found:
        now += later * SECOND
        finding = Finding(
            holds,
            bool(holds is False and clear),
            wait=wait * SECOND,
            settle=settle * SECOND,
            times=times,
            gone=gone and holds is None,
        )
        alarm, change, _ = step(alarm, finding, now)
        if change is Change.FIRED:
            assert not burning
            assert finding.holds, "an alarm fires on fresh evidence alone"
            burning = True
        if change is Change.RESOLVED:
            assert burning
            burning = False
        assert burning == (alarm.state in (State.FIRING, State.CLEARING))


@given(findings, st.sampled_from([0, 30]), st.integers(1, 3))
def test_every_pending_letter_ends(found: list[tuple[bool | None, bool, int, bool]], wait: int, times: int) -> None:
    alarm, now = QUIET, 0
    for holds, clear, later, _ in found:
        now += later * SECOND
        alarm, _, _ = step(alarm, Finding(holds, bool(clear), wait=wait * SECOND, times=times), now)
    for _ in range(times + 1):
        now += 61 * SECOND
        alarm, _, _ = step(alarm, Finding(True, False, wait=wait * SECOND, times=times), now)
    assert alarm.state is State.FIRING
    alarm, change, _ = step(alarm, Finding(False, True), now)
    assert (alarm.state, change) == (State.QUIET, Change.RESOLVED)
