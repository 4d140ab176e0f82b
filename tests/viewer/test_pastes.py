"""What is pasted is text where text is asked for, and nothing elsewhere: never keys."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.viewer.fleet import fleet
from tests.viewer.hub import Hub
from tests.viewer.seat import Seat
from viewer.palette import Palette
from viewer.pastes import BEGIN, END, MOST, Paste, Pastes
from viewer.terminal import AMID_PASTE, Screen


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        (["jk"], ["jk"]),
        ([f"j{BEGIN}web-1{END}k"], ["j", Paste("web-1"), "k"]),
        ([BEGIN, "web", "-1", END], [Paste("web-1")]),
        ([f"{BEGIN}q", "q", f"q{END[:3]}", f"{END[3:]}j"], [Paste("qqq"), "j"]),
        ([f"{BEGIN}{END}"], [Paste("")]),
        ([f"{BEGIN}\r\nweb-1\r\ndb-1\t9\n{END}"], [Paste("web-1 db-1 9")]),
        ([f"{BEGIN} a  b {END}"], [Paste(" a  b ")]),
        ([f"{BEGIN}\x03\x1b[A\u202ea\x00{END}"], [Paste("[Aa")]),
        ([f"{BEGIN}a{END}{BEGIN}b{END}"], [Paste("a"), Paste("b")]),
        ([f"j{BEGIN}never ended"], ["j"]),
    ],
)
def test_what_is_pasted_is_told_from_what_is_typed(pieces: list[str], found: list[str | Paste]) -> None:
    pastes = Pastes()
    assert [one for piece in pieces for one in pastes.take(piece)] == found


@given(st.text(alphabet="ab\x1b[01~", max_size=30), st.lists(st.integers(0, 60)))
def test_however_it_is_cut_into_pieces_nothing_of_it_becomes_keys(text: str, cuts: list[int]) -> None:
    sent = f"{BEGIN}{text.replace(END, '')}{END}k"
    places = sorted({0, *(cut for cut in cuts if cut < len(sent)), len(sent)})
    pastes = Pastes()
    found = [one for begin, end in itertools.pairwise(places) for one in pastes.take(sent[begin:end])]
    if END not in text and not any(cut < len(BEGIN) for cut in places[1:]):
        assert [one for one in found if not isinstance(one, Paste)] == ["k"]


def test_of_a_paste_without_end_only_what_fits_into_a_line_is_kept() -> None:
    pastes = Pastes()
    pastes.take(BEGIN)
    for _ in range(1000):
        assert pastes.take(f"{'x' * (MOST - 4)}{END[:4]}") == []
    assert pastes.take(f"{END}j") == [Paste("x" * (MOST - 4) + "[20"), "j"]


class Slow:
    """A terminal at which ``pieces`` come one at a time."""

    stream = None

    def __init__(self, *pieces: str) -> None:
        self._pieces = iter(pieces)

    def come(self, wait: float) -> str:
        return next(self._pieces, "")

    def strokes(self, text: str) -> list[str]:
        return list(text)


def test_a_paste_that_comes_slowly_is_waited_for_and_one_that_never_ends_is_given_up() -> None:
    now = 0.0
    term = Slow(f"{BEGIN}qq", "", "", f"q{END}j", f"{BEGIN}q", "", "", "k")
    screen = Screen(cast(Any, term), Palette(0))
    told: list[str | Paste] = []
    for seconds in (0, 1, 1, 1, 1, 1, AMID_PASTE, 1):
        now += seconds
        told += screen.keys(0.0, now)
    assert told == [Paste("qqq"), "j", Paste("q"), "k"]


def test_who_waits_for_the_end_of_a_paste_may_quit_and_what_is_pasted_may_not() -> None:
    screen = Screen(cast(Any, Slow(f"{BEGIN}q\x03", "q", "\x03", "k")), Palette(0))
    assert [one for _ in range(4) for one in screen.keys(0.0, 0.0)] == [Paste("qq"), "\x03", "k"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub(fleet(3), rate=50)
    yield found
    found.close()


def test_a_paste_is_text_where_text_is_asked_for_and_nothing_elsewhere(hub: Hub, tmp_path: Path) -> None:
    with Seat(tmp_path, "--url", hub.url, "--screen", "hosts") as seat:
        seat.until("web-1")
        assert 2004 in seat.screen.modes
        # when what is pasted would quit, open a host and silence it
        seat.press(f"{BEGIN}lsq\rq{END}")
        seat.until("what is pasted is no key: paste after : or /, or as an answer")
        seat.press(f"/{BEGIN}db-1\r\n{END}")
        seat.until(lambda text: "/db-1▏" in text and "web-1" not in text)
        seat.press("\x1b")
        seat.until("web-1")
        seat.press(f":{BEGIN}host\nweb-1{END}")
        seat.until(":host web-1▏")
        seat.press("\r")
        seat.until(lambda text: " web-1  ● up" in text and "Filesystems" in text)
        seat.press("q")
        assert seat.ended() == 0
        assert seat.is_restored()
