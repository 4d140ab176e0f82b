"""Pictures that must not lie: nothing is shown as current, complete or known that is not."""

from __future__ import annotations

import re

import pytest

from bus.reasons import reason
from tests.viewer import gallery
from tests.viewer.given import LOOK, NOON, HubInMemory, calm, session
from tests.viewer.snapshots import BACKTEST, PLAIN, SIZES, hub_of, seen
from viewer.events import (
    AlertsTold,
    Failed,
    HostsTold,
    IncidentsTold,
    LinkTold,
    SampleTold,
    ServiceEntry,
    ServicesTold,
)
from viewer.incidents import Incident, Opening
from viewer.model import Model
from viewer.palette import BAR, OKABE, Palette, Role
from viewer.scene import Scene
from viewer.screens.guardia import dropped, rate_of
from viewer.session import Session
from viewer.themes import THEMES
from viewer.wishes import AskAlerts, AskIncidents


def heard_of_one() -> Session:
    """The stream told of one host; the hub's list is still on its way."""
    hub = HubInMemory()
    hub.away, hub.events = True, []
    model = Model(address="hub:8080", screen="pulse")
    model.take(LinkTold("live"), NOON)
    model.take(SampleTold("web-1", "web-1", NOON, {"cpu.percent": 12.0}), NOON)
    return Session(model, hub, LOOK, clock=lambda: NOON)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("colours", [0, 16, 256, 1 << 24])
def test_what_is_no_longer_current_differs_on_the_bar_too(name: str, colours: int) -> None:
    palette = Palette(colours, THEMES[name])
    assert palette.sequence(Role.STALE | BAR) != palette.sequence(Role.TEXT | BAR)


def test_the_bar_keeps_stale_numbers_readable() -> None:
    stale, back = OKABE.bar_stale, OKABE.bar_back
    assert abs(stale.green - back.green) > 80


@pytest.mark.parametrize(("wide", "high"), SIZES)
def test_until_the_hub_has_told_its_hosts_no_count_is_complete(wide: int, high: int) -> None:
    found = heard_of_one()
    text = found.draw(wide, high).text()
    assert "– down" in text
    assert "0 down" not in text.replace("services", "")
    assert "so far" in text
    found.model.show("hosts")
    assert "1 so far" in found.draw(wide, high).text()
    # and when it has, counts are complete
    found.model.take(HostsTold((calm("web-1"),)), NOON)
    assert "so far" not in found.draw(wide, high).text()


def test_a_list_of_the_worst_says_that_it_is_not_all() -> None:
    assert "of the 200 worst" in seen("5000", "pulse").draw(80, 24).text()
    assert "1–6 of 50 " in seen("50", "pulse").draw(80, 24).text()


@pytest.mark.parametrize("screen", ["hosts", "services", "alerts", "guardia"])
@pytest.mark.parametrize(("wide", "high"), SIZES)
def test_how_many_alarms_fire_stands_on_every_screen(screen: str, wide: int, high: int) -> None:
    assert "▼ 5" in seen("50", screen).draw(wide, high).text().splitlines()[0]


def test_maintenance_that_is_under_way_stands_above_the_alarms() -> None:
    found = session(hub_of("50"), screen="alerts")
    now = NOON
    windows = Opening("backups", now - 60, now + 60, ("*",)), Opening("moving", now + 60, now + 120, ("*",))
    found.model.take(AlertsTold((), (), windows), NOON)
    text = found.draw(160, 40).text()
    assert "■ maintenance backups until " in text
    assert "moving" not in text


@pytest.mark.parametrize(("wide", "high"), SIZES)
def test_without_an_alerter_to_ask_nobody_is_told_that_nothing_fires(wide: int, high: int) -> None:
    found = session(hub_of("50"), screen="pulse")
    found.model.take(AlertsTold((), ()), NOON)
    assert "▼" not in found.draw(wide, high).text().splitlines()[0]
    found.model.take(Failed(AskAlerts(), "the alerter does not answer", 503), NOON)
    text = found.draw(wide, high).text()
    assert "▼ not read" in text.splitlines()[0] or "▼ ?" in text.splitlines()[0]
    assert "nothing fires" not in text
    found.model.take(IncidentsTold(AskIncidents("now", 0, 0), ()), NOON)
    found.model.show("alerts")
    assert "nothing fires" not in found.draw(wide, high).text()


