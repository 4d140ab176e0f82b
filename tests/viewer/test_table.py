"""A table whose columns come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from viewer.canvas import Canvas
from viewer.table import Column, choose, draw

COLUMNS: list[Column[str]] = [
    Column("name", "HOST", 5, lambda row, wide: [(row[:wide], 0)], most=10, to_right=False),
    Column("cpu", "CPU", 4, lambda row, wide: [("12%", 0)], rank=1),
    Column("load", "LOAD", 4, lambda row, wide: [("0.42", 0)], rank=2),
]


def picture(width: int, height: int = 3, chosen: int | None = None) -> str:
    canvas = Canvas(width, height)
    draw(canvas.pane(), COLUMNS, ["web-1", "db-1"], chosen=chosen, sorted_by="cpu")
    return canvas.text()


def test_columns_stand_side_by_side_and_numbers_at_the_right() -> None:
    assert picture(17) == "HOST   CPU▾  LOAD\nweb-1   12%  0.42\ndb-1    12%  0.42\n"


def test_columns_of_little_weight_go_first_when_room_is_short() -> None:
    assert [column.name for column, _ in choose(COLUMNS, 16, 2)] == ["name", "cpu"]
    assert [column.name for column, _ in choose(COLUMNS, 10, 2)] == ["name"]


def test_what_is_left_over_goes_to_the_column_that_wants_it() -> None:
    assert [wide for _, wide in choose(COLUMNS, 20, 2)] == [8, 4, 4]


def test_the_chosen_line_is_marked() -> None:
    assert picture(20, chosen=1) == "  HOST   CPU▾  LOAD\n  web-1   12%  0.42\n▸ db-1    12%  0.42\n"


def test_lines_that_do_not_fit_are_not_drawn() -> None:
    assert picture(17, height=2) == "HOST   CPU▾  LOAD\nweb-1   12%  0.42\n"


@given(room=st.integers(0, 60), gap=st.integers(1, 3))
def test_columns_never_take_more_than_there_is(room: int, gap: int) -> None:
    laid = choose(COLUMNS, room, gap)
    assert sum(wide for _, wide in laid) + gap * max(0, len(laid) - 1) <= room
    assert all(wide >= column.least for column, wide in laid)
