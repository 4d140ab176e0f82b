"""What the person does about what burns, against a hub in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, HubInMemory, session, settle
from viewer.alarms import silences_for
from viewer.incidents import Incident, Silence
from viewer.session import Session
from viewer.wishes import Acknowledge, AddSilence, AskBacktest, AskWhy, EndSilence

FULL = Incident("i1", "disk-full", "web-1", "critical", "firing", NOON - 600, NOON - 600, reason="93, above 90")
BUSY = Incident("i2", "cpu-busy", "db-1", "warning", "firing", NOON - 60, NOON - 60)
KNOWN = Incident("i3", "cpu-busy", "cache-1", "warning", "firing", NOON - 90, NOON - 90, owner="anna")
PENDING = Incident("", "cpu-busy", "queue-1", "warning", "pending", NOON - 5)
OVER = Incident("i0", "disk-full", "web-1", "critical", "resolved", NOON - 9000, NOON - 9000, NOON - 8000)
HELD = Silence("s1", "ben", "new disk", NOON - 60, NOON + 3600, ("web-*",))


def burning(*keys: str, screen: str = "alerts") -> tuple[HubInMemory, Session]:
    hub = HubInMemory(fleet(5))
    hub.alarms, hub.silences, hub.incidents = [FULL, BUSY, KNOWN, PENDING], [HELD], [OVER]
    return hub, session(hub, *keys, screen=screen)


def typed(found: Session, text: str, *after: str) -> None:
    for key in (*text, *after):
        found.press(key)
    settle(found)


def test_alerts_are_listed_the_worst_first_then_silences_then_what_is_over() -> None:
    _, found = burning()
    rows = found.model.alert_rows(NOON)
    assert [row.key for row in rows] == [
        "alarm i1",
        "alarm i2",
        "alarm i3",
        "alarm queue-1/cpu-busy/",
        "silence s1",
        "past i0",
    ]


def test_a_silence_to_come_says_when_it_begins() -> None:
    hub, found = burning("down", "down", "down", "down")
    assert found.model.alerts.chosen == "silence s1"
    before = found.draw(160, 40).text()
    hub.silences = [replace(HELD, starts=NOON + 1800)]
    found.press("r")
    settle(found)
    assert "in 30 m" not in before
    assert "in 30 m" in found.draw(160, 40).text()


def test_acknowledging_asks_for_a_note_and_tells_the_hubs_sentence() -> None:
    hub, found = burning("a")
    typed(found, "on my way", "enter")
    assert hub.acts == [Acknowledge("i1", "on my way")]
    assert found.model.notice == "done"
    assert found.model.prompt is None


def test_escape_gives_an_act_up() -> None:
    hub, found = burning("a", "x", "escape")
    assert (hub.acts, found.model.prompt, found.model.screen) == ([], None, "alerts")


def test_an_act_concerns_all_that_are_marked() -> None:
    hub, found = burning(" ", " ", " ", "a", "enter")
    assert hub.acts == [Acknowledge("i1", ""), Acknowledge("i2", "")], "the third is known already"
    assert found.model.alerts.marked == set()
    assert "2 done" in found.model.notice


def test_a_silence_asks_for_how_long_and_why() -> None:
    hub, found = burning("down", "s")
    typed(found, "90 minutes", "enter")
    assert found.model.prompt is not None
    assert "no duration such as" in found.model.prompt.wrong
    typed(found, "", "ctrl-u")
    typed(found, "2h", "enter")
    typed(found, "", "enter")
    assert found.model.prompt.wrong == "a silence has a reason"
    typed(found, "rebuild", "enter")
    assert hub.acts == [AddSilence(("db-1", "rule=cpu-busy"), 7200.0, "rebuild")]


def test_the_first_character_replaces_what_is_proposed() -> None:
    _, found = burning("s", "3")
    assert found.model.prompt is not None
    assert found.model.prompt.text == "3"


def test_what_was_chosen_when_it_was_asked_is_what_is_acknowledged() -> None:
    hub, found = burning("a")
    hub.alarms = [BUSY, KNOWN]
    hub.now += 30
    settle(found)
    typed(found, "", "enter")
    assert hub.acts == [Acknowledge("i1", "")]


def test_hosts_are_silenced_by_their_names_and_what_fires_there_is_acknowledged() -> None:
    hub, found = burning("/", "w", "e", "b", "enter", "s", screen="hosts")
    typed(found, "1d", "enter")
    typed(found, "moved", "enter")
    typed(found, "a", "enter")
    assert hub.acts == [AddSilence(("web-1",), 86_400.0, "moved"), Acknowledge("i1", "")]


def test_where_nothing_fires_there_is_nothing_to_acknowledge() -> None:
    hub, found = burning("/", "b", "a", "c", "k", "enter", "a", screen="hosts")
    assert found.model.notice == "nothing fires on backup-1"
    assert hub.acts == []


def test_a_silence_is_ended_after_it_was_asked_whether() -> None:
    hub, found = burning("down", "down", "down", "down", "e")
    assert hub.acts == []
    typed(found, "", "enter")
    assert hub.acts == [EndSilence("s1")]


def test_a_token_that_may_only_read_is_told_so_in_a_sentence() -> None:
    hub, found = burning()
    hub.refuses = "hub refuses this: the token wall has the scope read, not ack"
    typed(found, "a", "enter")
    assert found.model.notice == hub.refuses
    assert hub.refuses in found.draw(120, 30).text()


def test_why_shows_the_decisions_and_escape_leads_back() -> None:
    hub, found = burning("w")
    assert AskWhy("web-1", "disk-full") in hub.asked
    assert found.model.screen == "why"
    found.press("escape")
    assert found.model.screen == "alerts"


def test_a_back_test_proposes_the_rules_condition_and_shows_what_it_found() -> None:
    hub, found = burning("down", "t")
    assert found.model.prompt is not None
    typed(found, " or load.1m > 9", "enter")
    settle(found)
    wish = next(wish for wish in hub.asked if isinstance(wish, AskBacktest))
    assert (wish.rule, wish.when) == ("cpu-busy", " or load.1m > 9".strip())
    assert "9 incidents" in found.draw(80, 24).text()


def test_silences_hold_back_these_alarms_and_no_others_of_the_same_hosts() -> None:
    assert silences_for([FULL, BUSY, KNOWN]) == [
        ("web-1", "rule=disk-full"),
        ("db-1", "cache-1", "rule=cpu-busy"),
    ]


@pytest.mark.parametrize("key", ["a", "s", "e", "t", "w"])
def test_with_nothing_chosen_an_act_says_what_to_choose(key: str) -> None:
    found = session(HubInMemory(), key, screen="alerts")
    assert found.model.prompt is None
    assert found.model.notice


def test_acts_go_through_while_the_picture_is_held() -> None:
    hub, found = burning("p", "a", "enter")
    assert hub.acts == [Acknowledge("i1", "")]
    assert found.model.notice == "done"
