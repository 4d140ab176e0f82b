"""Numbers as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer import units

GIB = 1024.0**3


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (7.7 * GIB, "7.7 GiB"), (16 * GIB, "16 GiB"), (None, "–")],
)
def test_bytes_are_told_by_1024_with_their_unit(value: float | None, text: str) -> None:
    assert units.size(value) == text


def test_a_unit_that_both_sides_share_is_named_once() -> None:
    assert units.USUAL.of(3.5 * GIB, 7.7 * GIB) == "3.5 of 7.7 GiB"
    assert units.USUAL.of(100 * 1024**2, 2 * GIB) == "100 MiB of 2.0 GiB"
    assert units.USUAL.of(None, None) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (60, "1 m"), (7200, "2 h"), (86_400 * 12, "12 d"), (-3, "0 s")]
)
def test_an_age_has_one_part(seconds: float, text: str) -> None:
    assert units.age(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(188, "3m 8s"), (15_120, "4h 12m"), (1_051_200, "12d 4h"), (-1, "–")])
def test_an_uptime_has_two_parts(seconds: float, text: str) -> None:
    assert units.uptime(seconds) == text


@pytest.mark.parametrize(
    ("tell", "room"),
    [
        (units.share, 4),
        (units.percent, 5),
        (units.amount, 5),
        (units.count, 5),
        (units.USUAL.rate, 11),
        (units.celsius, 6),
        (units.number, 6),
        (units.age, 5),
        (units.uptime, 12),
    ],
)
@given(value=st.none() | st.floats())
def test_no_number_is_wider_than_promised(tell: Callable[[float | None], str], room: int, value: float | None) -> None:
    text = tell(value)
    assert 0 < len(text) <= room
    if value is None or not math.isfinite(value):
        assert text == "–", "what is not known is never told as a number"
