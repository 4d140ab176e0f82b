"""What a plugin printed."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.plugin_output import MOST_VALUES, parsed
from bus.messages import is_metric


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("queued 17", "plugin[mail].queued", 17.0),
        ("shop.orders 2.5", "shop.orders", 2.5),
        ("pump[cellar].pressure -1e-3", "pump[cellar].pressure", -0.001),
        ("temperature[Package id 0].celsius\t48", "temperature[Package id 0].celsius", 48.0),
        ("  queued   +17.  ", "plugin[mail].queued", 17.0),
        ("queued NaN", "plugin[mail].queued", None),
    ],
)
def test_a_line_is_a_name_and_a_value(line: str, name: str, value: float | None) -> None:
    assert parsed(line, "mail") == ({name: value}, [])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("queued", "line 1: 'queued' is not a name and a value"),
        ("queued many", "line 1: 'many' is no number"),
        ("queued inf", "line 1: 'inf' is no number"),
        ("queued 1e999", "line 1: '1e999' is no number"),
        ("queued 1_000", "line 1: '1_000' is no number"),
        ("queued ١٢", "line 1: '١٢' is no number"),
        ("a.b[c] 1", "line 1: 'a.b[c]' is no metric's name"),
        ("two words 1", "line 1: 'two words' is no metric's name"),
    ],
)
def test_a_line_that_is_none_is_told(line: str, fault: str) -> None:
    assert parsed(line, "mail") == ({}, [fault])


def test_good_lines_count_beside_bad_ones() -> None:
    output = parsed("# mail\n\nqueued 17\nrubbish\nsent 3\n", "mail")
    assert output.readings == {"plugin[mail].queued": 17.0, "plugin[mail].sent": 3.0}
    assert len(output.faults) == 1


def test_a_flood_of_values_is_cut() -> None:
    output = parsed("\n".join(f"v{n} {n}" for n in range(MOST_VALUES + 5)), "mail")
    assert len(output.readings) == MOST_VALUES
    assert output.faults == [f"line {MOST_VALUES + 1}: more than {MOST_VALUES} values"]


def test_a_long_row_of_digits_that_is_no_number_is_seen_at_once() -> None:
    began = time.thread_time()
    for row in ("1" * 30_000 + "x", "1" * 15_000 + "." + "1" * 15_000 + "x", "." + "1" * 30_000 + "x"):
        assert parsed(f"queued {row}", "mail").readings == {}
    assert time.thread_time() - began < 5, "it holds up the whole agent"


@given(st.text(max_size=300), st.text(max_size=60))
def test_whatever_is_printed_gives_names_and_finite_values_only(text: str, plugin: str) -> None:
    for name, value in parsed(text, plugin).readings.items():
        assert is_metric(name)
        assert value is None or math.isfinite(value)
