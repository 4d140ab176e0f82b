"""A folder is listed again when it changed, and as long as it may have without a later time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from store.folders import SETTLED, Folders
from store.spans import Listing, Span
from tests.store.given import HOUR


class Counted:
    """Names of a folder, and how often it was listed."""

    def __init__(self) -> None:
        self.times = 0

    def read(self, folder: str, names: Sequence[str]) -> tuple[str, ...]:
        self.times += 1
        return tuple(sorted(names))


def age(folder: Path) -> None:
    """Let the folder have changed a while ago."""
    past = time.time_ns() - 2 * SETTLED
    os.utime(folder, ns=(past, past))


def test_a_folder_that_did_not_change_is_listed_once(tmp_path: Path) -> None:
    counted = Counted()
    folders = Folders(counted.read)
    (tmp_path / "a").touch()
    age(tmp_path)
    first = folders.of(str(tmp_path))
    assert first == ("a",)
    assert folders.of(str(tmp_path)) is first
    assert counted.times == 1

    (tmp_path / "b").touch()
    assert folders.of(str(tmp_path)) == ("a", "b")
    assert folders.of(str(tmp_path)) == ("a", "b")
    assert counted.times == 3, "what changed just now may change again within the same tick of the clock"
    age(tmp_path)
    settled = folders.of(str(tmp_path))
    folders.clear()
    assert folders.of(str(tmp_path)) is not settled


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    folders = Folders(Counted().read)
    assert folders.of(str(tmp_path / "none")) == ()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a").touch()
    assert folders.of(str(tmp_path / "none")) == ("a",)


def test_a_question_looks_at_each_folder_once(tmp_path: Path) -> None:
    counted = Counted()
    folders = Folders(counted.read)
    folders.hold(True)
    assert folders.of(str(tmp_path)) == ()
    (tmp_path / "a").touch()
    assert folders.of(str(tmp_path)) == ()
    folders.clear()
    assert folders.of(str(tmp_path)) == ("a",), "something was gone: it looks again"
    folders.hold(False)
    (tmp_path / "b").touch()
    assert folders.of(str(tmp_path)) == ("a", "b")


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), max_size=12),
    st.integers(-5, 100),
    st.integers(0, 60),
)
def test_files_between_two_times_are_those_that_one_look_at_each_finds(
    given_spans: list[tuple[int, int]], start: int, long: int
) -> None:
    every: list[Span] = []
    for begin, length in sorted(given_spans, key=lambda one: (one[0], -one[1])):
        if not every or (begin + length) * HOUR > every[-1].end:  # as ``spans`` leaves them
            every.append(Span(begin * HOUR, (begin + length) * HOUR, f"{begin}"))
    first, last = start * HOUR, (start + long) * HOUR
    expected = [one for one in every if one.start <= last and one.end > first]
    assert Listing(every).between(first, last) == expected
