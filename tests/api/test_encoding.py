"""Times and values as text."""

from __future__ import annotations

import math

import pytest

from api.encoding import to_json, to_time, to_words
from tests.api.given import NOON


def test_a_time_has_milliseconds_and_z() -> None:
    assert to_time(NOON) == "2026-01-31T12:00:00.000Z"
    assert to_time(NOON + 123_999_999) == "2026-01-31T12:00:00.123Z"
    assert to_time(0) == "1970-01-01T00:00:00.000Z"


def test_json_is_compact_and_has_no_nan() -> None:
    assert to_json({"a": [1, 2.0, None, "ä"]}) == '{"a":[1,2.0,null,"ä"]}'
    with pytest.raises(ValueError, match="JSON"):
        to_json(math.nan)


def test_lengths_of_time_are_said_in_the_fitting_unit() -> None:
    assert [to_words(n) for n in (45, 600, 10_800, 864_000)] == ["45 s", "10 min", "3 h", "10 d"]
