"""The real program at a real terminal, with a hub that comes and goes."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.hub import Hub
from tests.viewer.seat import Seat
from viewer.palette import Palette
from viewer.terminal import Screen


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub(fleet(3), rate=50)
    yield found
    found.close()


def test_it_starts_shows_the_hosts_and_obeys_keys(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("● LIVE")
        text = seat.until(lambda text: "web-1" in text and "⣿" in text)
        assert "CPU" in text
        seat.press("jj\r")
        seat.until(lambda text: " web-1  ● up" in text and "Filesystems" in text and "Temperatures" in text)
        seat.press("-")
        seat.until("window 15m")
        seat.press("?")
        seat.until("Help for Host")
        seat.press("\x1b")
        seat.until("Filesystems")
        seat.press("q")
        assert seat.ended() == 0
        assert seat.is_restored()
        assert seat.screen.text().strip() == "", "nothing is left behind"


def test_it_follows_the_size_of_its_window_from_much_to_too_little(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("cache-1")
        for wide, high in ((200, 60), (64, 18), (120, 40)):
            seat.resize(wide, high)
            seat.until(lambda text, wide=wide, high=high: text.splitlines()[high - 1].endswith("window 5m"))  # type: ignore[misc]
            assert seat.screen.scrolled == 0
        seat.resize(30, 8)
        seat.until("Guardia needs 40x10")
        seat.press("q")
        assert seat.ended() == 0


def test_it_survives_the_hub_and_comes_back_with_it(tmp_path: Path) -> None:
    hub = Hub(fleet(2), rate=50)
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("● LIVE")
        seat.until("db-1")
        hub.close()
        text = seat.until("RECONNECTING")
        assert "db-1" in text, "what was known is still shown"
        seat.until("connection refused")
        again = Hub(fleet(3), rate=50, port=hub.port)
        try:
            seat.press("r")
            seat.until("● LIVE")
            seat.until("cache-1")
            assert seat.screen.scrolled == 0
        finally:
            again.close()
        seat.press("q")
        assert seat.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_whichever_signal_ends_it_the_terminal_is_as_before(number: signal.Signals, hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("web-1")
        assert not seat.is_restored()
        seat.kill(number)
        assert seat.ended() == 0
        assert seat.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_amid_its_first_questions_gets_the_terminal_as_it_was(
    number: signal.Signals, hub: Hub, tmp_path: Path
) -> None:
    # so long that it asks still, however late a busy machine lets us see that it does
    with Seat(tmp_path, "--url", hub.url, answers=False, BLESSED_QUERY_TIMEOUT_SECONDS="3") as seat:
        seat.until(lambda _: "\x1b[6n" in seat.heard)
        seat.kill(number)
        assert seat.ended() == -number
        assert seat.is_restored()


def test_ctrl_c_ends_it(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("web-1")
        seat.press("\x03")
        assert seat.ended() == 0
        assert seat.is_restored()


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, shell=True, PS1="> ") as seat:
        seat.until(">")
        seat.press("stty -g > before\r")
        seat.press(f"{sys.executable} -m viewer --url {hub.url}\r")
        seat.until("web-1")
        seat.press("\x1a")
        seat.until(lambda text: "Stopped" in text and text.rstrip().endswith("\n>"))
        assert 25 in seat.screen.modes, "the cursor is there"
        seat.press("stty -g > stopped; fg\r")
        seat.until("web-1")
        seat.press("q")
        seat.until(lambda text: 1049 not in seat.screen.modes and text.rstrip().endswith("\n>"))
        seat.press("stty -g > after; echo left with $?\r")
        seat.until("left with 0")
        seat.press("cmp before stopped && cmp before after && echo all as before\r")
        seat.until(lambda text: "\nall as before" in text)
        seat.press("exit\r")
        assert seat.ended() == 0


def test_after_a_stop_that_nobody_was_asked_about_the_picture_is_whole_again(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, shell=True, PS1="> ") as seat:
        seat.until(">")
        seat.press(f"stty -g > before; sh -c 'echo $$ > pid; exec {sys.executable} -m viewer --url {hub.url}'\r")
        seat.until("web-1")
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGSTOP)
        seat.until("Stopped")
        seat.press("echo what the shell says\r")
        # Where on the line it begins depends on where the viewer was stopped.
        seat.until("the shell says")
        seat.press("fg\r")
        seat.until(lambda text: "web-1" in text and "the shell says" not in text and "Stopped" not in text)
        seat.press("q")
        seat.until(lambda text: 1049 not in seat.screen.modes and text.rstrip().endswith("\n>"))
        seat.press("stty -g > after; cmp before after && echo all as before\r")
        seat.until(lambda text: "\nall as before" in text)
        seat.press("exit\r")
        assert seat.ended() == 0


def test_a_bug_is_told_on_a_terminal_that_is_as_before(tmp_path: Path) -> None:
    with Seat(tmp_path, shell=True, PS1="> ") as seat:
        seat.until(">")
        seat.press(f"stty -g > before; {sys.executable} -m tests.viewer.breaking\r")
        seat.until("● up    web-1")
        seat.press("r")
        seat.until(lambda text: "KeyError: 'a bug'" in text and text.rstrip().endswith("\n>"))
        seat.press("stty -g > after; cmp before after && echo all as before\r")
        seat.until(lambda text: "\nall as before" in text)
        assert 25 in seat.screen.modes
        assert 1049 not in seat.screen.modes
        seat.press("exit\r")
        assert seat.ended() == 0


def test_what_nobody_understands_acts_on_nothing(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("web-1")
        # when the hub sends garbage, and a name that would clear the screen
        hub.tell("{", "[]", '{"type": "metric"}', '{"type": "metric", "server_id": "\\u001b[2J", "timestamp": "noon"}')
        hub.tell('{"type": "metric", "server_id": "x", "display_name": "\\u001b[2Jfoe", "timestamp": "2026-01-01"}')
        # then it is shown as text and acts on nothing
        seat.until("[2Jfoe")
        seat.until("web-1")
        seat.press("q")
        assert seat.ended() == 0


def test_a_silent_terminal_without_colours_is_enough(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, TERM="vt100", LC_ALL="C", NO_COLOR="1") as seat:
        text = seat.until(lambda text: "web-1" in text and "LIVE" in text)
        assert text.isascii()
        seat.press("q")
        assert seat.ended() == 0


def test_a_terminal_that_does_not_say_how_large_it_is_is_drawn_as_a_usual_one(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, sized=False) as seat:
        text = seat.until(lambda text: "web-1" in text and "LIVE" in text)
        assert "window 5m" in text.splitlines()[23]
        seat.press("q")
        assert seat.ended() == 0


def test_bytes_that_are_no_text_end_nothing(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("web-1")
        seat.press("/")
        seat.until("/▏")
        # e acute as a keyboard of Latin-1 has it, which might begin a longer character, and a paste of whatever
        seat.press_bytes(b"w\xe9e\xff\xfe\x80b")
        seat.until("/web▏")
        seat.press("\x03")
        assert seat.ended() == 0


def test_what_a_terminal_tells_unasked_is_no_key(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("web-1")
        seat.press("/")
        seat.until("/▏")
        # a mouse that an earlier program left on, in both of its forms, the window's focus, and a late answer
        seat.press("w\x1b[<64;10;20Me\x1b[M !q\x1b[I\x1b[Ob\x1b]11;rgb:1c1c/1c1c/1c1c\x07-")
        seat.until("/web-▏")
        seat.press("\x03")
        assert seat.ended() == 0


def test_escape_that_comes_together_with_another_key_counts(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--host", "web-1") as seat:
        seat.until("LIVE")
        seat.press("?")
        seat.until("Help for Host ")
        seat.press("\x1b\x1b")  # as over a slow line
        seat.until("SEEN")
        seat.press("\x1b\x1b[Z")
        seat.until("Parts")
        seat.press("q")
        assert seat.ended() == 0


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [((), 100, "TERM=dumb"), (("--dump",), 0, "web-1"), (("--test-card",), 0, "dumb")],
)
def test_on_a_terminal_that_obeys_nothing_nothing_is_drawn(
    hub: Hub, tmp_path: Path, flags: tuple[str, ...], code: int, said: str
) -> None:
    with Seat(tmp_path, "--url", hub.url, *flags, size=(120, 80), TERM="dumb") as seat:
        assert seat.ended() == code
        assert said in seat.screen.text()
        assert "\x1b" not in seat.heard


def test_a_held_picture_does_not_move(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("● LIVE")
        seat.until(lambda text: "⣿" in text and len(re.findall(r"●.*[▁▂▃▄▅▆▇█]{4}.*0 s", text)) == 3)
        seat.press("p")
        # The picture that the key made may be seen half drawn: the first whole one is that of a second later.
        first = seat.until(lambda text: held_for(text) >= 1)
        later = seat.until(lambda text: held_for(text) > held_for(first))
        assert first.splitlines()[2:-1] == later.splitlines()[2:-1]


def held_for(text: str) -> int:
    """For how many seconds a picture has been held; 0 where it says nothing of that."""
    found = re.search(r"■ PAUSED.*?(\d+) s ago", text)
    return int(found[1]) if found else 0


class Gone:
    """A terminal that goes away while it is ours: nothing can be written, and each thing taken is given back once."""

    def __init__(self) -> None:
        self.stream = self
        self.held: list[str] = []
        self.raw, self.fullscreen = partial(self._hold, "raw"), partial(self._hold, "fullscreen")
        self.hidden_cursor, self.no_line_wrap = partial(self._hold, "cursor"), partial(self._hold, "wrap")
        self.marked_pastes = partial(self._hold, "pastes")

    @contextmanager
    def _hold(self, name: str) -> Iterator[None]:
        self.held.append(name)
        try:
            yield
        finally:
            self.held.remove(name)

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_leaves_nothing_to_give_back_later() -> None:
    term = Gone()
    screen = Screen(cast(Any, term), Palette(0))
    screen.enter()
    assert term.held == ["raw", "fullscreen", "cursor", "wrap", "pastes"]
    with pytest.raises(OSError, match="Input/output"):
        screen.leave()
    assert term.held == []
