"""Numbers as pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.charts import DOTS, PERCENT, Glyphs, Scale, area, lines, mark, meter, nice, spark

GLYPHS: tuple[Glyphs, ...] = ("braille", "block", "ascii")
VALUES = st.lists(st.none() | st.floats(), max_size=60)
SCALES = st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)).map(lambda pair: Scale(*pair))


def test_a_gap_stays_empty_and_a_zero_is_seen() -> None:
    assert area([0.0, 0.0, None, None, 100.0, 100.0], 3, 1, PERCENT, "braille") == ["⣀ ⣿"]
    assert area([None, 0.0, 100.0], 3, 1, PERCENT, "block") == [" ▁█"]


def test_an_area_grows_from_the_ground_or_hangs_from_the_top() -> None:
    assert area([50.0], 1, 2, PERCENT, "block") == [" ", "█"]
    assert area([50.0], 1, 2, PERCENT, "block", hang=True) == ["█", " "]


def test_a_peak_is_a_dot_above_the_area() -> None:
    assert area([25.0, 25.0], 1, 1, PERCENT, "braille", peaks=[100.0, 25.0]) == ["⣁"]


def test_lines_that_share_a_cell_are_both_drawn() -> None:
    rows = lines([[0.0, 0.0], [100.0, 100.0]], 1, 1, PERCENT, "braille")
    assert rows == [[("⣉", 1)]]


def test_a_spark_shows_the_newest_values() -> None:
    assert spark([0.0, 0.0, 50.0, None, 100.0], 4, PERCENT, "braille") == "▁▅ █"


def test_a_meter_is_full_at_one_and_broken_where_nothing_is_known() -> None:
    assert meter(1.0, 4) == ("━━━━", "")
    assert meter(0.4, 4) == ("━╸", "──")
    assert meter(None, 4) == ("", "╌╌╌╌")


@pytest.mark.parametrize(("most", "top"), [(None, 1.0), (0.0, 1.0), (7.2, 8.0), (10.0, 10.0), (101.0, 150.0)])
def test_a_scale_ends_at_a_round_number(most: float | None, top: float) -> None:
    assert nice(most) == Scale(0.0, top)


def test_a_scale_of_bytes_ends_at_a_power_of_two_or_half_more() -> None:
    assert nice(2.6 * 1024**2, least=1024.0, base=1024.0) == Scale(0.0, 3 * 1024**2)


@given(most=st.floats(0, 1e15), base=st.sampled_from([10.0, 1024.0]))
def test_a_scale_holds_what_it_was_made_for(most: float, base: float) -> None:
    assert nice(most, base=base).high >= most * (1 - 1e-6)


@pytest.mark.parametrize("glyphs", GLYPHS)
@given(
    values=VALUES, peaks=VALUES, width=st.integers(0, 20), height=st.integers(0, 6), scale=SCALES, hang=st.booleans()
)
def test_an_area_has_its_size_whatever_the_values(
    glyphs: Glyphs,
    values: list[float | None],
    peaks: list[float | None],
    width: int,
    height: int,
    scale: Scale,
    hang: bool,
) -> None:
    rows = area(values, width, height, scale, glyphs, peaks=peaks, hang=hang)
    assert [len(row) for row in rows] == [width] * height


@pytest.mark.parametrize("glyphs", GLYPHS)
@given(series=st.lists(VALUES, max_size=8), width=st.integers(0, 20), height=st.integers(0, 6), scale=SCALES)
def test_lines_have_their_size_whatever_the_values(
    glyphs: Glyphs, series: list[list[float | None]], width: int, height: int, scale: Scale
) -> None:
    rows = lines(series, width, height, scale, glyphs)
    assert [len(row) for row in rows] == [width] * height
    assert all(place < len(series) and len(text) == 1 for row in rows for text, place in row)


@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=40), height=st.integers(1, 6))
def test_a_higher_value_never_looks_lower(values: list[float], height: int) -> None:
    def dots(value: float) -> int:
        rows = area([value], 1, height, PERCENT, "block")
        return sum(" ▁▂▃▄▅▆▇█".index(row) for row in rows)

    assert DOTS["block"] == (1, 8)
    drawn = [dots(value) for value in sorted(values)]
    assert drawn == sorted(drawn)


@pytest.mark.parametrize("glyphs", ["block", "tty", "ascii"])
def test_the_mark_beside_a_name_is_what_its_line_is_made_of(glyphs: Glyphs) -> None:
    values = [[10.0 * place] * 4 for place in range(6)]
    drawn = {place: text for row in lines(values, 4, 12, PERCENT, glyphs) for text, place in row if place >= 0}
    assert drawn == {place: mark(place, glyphs) for place in range(6)}
    assert len(set(drawn.values())) == 6
    assert mark(0, "braille") == ""
