"""Answers that are kept: of the same version only, for a second, and in no more room than there is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.kept import KEPT_SECONDS, Kept

VERSION = (1, 7)


def test_an_answer_is_kept_for_its_question_while_the_version_is_the_same() -> None:
    kept = Kept()
    kept.put("cpu", VERSION, 10.0, b"42")
    assert kept.get("cpu", VERSION, 10.0) == b"42"
    assert kept.get("cpu", VERSION, 10.0 + KEPT_SECONDS * 0.99) == b"42"
    assert kept.get("memory", VERSION, 10.0) is None
    assert kept.get("cpu", (1, 8), 10.0) is None
    assert kept.get("cpu", (2, 7), 10.0) is None
    assert kept.get("cpu", None, 10.0) is None


def test_it_is_kept_no_longer_than_a_second_since_the_store_was_asked() -> None:
    kept = Kept()
    kept.put("cpu", VERSION, 10.0, b"42")
    assert kept.get("cpu", VERSION, 10.0 + KEPT_SECONDS) is None


def test_where_nobody_tells_versions_nothing_is_kept_and_what_was_is_dropped() -> None:
    kept = Kept()
    kept.put("cpu", VERSION, 10.0, b"42")
    kept.put("cpu", None, 10.1, b"43")
    assert kept.get("cpu", None, 10.2) is None
    assert kept.get("cpu", VERSION, 10.2) is None
    assert kept.bytes == 0


def test_what_is_over_its_time_goes_when_another_comes() -> None:
    kept = Kept()
    kept.put("cpu", VERSION, 10.0, bytes(100))
    kept.put("memory", VERSION, 10.5, bytes(10))
    kept.put("load", VERSION, 10.0 + KEPT_SECONDS, bytes(1))
    assert kept.bytes == 11


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(0, 3)), max_size=60))
def test_no_more_room_is_taken_than_there_is_and_the_last_answer_is_the_one(
    told: list[tuple[int, int, int]],
) -> None:
    kept, most, last, now = Kept(100), 100, dict[int, tuple[tuple[int, int], bytes]](), 0.0
    for question, size, version in told:
        now += 0.05
        body = bytes([len(last)]) * size
        kept.put(question, (1, version), now, body)
        last[question] = (1, version), body
        assert 0 <= kept.bytes <= most
        for asked, (of, expected) in last.items():
            assert kept.get(asked, of, now) in (None, expected)
        if size <= most // 4:
            assert kept.get(question, (1, version), now) == body
