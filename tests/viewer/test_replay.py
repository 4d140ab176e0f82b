"""The past shown as it was, and the ways through it."""

from __future__ import annotations

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, HubInMemory, session, settle
from viewer import travel
from viewer.events import FactsTold, IncidentsTold, SampleTold
from viewer.incidents import Incident
from viewer.replay import NOT_READ
from viewer.session import Session
from viewer.wishes import AskIncidents, AskSeries


def visited(ago: float, *keys: str, hub: HubInMemory | None = None, screen: str = "hosts") -> Session:
    """A session that looks at the moment ``ago`` seconds before noon."""
    found = session(hub or HubInMemory(fleet(3)), screen=screen)
    travel.visit(found.model, NOON - ago, NOON)
    settle(found)
    for key in keys:
        found.press(key)
        settle(found)
    return found


def test_numbers_are_those_of_the_moment_and_not_of_today() -> None:
    hub = HubInMemory(fleet(3))
    found = visited(7200, hub=hub)
    host = found.model.world.hosts["web-1"]
    assert host.value("cpu.percent") == hub.hosts["web-1"].value("cpu.percent", NOON - 7200 + 0.5)
    assert host.value("disk[/srv/backup].percent") is not None
    assert "■ PAUSED 10:00:00, 2 h ago" in found.draw(100, 30).text()


def test_facts_that_are_told_after_the_visit_began_are_shown() -> None:
    found = visited(7200)
    found.model.take(FactsTold("web-1", {"os": "Plan 9"}), NOON)
    travel.follow(found.model, NOON)
    assert found.model.world.hosts["web-1"].facts == {"os": "Plan 9"}


def test_a_moment_of_another_day_is_told_with_its_day() -> None:
    assert "■ PAUSED 30 Dec 2025 12:00:00, 2 d ago" in visited(2 * 86_400).draw(100, 30).text()


def test_a_host_that_was_silent_then_is_down_then() -> None:
    hub = HubInMemory(fleet(2))
    hub.hosts["db-1"].gaps.append((NOON - 4000, NOON - 3000))
    found = visited(3870, hub=hub)
    assert found.model.world.hosts["db-1"].state == "down"
    assert found.model.world.hosts["web-1"].state == "up"
    assert found.model.present.hosts["db-1"].state == "up"
    travel.visit(found.model, NOON - 3300, NOON)
    settle(found)
    assert found.model.world.hosts["db-1"].state == "unknown", "no reading says what it was"


def test_what_is_heard_meanwhile_changes_the_present_only() -> None:
    found = visited(7200)
    before = found.draw(100, 30).text()
    found.model.take(SampleTold("web-1", "web-1", NOON, {"cpu.percent": 99.0}), NOON)
    assert found.draw(100, 30).text() == before
    found.press("0")
    assert found.model.world.hosts["web-1"].value("cpu.percent") == 99.0
    assert "● LIVE" in found.draw(100, 30).text()


def test_a_replay_moves_as_fast_as_it_was_told_and_ends_in_the_present() -> None:
    hub = HubInMemory(fleet(1))
    found = session(hub, screen="host")
    travel.visit(found.model, NOON - 600, NOON, speed=10.0)
    assert found.model.time(NOON + 30) == NOON - 300
    hub.now = NOON + 30
    settle(found)
    text = found.draw(100, 40).text()
    assert "▶ REPLAY 11:55:00 ×10" in text
    assert "⣿" in text
    hub.now = NOON + 70
    settle(found)
    assert found.model.replay is None
    assert "● LIVE" in found.draw(100, 40).text()


def test_in_the_past_the_pause_stops_and_starts_the_moment() -> None:
    found = visited(3600, "p")
    assert found.model.replay is not None
    assert found.model.time(NOON + 10) == NOON - 3590
    found.press("p")
    assert found.model.time(NOON + 10) == NOON - 3600
    found.press("]")
    assert found.model.replay.running
    found.press("]")
    assert found.model.replay.speed == 2.0


def test_going_back_and_on_moves_by_a_quarter_of_the_window_and_home_again() -> None:
    found = session(HubInMemory(fleet(1)), "<")
    assert found.model.time(NOON) == NOON - 75
    found.press("-")
    found.press("<")
    assert found.model.time(NOON) == NOON - 75 - 225
    found.press(">")
    found.press(">")
    assert found.model.replay is None
    found.press(">")
    assert found.model.time(NOON) == NOON


def test_a_held_picture_lets_go_of_what_it_kept_before_it_goes_back() -> None:
    found = session(HubInMemory(fleet(1)), "p")
    found.model.take(SampleTold("web-1", "web-1", NOON, {"cpu.percent": 99.0}), NOON)
    found.press("<")
    assert (found.model.paused_at, len(found.model.backlog)) == (None, 0)
    assert found.model.present.hosts["web-1"].value("cpu.percent") == 99.0


