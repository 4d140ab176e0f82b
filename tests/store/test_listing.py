"""An index gives back what was written, a part at a time, and what is open stays within its bound."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.blocks.files import Blocks
from store.blocks.listing import Index, Place, packed_index, read_index
from store.blocks.pressing import Damaged
from store.blocks.segments import Writing
from store.spans import RAW, span_of
from tests.store.given import DAY, NOON

NAMES = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)


def place(subject: str, source: str = "", number: int = 0) -> Place:
    """A part of a subject."""
    return Place(subject, source.encode(), b"", 2**64 - 1, 60, 1, 64, 360, NOON, NOON + DAY, number, 100)


@given(st.lists(st.tuples(NAMES, NAMES)), st.dictionaries(st.integers(0, 2**64 - 1), st.lists(NAMES).map(tuple)))
def test_an_index_gives_back_what_was_written(
    origins: list[tuple[str, str]], layouts: dict[int, tuple[str, ...]]
) -> None:
    parts = tuple(place(subject, source, at) for at, (subject, source) in enumerate(sorted(origins)))
    index, places = read_index(packed_index(Index("sample", RAW, 0, DAY, parts, layouts, frozenset({(0, 1, 2)}))))
    assert tuple(index.parts) == tuple(index.parts[:]) == parts
    assert dict(index.layouts) == layouts
    assert (index.kind, index.tier, index.start, index.end, index.sources) == (
        "sample",
        RAW,
        0,
        DAY,
        frozenset({(0, 1, 2)}),
    )
    assert places.subjects() == sorted({subject for subject, _ in origins})
    for subject, _ in [*origins, ("nobody", "")]:
        assert places.of(subject) == [part for part in parts if part.subject == subject]


def test_half_an_index_is_none() -> None:
    whole = packed_index(Index("sample", RAW, 0, DAY, (place("web-1"),)))
    for size in range(len(whole)):
        with pytest.raises((Damaged, ValueError)):
            read_index(whole[:size])


def test_with_many_hosts_fewer_files_are_open(tmp_path: Path) -> None:
    # Given three days of many hosts, of whose indexes two fit
    names = [f"202601{day:02}T00.1d" for day in (1, 2, 3)]
    folder = tmp_path / "sample" / RAW
    for name in names:
        with contextlib.closing(Writing(folder / name)) as writing:
            for number in range(100):
                writing.add((place(f"web-{number}"), b"x" * 100), as_it_was=True)
            span = span_of(name)
            assert span is not None
            writing.finish(Index("sample", RAW, span.start, span.end))
    probe = Blocks(tmp_path, pytest.fail)
    first = probe.segment(folder / names[0])
    assert first is not None
    blocks = Blocks(tmp_path, pytest.fail, most_listed=first.listed * 5 // 2)
    # When all are asked for, again and again
    for _ in range(2):
        for name in names:
            segment = blocks.segment(folder / name)
            assert segment is not None
            # Then each answers
            assert [one.subject for one in segment.places("web-7")] == ["web-7"]
            # And no more than two are open
            assert len(blocks._open) <= 2
    blocks.close()
    probe.close()
