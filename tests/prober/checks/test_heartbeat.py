"""A job that has to report: in time, late, never, or that it failed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from prober.checks.heartbeat import Heartbeat
from prober.outcome import DOWN, UNKNOWN, UP, Outcome
from prober.probe import Report
from tests.prober.targets import probe

HOUR = 3_600_000_000_000
NOON = 1_769_860_800_000_000_000
BACKUP = Heartbeat(name="backup", every=86_400.0, late=3600.0)


def found(report: Report | None, *, now: int = NOON, since: int = NOON - 100 * HOUR) -> Outcome:
    made = probe(now=now, report=report)
    made.watched_since = since
    return BACKUP.run(made)


def test_a_report_in_time_is_up_until_it_is_late() -> None:
    assert found(Report(NOON - 24 * HOUR)).status == UP
    assert found(Report(NOON - 25 * HOUR)).status == UP
    late = found(Report(NOON - 25 * HOUR - 60_000_000_000))
    assert (late.status, late.reason) == (DOWN, "no report for 1d1h, expected every 1d")
    assert late.metrics["age_seconds"] == 90_060.0


def test_a_job_of_each_night_is_not_late_by_itself_when_clocks_are_set_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before, after = datetime(2026, 10, 25, 1, 30, tzinfo=berlin), datetime(2026, 10, 26, 1, 31, tzinfo=berlin)
    made = probe(now=int(after.timestamp()) * 10**9, report=Report(int(before.timestamp()) * 10**9))
    assert Heartbeat(name="backup").run(made).status == UP


def test_a_job_is_not_asked_and_has_no_time_in_which_it_answers() -> None:
    for report in (Report(NOON), Report(NOON, "down", "disk full"), Report(NOON - 30 * HOUR), None):
        assert (found(report).response_ms, found(report).phases) == (None, {})


def test_a_job_that_failed_is_down_with_its_own_words() -> None:
    assert found(Report(NOON, "down", "disk full")).reason == "it failed: disk full"
    assert found(Report(NOON, "down")).reason == "it failed: it does not say why"


def test_a_new_job_has_time_for_its_first_report() -> None:
    assert found(None, since=NOON - HOUR).status == UNKNOWN
    never = found(None)
    assert (never.status, never.reason) == (DOWN, "no report has ever come; one is expected every 1d")


def test_a_clock_that_was_put_back_makes_nothing_late() -> None:
    assert found(Report(NOON + HOUR)).status == UP


def test_our_own_cut_does_not_excuse_a_job() -> None:
    assert found(None).reached
