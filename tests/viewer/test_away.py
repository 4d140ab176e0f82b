"""A hub that is away, and a past that is shown: nothing is told as of now."""

from __future__ import annotations

import pytest

from tests.viewer.given import NOON, session, settle
from tests.viewer.snapshots import SIZES, hub_of
from viewer.canvas import Canvas
from viewer.events import LinkTold
from viewer.palette import Role
from viewer.session import Session


def away(screen: str) -> Session:
    found = session(hub_of("50"), screen=screen)
    found.model.take(LinkTold("offline", "cannot reach hub:8080: connection refused", NOON + 12), NOON)
    return found


def style_of(canvas: Canvas, text: str) -> int:
    """The style of a text where it first stands."""
    for texts, styles in zip(canvas.texts, canvas.styles, strict=True):
        place = "".join(cell or " " for cell in texts).find(text)
        if place >= 0:
            return styles[place] & 0xFF
    raise AssertionError(f"{text} is not there")


@pytest.mark.parametrize("screen", ["services", "alerts"])
@pytest.mark.parametrize(("wide", "high"), SIZES)
def test_lists_say_since_when_nothing_was_told(screen: str, wide: int, high: int) -> None:
    assert "as of 12:00:00" in away(screen).draw(wide, high).text().splitlines()[1]


def test_services_are_no_longer_sure_and_their_numbers_are_grey() -> None:
    canvas = away("services").draw(80, 24)
    assert "▼ down?" in canvas.text()
    assert style_of(canvas, "● up?") == Role.STALE
    assert style_of(canvas, "   80 ms      5 s") == Role.TEXT, "the blank before it"
    assert style_of(canvas, "80 ms      5 s       –  https://shop") == Role.STALE


def test_what_fires_is_not_told_as_of_now() -> None:
    canvas = away("pulse").draw(200, 60)
    assert style_of(canvas, "5 firing, 3 pending") == Role.STALE
    assert canvas.text().count("as of 12:00:00") == 3


def test_the_age_of_numbers_outlives_narrowness() -> None:
    assert "SEEN" in away("hosts").draw(40, 20).text()


def test_a_replay_tells_nothing_of_now() -> None:
    found = session(hub_of("50"), "<", screen="pulse")
    for wide, high in SIZES:
        text = found.draw(wide, high).text()
        assert "under way" not in text
        assert "prober degraded" not in text
        assert "pending" not in text
        assert "● – up" in text, "services were not read"
    found.model.show("guardia")
    settle(found)
    assert "as it is now" in found.draw(80, 24).text()


def test_the_end_of_a_long_filter_is_what_is_seen_while_it_is_typed() -> None:
    found = session(hub_of("50"), "/", *"a name and another one", screen="hosts")
    assert found.draw(40, 12).text().splitlines()[-1].startswith(" / and another one▏ 0 found")


def test_a_replay_reads_the_hosts_that_pulse_shows_and_calls_the_others_unread() -> None:
    found = session(hub_of("odd"), "<", screen="pulse")
    left = [line[:60] for line in found.draw(200, 60).text().splitlines()[7:15]]
    assert any("big-1" in line for line in left)
    assert not any("not read" in line for line in left)
    many = session(hub_of("50"), "<", screen="pulse")
    text = many.draw(80, 24).text()
    assert "not read" in text
    assert "▼ – down" in text, "none is counted as down while some are not read"


def test_what_burned_at_a_time_of_the_past_fires_there() -> None:
    found = session(hub_of("odd"), "<", screen="alerts")
    found.press("g")
    first = found.draw(120, 40).text().splitlines()[3]
    assert "▼ firing" in first
    assert "resolved" not in found.draw(120, 40).text().splitlines()[4]
    found.model.show("pulse")
    assert "● warning" not in found.draw(120, 40).text()