def test_in_ascii_no_two_states_share_a_sign_and_firing_is_no_reading() -> None:
    found = seen("50", "pulse")
    found.look = PLAIN
    text = found.draw(120, 40).text()
    signs = [re.search(rf"(.) \d+ {state}", text) for state in ("up", "degraded", "down", "stale", "unknown")]
    assert len({sign[1] for sign in signs if sign}) == 5
    host = gallery.seen("hosts")
    host.look = PLAIN
    host.press("-")
    picture = host.draw(80, 24)
    marked = [
        text
        for texts, styles in zip(picture.texts, picture.styles, strict=True)
        for text, style in zip(texts, styles, strict=True)
        if style == Role.FIRING
    ]
    assert set(marked) == {"/"}


@pytest.mark.parametrize(
    ("days", "state", "fires", "style"),
    [
        (5, "up", False, Role.TEXT),
        (25, "up", False, Role.TEXT),
        (5, "degraded", False, Role.DOWN),
        (12, "up", True, Role.WARN),
        (25, "degraded", False, Role.WARN),
        (-1, "up", False, Role.DOWN),
    ],
)
def test_a_certificate_ends_soon_where_its_check_or_the_rule_says_so(
    days: int, state: str, fires: bool, style: Role
) -> None:
    found = session(hub_of("1"), screen="services")
    found.model.take(ServicesTold((ServiceEntry("shop", "https://shop", state, 80.0, NOON - 5, tls_days=days),)), NOON)
    fired = Incident("i1", "certificate-expiring", "shop", "warning", "firing", NOON, kind="service")
    found.model.take(AlertsTold((fired,) if fires else (), ()), NOON)
    picture = found.draw(120, 40)
    row = next(row for row, texts in enumerate(picture.texts) if f"{days} d" in "".join(texts))
    place = "".join(picture.texts[row]).index(f"{days} d")
    assert picture.styles[row][place] & ~BAR == style


def test_a_limit_stands_beside_its_own_value() -> None:
    # given a chart so low that the limit falls into the row of the scale's end
    text = seen("50", "host").draw(80, 24).text()
    lines = [line for line in text.splitlines() if "╌╌╌╌" in line]
    assert lines
    assert all(line.startswith("│ 90% ╌") for line in lines)


def test_why_there_is_nothing_is_said_however_narrow_the_pane() -> None:
    found = session(hub_of("1"), screen="alerts")
    found.press("t")
    found.model.show("backtest")
    found.press("enter")
    found.model.alarms.answered = "127.0.0.1:8080 answered 503: the store reader does not answer; try again"
    text = found.draw(40, 20).text()
    words = " ".join(re.findall(r"[^\s│╭╮╰╯─]+", text))
    assert "answered 503: the store reader does not answer; try again" in words


def test_a_back_test_cuts_no_number_at_any_size() -> None:
    wanted = [word for line in BACKTEST for word in line.split()]
    for wide, high in SIZES:
        found = seen("50", "backtest")
        words: list[str] = []
        for scroll in range(0, 60, 5):
            found.model.scroll = scroll
            words += found.draw(wide, high).text().replace("│", " ").split()
        assert set(wanted) <= set(words)
        found.model.scroll = 0


def test_help_is_readable_at_every_size() -> None:
    found = seen("50", "help")
    for wide, high in SIZES:
        lines: list[str] = []
        for scroll in range(0, 200, high - 4):
            found.model.scroll = scroll
            lines += found.draw(wide, high).text().splitlines()[2:-2]
        words = " ".join(word for line in lines for word in re.findall(r"[^\s│]+", line))
        assert "marked" in words
        assert "whole" not in words
        assert "… " not in words
    found.model.scroll = 0
    assert "lines 1–" not in found.draw(200, 60).text(), "all of it at once where there is room for two columns"
    narrow = found.draw(40, 20).text()
    assert "the line above; on" in narrow
    assert "Host: the host above" in narrow


