"""Durations and sizes in words, waiting times, turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import sizes, timing


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("250ms", 0.25), ("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("7d", 604_800), ("2 w", 1_209_600)],
)
def test_a_duration_in_words_is_so_many_seconds(words: str, seconds: float) -> None:
    assert timing.seconds(words) == pytest.approx(seconds)


@pytest.mark.parametrize("words", ["", "5", "s", "5 minutes", "-5s", "5s ago", "1e3s", "٣s"])
def test_other_words_are_no_duration(words: str) -> None:
    with pytest.raises(ValueError, match="no duration such as"):
        timing.seconds(words)


@pytest.mark.parametrize("words", ["9" * 400 + "d", "14881w", "9000000001s"])
def test_a_duration_that_no_count_of_nanoseconds_could_hold_is_refused(words: str) -> None:
    assert timing.seconds("9000000000s") == timing.LONGEST
    with pytest.raises(ValueError, match="is too long: at most 104167d"):
        timing.seconds(words)


@given(st.integers(0, 10**10))
def test_a_duration_written_by_us_is_read_as_it_was(milliseconds: int) -> None:
    assert timing.seconds(timing.in_words(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "size"),
    [("64kB", 64_000), ("64 kib", 65_536), ("1.5GiB", 1_610_612_736), ("512MB", 512_000_000), ("7b", 7)],
)
def test_a_size_in_words_is_so_many_bytes(words: str, size: int) -> None:
    assert sizes.size(words) == size


@pytest.mark.parametrize("words", ["", "64", "kB", "64 kb/s", "-1MB", "9" * 400 + "MB"])
def test_other_words_are_no_size(words: str) -> None:
    with pytest.raises(ValueError, match="no size such as"):
        sizes.size(words)


@given(st.integers(0, 10**15))
def test_a_size_written_by_us_is_read_as_it_was(size: int) -> None:
    assert sizes.size(sizes.in_words(size)) == size


def test_waiting_doubles_up_to_its_longest_and_chance_takes_at_most_half_of_it() -> None:
    waits = [timing.backoff(attempt, first=1, longest=30, chance=1) for attempt in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert timing.backoff(10_000, first=1, longest=30, chance=0) == 15


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (5400.0, "90 min"), (10_800.0, "3 h"), (550_000.0, "6 d")],
)
def test_roughly_is_what_a_person_says(seconds: float, words: str) -> None:
    assert timing.roughly(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "0s"), (59.9, "59s"), (3600.0, "1h"), (90_061.0, "1d1h"), (86_461.0, "1d1m")]
)
def test_a_duration_is_told_to_two_units(seconds: float, words: str) -> None:
    assert timing.to_two_units(seconds) == words