def test_charts_of_the_past_are_read_once_for_a_whole_stretch() -> None:
    hub = HubInMemory(fleet(1))
    found = visited(86_400, hub=hub, screen="host")
    text = found.draw(100, 40).text()
    assert "⣿" in text
    count = len(hub.asked)
    found.press("<")
    settle(found)
    charts = [wish for wish in hub.asked[count:] if isinstance(wish, AskSeries) and "@" in wish.window]
    assert len(charts) <= 1, "a stretch holds a window before and one after its beginning"


def test_what_nobody_asked_for_is_not_shown_as_it_is_today() -> None:
    found = session(HubInMemory(fleet(3)))
    travel.visit(found.model, NOON - 3600, NOON)
    assert {host.state for host in found.model.world.hosts.values()} == {NOT_READ}
    assert all(not host.values for host in found.model.world.hosts.values())


@pytest.mark.parametrize("screen", ["hosts", "host"])
def test_the_incident_before_is_shown_with_what_came_after_it(screen: str) -> None:
    found = session(HubInMemory(fleet(2)), screen=screen)
    begun = ((NOON - 7200, "web-1"), (NOON - 3600, "db-1"), (NOON - 1800, "web-1"))
    burned = [Incident(str(at), "cpu", name, "warning", "resolved", at, at, at + 60) for at, name in begun]
    found.model.take(IncidentsTold(AskIncidents("now", 0, int(NOON)), tuple(burned)), NOON)
    found.model.hosts.chosen, found.model.hosts.held = "web-1", True
    found.press("b")
    assert found.model.time(NOON) == NOON - 1800 + 75
    found.press("b")
    earlier = NOON - 3600 if screen == "hosts" else NOON - 7200
    assert found.model.time(NOON) == earlier + 75
    found.press("b")
    found.press("b")
    settle(found)
    assert "no incident" in found.model.notice


def _burned(count: int, every: float = 3600.0) -> list[Incident]:
    """Incidents of two hosts in turn, the newest first, the newest an hour ago."""
    times = [NOON - every * (place + 1) for place in range(count)]
    names = ("web-1", "db-1")
    return [
        Incident(f"i{place}", "cpu", names[place % 2], "warning", "resolved", at, at, at + 60)
        for place, at in enumerate(times)
    ]


@pytest.mark.parametrize(("screen", "nth"), [("hosts", 9), ("host", 10)])
def test_an_incident_that_was_before_all_that_is_known_is_found_in_the_hubs_memory(screen: str, nth: int) -> None:
    # given a hub that tells the newest four of its incidents, and that were months ago
    hub = HubInMemory(fleet(2))
    hub.incidents, hub.most = _burned(10, every=10 * 86_400.0), 4
    found = session(hub, screen=screen)
    found.model.hosts.choose("db-1")
    travel.visit(found.model, NOON - 89 * 86_400.0, NOON)
    settle(found)
    # when the one before is asked for
    found.press("b")
    settle(found)
    # then it is shown, as it burned
    assert found.model.notice == ""
    assert found.model.time(NOON) == NOON - nth * 10 * 86_400.0 + 75


def test_who_presses_another_key_meanwhile_stays_where_they_are() -> None:
    hub = HubInMemory(fleet(2))
    hub.incidents, hub.most = _burned(10), 0
    found = session(hub)
    found.press("b")
    assert found.model.notice == "looking for the incident before…"
    found.press("j")
    settle(found)
    assert found.model.replay is None


def test_a_hub_that_is_away_while_an_incident_is_looked_for_is_told() -> None:
    hub = HubInMemory(fleet(2))
    found = session(hub)
    hub.away = True
    found.press("b")
    found.turn()
    found.turn()
    assert found.model.notice == "cannot reach the hub"


def test_a_list_that_is_cut_off_says_so_and_goes_on_where_the_moment_is() -> None:
    hub = HubInMemory(fleet(2))
    hub.incidents, hub.most = _burned(600), 500
    found = session(hub, screen="alerts")
    text = found.draw(100, 30).text()
    assert "newest 500 incidents ─ back to 11 Dec 16:00:00 ─ b < older" in text
    # when a moment before all of these is shown, the days around it are asked for
    travel.visit(found.model, NOON - 590 * 3600, NOON)
    settle(found)
    asked = [wish for wish in hub.asked if isinstance(wish, AskIncidents)][-1]
    assert asked.since < NOON - 597 * 3600
    assert NOON - 590 * 3600 < asked.until < NOON - 560 * 3600
    # and what was asked for the past is not taken for the present's
    late = IncidentsTold(asked, ())
    found.press("0")
    settle(found)
    found.model.take(late, NOON)
    assert len(found.model.alarms.past) == 500
