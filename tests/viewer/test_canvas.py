"""The grid of cells, and what is written so that a terminal shows it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.viewer.emulator import Emulator
from viewer.canvas import Canvas, Painter
from viewer.palette import BAR, BOLD, COLOURS, Palette, Role, nearest

TEXTS = st.text(alphabet="ab 日é▁\x1b\u202e", max_size=12)
STROKES = st.lists(
    st.tuples(st.integers(-4, 14), st.integers(-1, 5), TEXTS, st.sampled_from([0, 5, BOLD | 7])), max_size=12
)


def drawn(strokes: list[tuple[int, int, str, int]], width: int = 12, height: int = 4) -> Canvas:
    canvas = Canvas(width, height)
    for x, y, text, style in strokes:
        canvas.pane().put(x, y, text, style)
    return canvas


def test_what_does_not_fit_into_a_pane_is_not_drawn() -> None:
    canvas = Canvas(8, 3)
    canvas.pane().part(2, 1, 4, 1).put(-1, 0, "abcdefgh")
    canvas.pane().part(2, 1, 4, 1).put(0, 1, "below")
    assert canvas.text() == "\n  bcde\n\n"


def test_half_of_a_wide_character_becomes_a_blank() -> None:
    canvas = Canvas(6, 1)
    canvas.pane().put(0, 0, "日本")
    canvas.pane().put(1, 0, "x")
    assert canvas.text() == " x本\n"


def test_text_that_ends_at_a_column_begins_where_it_must() -> None:
    canvas = Canvas(10, 1)
    assert canvas.pane().right(0, "12%", x=8) == 5
    assert canvas.text() == "     12%\n"


def test_a_picture_that_did_not_change_writes_nothing() -> None:
    painter = Painter(Palette(256))
    assert painter.paint(drawn([(0, 0, "web-1", 0)]))
    assert painter.paint(drawn([(0, 0, "web-1", 0)])) == ""


def test_one_digit_that_changed_is_all_that_is_written() -> None:
    painter = Painter(Palette(0))
    painter.paint(drawn([(0, 0, "cpu 41%", 0)]))
    assert "\x1b[1;6H\x1b[0m2\x1b" in painter.paint(drawn([(0, 0, "cpu 42%", 0)]))


def test_a_terminal_of_which_nothing_is_known_is_written_whole() -> None:
    painter = Painter(Palette(0))
    painter.paint(drawn([(0, 0, "web-1", 0)]))
    painter.forget()
    assert "web-1" in painter.paint(drawn([(0, 0, "web-1", 0)]))


@given(first=STROKES, second=STROKES, third=STROKES)
def test_the_terminal_shows_each_picture_after_the_other(
    first: list[tuple[int, int, str, int]],
    second: list[tuple[int, int, str, int]],
    third: list[tuple[int, int, str, int]],
) -> None:
    painter, terminal = Painter(Palette(256)), Emulator(12, 4)
    for strokes in (first, second, third):
        canvas = drawn(strokes)
        terminal.feed(painter.paint(canvas))
        assert terminal.text() == canvas.text()
        assert terminal.scrolled == 0


@given(strokes=STROKES)
def test_a_canvas_keeps_its_size(strokes: list[tuple[int, int, str, int]]) -> None:
    canvas = drawn(strokes)
    assert [len(row) for row in canvas.texts] == [12] * 4
    assert [len(row) for row in canvas.styles] == [12] * 4


def test_without_colours_the_chosen_line_is_reversed() -> None:
    assert Palette(0).sequence(BAR) == "\x1b[0;7m"
    assert all(Palette(0).sequence(role) == "\x1b[0m" for role in COLOURS if role != Role.STALE)


def test_colours_are_told_as_the_terminal_can_show_them() -> None:
    assert Palette(8).sequence(7) == "\x1b[0;31m"
    assert Palette(16).sequence(7) == "\x1b[0;91m"
    assert Palette(256).sequence(7) == f"\x1b[0;38;5;{nearest(COLOURS[7])}m"
    assert Palette(1 << 24).sequence(7) == "\x1b[0;38;2;226;87;40m"
