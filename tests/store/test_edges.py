"""Where a range begins within a span of a rollup, its rows are put together once, and are what reading them says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from store.backends.lmdb import LmdbBackend
from store.blocks.files import Blocks
from store.blocks.stepped import Stepped
from store.columns import Steps
from store.pieces import Piece
from tests.store.given import HOUR, MINUTE, NOON, SECOND, batch, layout, sample
from tests.store.sealing import main as seal

GRID = Steps(NOON, 20 * MINUTE, 3)


@pytest.fixture
def blocks(tmp_path: Path) -> Blocks:
    """An hour of samples ten seconds apart, but for a few minutes in it."""
    backend = LmdbBackend(tmp_path, write=True)
    seconds = [second for second in range(0, 3600, 10) if not 1000 < second < 1300]
    backend.commit(batch([layout(), *(sample(second, cpu=second / 7) for second in seconds)]), NOON)
    backend.close()
    seal(tmp_path, NOON + 5 * HOUR)
    return Blocks(tmp_path / "blocks", lambda fault: pytest.fail(fault))


def _told(pieces: list[Piece]) -> list[object]:
    return [
        (piece.tier, piece.names, piece.covered, piece.rolled.starts.tolist(), piece.rolled.total.tolist())
        for piece in pieces
    ]


def test_rows_before_a_time_are_the_same_from_wherever_they_are_asked(blocks: Blocks) -> None:
    stepped, chance = Stepped(blocks), random.Random(7)
    starts = [*range(900, 1400), *(chance.randrange(3600) for _ in range(200))]
    for start in starts:
        for end in (3600, 1310):
            asked = "web-1", ("cpu.*",), GRID, NOON + start * SECOND + 3, NOON + end * SECOND
            assert _told(stepped.raw(*asked)) == _told(Stepped(blocks).raw(*asked)), (start, end)
    blocks.close()


def test_rows_that_are_the_same_are_not_read_again(blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    stepped, end, read = Stepped(blocks), NOON + HOUR, list[int]()
    columns = blocks.columns

    def counted(subject: str, globs: tuple[str, ...], start: int, until: int) -> object:
        read.append(start)
        return columns(subject, globs, start, until)

    monkeypatch.setattr(blocks, "columns", counted)
    for second in (1001, 1150, 1300, 1301, 1310):
        stepped.raw("web-1", ("cpu.*",), GRID, NOON + second * SECOND, end)
    assert read == [NOON + 1001 * SECOND, NOON + 1301 * SECOND]
    blocks.close()
