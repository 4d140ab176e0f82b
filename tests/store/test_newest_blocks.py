"""Of rows in several files of blocks the newest are found, and files that hold none of them are not needed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.backends.lmdb import LmdbBackend
from store.blocks.files import Blocks
from store.sealer import Pace, Sealer
from tests.store.given import HOUR, NOON, batch, layout, sample

FAR = 2**62


@pytest.fixture
def blocks(tmp_path: Path) -> Iterator[Blocks]:
    """Three hours of ten rows each."""
    backend = LmdbBackend(tmp_path, write=True)
    for hour in range(3):
        rows = [sample(100 * hour + n, at=NOON + hour * HOUR + n) for n in range(10)]
        backend.commit(batch([layout(), *rows], NOON), NOON)
    sealer = Sealer(tmp_path, backend.partitions, backend.layouts, Pace(quiet=-FAR), logging.getLogger("sealer"))
    while sealer.turn(NOON + 5 * HOUR):
        pass
    sealer.close()
    backend.close()
    made = Blocks(tmp_path / "blocks", lambda damage: pytest.fail(damage))
    yield made
    made.close()


def times(blocks: Blocks, start: int, end: int, limit: int | None = None) -> list[int]:
    return sorted(row[0] - NOON for row in blocks.rows("sample", "web-1", start, end, limit))


@pytest.mark.parametrize("limit", [1, 9, 10, 11, 25, 30, 31])
def test_the_newest_are_among_what_is_found(blocks: Blocks, limit: int) -> None:
    whole = [hour * HOUR + n for hour in range(3) for n in range(10)]
    found = times(blocks, 0, FAR, limit)

    assert found[-limit:] == whole[-limit:]
    assert len(found) <= -(-limit // 10) * 10, "no file is read that is not needed"


def test_what_lies_between_two_times_is_found_both_included(blocks: Blocks) -> None:
    first, second = NOON + HOUR + 3, NOON + HOUR + 7
    assert times(blocks, first, second) == [HOUR + n for n in range(3, 8)]
    assert times(blocks, first, second, 2)[-2:] == [HOUR + 6, HOUR + 7]
    assert times(blocks, NOON + 9, NOON + HOUR) == [9, HOUR]
    assert times(blocks, NOON + 10, NOON + HOUR - 1) == []
