"""A folder is listed again when it changed, and as long as it may have without a later time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.folders import SETTLED, Folders, below, entries
from store.spans import Listing, Span
from tests.descriptors import no_more_files
from tests.store.given import HOUR


class Counted:
    """Names of a folder, and how often it was listed."""

    def __init__(self) -> None:
        self.times = 0

    def read(self, folder: str, names: Sequence[str]) -> tuple[str, ...]:
        self.times += 1
        return tuple(sorted(names))


def age(folder: Path, by: int = 2 * SETTLED) -> None:
    """Let the folder have changed a while ago."""
    past = time.time_ns() - by
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
    age(tmp_path, -10 * SETTLED)  # just now, however slow this is
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


def test_what_stands_below_a_folder_is_found_by_its_parts(tmp_path: Path) -> None:
    for name in ("rows/sample/a", "rows/sample/.b", "rows/check/a.bad-1", "rows/c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    def found(pattern: str) -> set[str]:
        return {path.relative_to(tmp_path).as_posix() for path in entries(tmp_path, pattern)}

    assert found("rows/*/*") == {"rows/sample/a", "rows/sample/.b", "rows/check/a.bad-1"}
    assert found("*/*/*.bad-*") == {"rows/check/a.bad-1"}
    assert found("*/sample/[a]") == {"rows/sample/a"}
    assert found("blocks/*") == set()
    assert {path.name for path in below(tmp_path)} == {"rows", "sample", "check", "a", ".b", "a.bad-1", "c"}


def looked_up(folder: Path) -> Iterator[Path]:
    """As a question does, that looks at each folder when it changed."""
    kinds: Folders[Sequence[str]] = Folders(lambda _, names: names)
    for kind in kinds.of(str(folder)):
        yield from (folder / kind / name for name in kinds.of(str(folder / kind)))


@pytest.mark.parametrize(
    "look", [below, looked_up, lambda folder: entries(folder, "*/*")], ids=["below", "looked_up", "entries"]
)
def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(
    look: Callable[[Path], Iterator[Path]], tmp_path: Path
) -> None:
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "a").write_text("")
    with no_more_files(), pytest.raises(OSError, match="Too many open files"):
        list(look(tmp_path))
    assert tmp_path / "sample" / "a" in set(look(tmp_path))
