"""What wide terminals show more."""

from __future__ import annotations

from tests.viewer.given import NOON, session, settle
from tests.viewer.snapshots import hub_of, seen
from viewer.incidents import Incident
from viewer.wishes import AskHost, AskSeries


def test_pulse_shows_the_chosen_hosts_charts_where_few_hosts_leave_room() -> None:
    hub = hub_of("odd")
    found = session(hub, screen="pulse")
    text = found.draw(200, 60).text()
    assert "╭─ CPU ─" in text
    assert "100%  " in text
    assert found.model.beside == "big-1"
    # and another one's when that is chosen, with its history
    found.press("down")
    settle(found)
    assert found.model.beside == "production-frankfurt-rack-17-blade-03.internal.example.org"
    asked = {wish.name for wish in hub.asked if isinstance(wish, AskSeries) and not wish.spark}
    assert {"big-1", found.model.beside} <= asked


def test_pulse_asks_for_no_hosts_history_where_it_shows_none() -> None:
    for kind, wide, high in (("50", 200, 60), ("odd", 120, 40)):
        hub = hub_of(kind)
        found = session(hub)
        found.model.show("pulse")
        found.draw(wide, high)
        hub.asked.clear()
        found.turn()
        assert not [wish for wish in hub.asked if isinstance(wish, AskHost | AskSeries)]


def test_pulse_has_services_and_what_burned_lately_from_140_columns_on() -> None:
    wide, usual = seen("50", "pulse").draw(140, 40).text(), seen("50", "pulse").draw(139, 40).text()
    assert "Recent incidents" in wide
    assert "Recent incidents" not in usual
    assert "STATE       SERVICE" in wide


def test_programs_and_messages_stand_beside_each_other_from_160_columns_on() -> None:
    rows = seen("50", "guardia").draw(160, 40).text().splitlines()
    assert any("Programs" in row and "Messages" in row for row in rows)


def test_a_chart_in_a_row_is_as_long_as_its_history_is_fine() -> None:
    text = seen("1", "hosts").draw(200, 60).text()
    row = next(line for line in text.splitlines() if "▸" in line)
    assert sum(row.count(sign) for sign in "▁▂▃▄▅▆▇█") >= 59


def test_what_ended_last_stands_first_however_long_it_fired() -> None:
    hub = hub_of("50")
    hours = Incident("raid", "raid-degraded", "db-1", "warning", "resolved", NOON - 9, NOON - 500_000, NOON - 9)
    hub.incidents.append(hours)  # the hub's order is that in which they began
    lines = session(hub, screen="pulse").draw(200, 60).text().splitlines()
    title = next(place for place, line in enumerate(lines) if "Recent incidents" in line)
    assert "raid-degraded" in lines[title + 2]
    found = session(hub, screen="alerts")
    past = [row.incident for row in found.model.alert_rows(NOON) if row.kind == "past" and row.incident]
    assert hours in past
    ended = [one.ended or 0.0 for one in past]
    assert ended == sorted(ended, reverse=True)