def test_every_program_and_every_sender_can_be_scrolled_to() -> None:
    found = seen("50", "guardia")
    assert "1–3 of 6" in found.draw(80, 24).text()
    assert "prober        " not in found.draw(80, 24).text()
    for _ in range(3):
        found.press("down")
        found.draw(80, 24)
    assert "│prober" in found.draw(80, 24).text()
    found.press("G")
    text = found.draw(80, 24).text()
    assert "50–50 of 50" in text
    found.press("up")
    assert "49–49 of 50" in found.draw(80, 24).text(), "what is scrolled ends with the last line"
    found.press("g")


def test_the_prober_has_a_rate() -> None:
    assert rate_of({"process.cpu_percent": 1.0, "prober.checks_per_s": 0.3}) == 0.3


def test_alerts_are_told_by_their_whole_names_at_80_columns() -> None:
    text = seen("50", "alerts").draw(80, 24).text()
    assert "backup-1 /srv/backup  disk-nearly-full" in text


def test_a_reason_that_does_not_fit_says_that_it_goes_on() -> None:
    text = seen("odd", "alerts").draw(40, 20).text()
    assert " … " in text.splitlines()[-3]
    whole = seen("odd", "alerts").draw(80, 40).text()
    assert "left on device" in whole
    assert "ack by   nobody" in whole


def test_filesystems_that_begin_alike_are_told_apart() -> None:
    text = seen("odd", "host").draw(120, 40).text()
    assert len(set(re.findall(r"archive-20\d\d", text))) >= 3


def test_what_strangers_are_refused_is_nothing_that_was_dropped() -> None:
    scanned = {"api.refused_total": 4000.0, "stream.dropped_total": 1.0, "received.missed_total": 2.0}
    assert dropped(scanned) == 3.0
    assert dropped({"refused[magic].frames_total": 9.0, "api.refused_total": 4000.0}) is None


def test_names_of_hosts_come_before_the_numbers_at_the_right() -> None:
    assert "production-frankfurt" in seen("odd", "hosts").draw(80, 24).text()


def test_a_connection_that_ends_without_an_answer_is_told_in_words() -> None:
    told = reason(ConnectionResetError("Remote end closed connection without response"), "hub:8080")
    assert told == "hub:8080 closed the connection without an answer"


def test_what_became_of_five_thousand_senders_is_counted_whole() -> None:
    found = seen("5000", "guardia")
    assert found.model.own is not None
    assert len(found.model.own.ledgers) == 5000
    assert "of 5000" in found.draw(80, 24).text()


@pytest.mark.parametrize("screen", ["pulse", "hosts", "host", "services", "alerts", "guardia", "why", "help"])
def test_many_alarms_are_counted_at_40_and_at_80_columns(screen: str) -> None:
    found = seen("5000", screen)
    assert "▼ 529" in found.draw(40, 20).text().splitlines()[0]
    assert "▼ 529 firing" in found.draw(80, 24).text().splitlines()[0]


@pytest.mark.parametrize(
    ("screen", "line"),
    [
        ("pulse", r"▼ down +backup-(\d+)"),
        ("pulse", r"▼ critical +backup-(\d+)"),
        ("hosts", r"▼ down +backup-(\d+)"),
        ("alerts", r"▼ firing +critical +backup-(\d+)"),
        ("guardia", r"│backup-(\d+)"),
    ],
)
def test_names_stand_everywhere_as_people_count(screen: str, line: str) -> None:
    numbers = [int(number) for number in re.findall(line, seen("5000", screen).draw(120, 40).text())]
    assert len(numbers) > 5
    assert numbers == sorted(numbers)


def test_a_part_that_is_degraded_has_the_sign_for_it() -> None:
    assert "◆ prober degraded" in seen("50", "pulse").draw(120, 40).text()


def test_a_chart_without_readings_has_no_highest() -> None:
    text = seen("50", "host").draw(200, 60).text()
    assert "nothing in these 5m" in text
    assert "max" not in text


def test_that_something_fires_is_said_even_where_its_number_finds_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen("50", "services")
    monkeypatch.setattr(Scene, "firing", lambda scene: range(4711))
    narrow, usual = (found.draw(wide, high).text().splitlines()[0] for wide, high in ((40, 20), (80, 24)))
    assert narrow.split() == ["1", "2", "3", "4", "Services", "5", "6", "▼", "●", "LIVE"]
    assert "▼ 4711" in usual
