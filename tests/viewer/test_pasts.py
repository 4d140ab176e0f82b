"""The pasts that are kept, and those that are let go."""

from __future__ import annotations

import pytest

from tests.viewer.given import NOON, calm
from viewer.axis import WINDOWS
from viewer.events import Check, ChecksTold, CheckTold, Failed, HostsTold, SampleTold, SeriesTold
from viewer.pasts import MAX_CHECKS, MAX_TRACKS, Pasts, charted
from viewer.plan import series
from viewer.wishes import AskChecks

WINDOW, LONGER = WINDOWS[0], WINDOWS[1]


def sample(name: str = "web-1", cpu: float = 40.0) -> SampleTold:
    return SampleTold(name, name, NOON, {"cpu.percent": cpu, "cpu.count": 4.0})


def checked(at: float) -> CheckTold:
    return CheckTold(Check("shop", at, "up", 80.0))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("cpu.percent", True),
        ("net[eth0].rx_bytes_per_s", True),
        ("temperature[coretemp/Package id 0].celsius", True),
        ("pressure.memory_percent", True),
        ("pressure.memory_full_percent", False),
        ("net.rx_bytes_per_s", False),
        ("cpu[0].percent", False),
        ("cpuxpercent", False),
    ],
)
def test_only_what_is_charted_is_kept(name: str, kept: bool) -> None:
    assert charted(name) is kept


def test_a_reading_grows_all_pasts_of_its_host_and_of_no_other() -> None:
    pasts = Pasts()
    tracks = [pasts.track("web-1", WINDOW), pasts.track("web-1", LONGER)]
    other = pasts.track("db-1", WINDOW)
    pasts.take(sample(), WINDOW)
    assert [list(track.strips) for track in tracks] == [["cpu.percent"], ["cpu.percent"]]
    assert other.strips == {}
    assert list(pasts.spark("web-1", WINDOW).strips) == ["cpu.percent"]


def test_the_past_that_was_looked_at_longest_ago_is_let_go() -> None:
    pasts = Pasts()
    for n in range(MAX_TRACKS):
        pasts.track(f"web-{n}", WINDOW)
    pasts.track("web-0", WINDOW)
    pasts.track("db-1", WINDOW)
    assert len(pasts.tracks) == MAX_TRACKS
    assert ("web-0", WINDOW.name) in pasts.tracks
    assert ("web-1", WINDOW.name) not in pasts.tracks


def test_an_answer_for_a_window_that_is_no_longer_shown_changes_nothing() -> None:
    pasts = Pasts()
    pasts.spark("web-1", LONGER)
    pasts.take(SeriesTold(series("web-1", WINDOW, NOON, spark=True), 5.0, (), {}), LONGER)
    assert not pasts.spark("web-1", LONGER).loaded


def test_why_a_past_could_not_be_loaded_is_kept_until_it_is() -> None:
    pasts = Pasts()
    track = pasts.track("web-1", WINDOW)
    wish = series("web-1", WINDOW, NOON, spark=False)
    pasts.take(Failed(wish, "does not answer in time"), WINDOW)
    assert (track.loaded, track.failed) == (False, "does not answer in time")
    pasts.take(SeriesTold(wish, 1.0, (), {}), WINDOW)
    assert (track.loaded, track.failed) == (True, "")


def test_what_was_missed_makes_every_past_be_asked_for_again() -> None:
    pasts = Pasts()
    kept = (pasts.track("web-1", WINDOW), pasts.spark("web-1", WINDOW), pasts.service("shop", WINDOW))
    for past in kept:
        past.loaded = True
    pasts.outdate()
    assert not any(past.loaded for past in kept)


def test_the_small_past_of_a_host_that_is_gone_is_let_go() -> None:
    pasts = Pasts()
    pasts.take(sample("web-1"), WINDOW)
    pasts.take(sample("db-1"), WINDOW)
    pasts.take(HostsTold((calm("db-1"),)), WINDOW)
    assert list(pasts.sparks) == ["db-1"]


def test_checks_that_came_live_follow_those_that_were_loaded_without_doubles() -> None:
    pasts = Pasts()
    past = pasts.service("shop", WINDOW)
    for at in (NOON, NOON + 30):
        pasts.take(checked(at), WINDOW)
    wish = AskChecks("shop", WINDOW.name, int(NOON) - 300, int(NOON))
    loaded = tuple(checked(at).check for at in (NOON - 30, NOON))
    pasts.take(ChecksTold(wish, loaded, 97.5, 40), WINDOW)
    assert [check.at - NOON for check in past.checks] == [-30, 0, 30]
    assert (past.uptime, past.total, past.loaded) == (97.5, 40, True)


def test_the_checks_of_a_service_that_is_checked_for_long_are_bounded() -> None:
    pasts = Pasts()
    past = pasts.service("shop", WINDOW)
    for second in range(MAX_CHECKS + 5):
        pasts.take(checked(NOON + second), WINDOW)
    assert len(past.checks) == MAX_CHECKS
    assert past.checks[-1].at == NOON + MAX_CHECKS + 4
