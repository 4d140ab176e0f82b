"""A window that changes its size at the worst moment is drawn in its last size at once, and whole."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.given import HubInMemory, session
from tests.viewer.hub import Hub
from tests.viewer.seat import Seat
from viewer.canvas import Canvas
from viewer.palette import Palette
from viewer.terminal import run

BEFORE, AFTER = (80, 24), (100, 30)
TURNS = 8


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub(fleet(3), rate=50)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def usual_process() -> Iterator[None]:
    """What a viewer sets for its own process does not stay in that of the tests."""
    switch, threshold = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(switch)
    gc.set_threshold(*threshold)
    gc.unfreeze()


class Window:
    """A terminal whose size changes after it was asked for ``asked`` times, and that goes away after some turns."""

    def __init__(self, asked: int) -> None:
        self.stream = self
        self._left = asked
        self._turns = 0
        self.size = BEFORE

    def raw(self) -> AbstractContextManager[None]:
        return nullcontext()

    fullscreen = hidden_cursor = no_line_wrap = marked_pastes = raw

    @property
    def width(self) -> int:
        return self._ask()[0]

    @property
    def height(self) -> int:
        return self._ask()[1]

    def _ask(self) -> tuple[int, int]:
        if self._left == 0:
            self.size = AFTER
        self._left -= 1
        return self.size

    def come(self, wait: float) -> str:
        self._turns += 1
        if self._turns > TURNS:
            raise EOFError
        return ""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("asked", range(13))
def test_whenever_the_size_changes_the_next_turn_draws_it(asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = session(HubInMemory())
    drawn: list[tuple[int, int]] = []

    def draw(wide: int, high: int) -> Canvas:
        drawn.append((wide, high))
        return Canvas(wide, high)

    monkeypatch.setattr(found, "draw", draw)
    # when no time passes, so that nothing but the size asks for a picture
    run(found, cast(Any, Window(asked)), Palette(0), clock=lambda: 0.0)
    assert drawn[-1] == AFTER
    assert len(drawn) <= 3


def test_a_window_that_was_smaller_for_a_moment_is_drawn_anew(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until(lambda text: "cache-1" in text and text.rstrip().endswith("window 5m"))
        seat.kill(signal.SIGSTOP)
        os.waitpid(seat.pid, os.WUNTRACED)
        while seat.has_more():
            seat.look()
        # when it has its old size again before the viewer could look, and has lost what it showed
        seat.resize(60, 20)
        seat.resize(80, 24)
        assert "Hosts" not in seat.screen.text()
        seat.kill(signal.SIGCONT)
        seat.until(lambda text: "╭─ Hosts" in text and "cache-1" in text and text.rstrip().endswith("window 5m"))
        seat.press("q")
        assert seat.ended() == 0
