"""Where a range begins within a span of a rollup, its rows are put together once, and are what reading them says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from store.backends.lmdb import LmdbBackend
from store.blocks.files import Blocks
from store.blocks.stepped import MOST_EDGES, Stepped
from store.columns import Steps
from store.pieces import Piece
from tests.store.given import DAY, HOUR, MINUTE, NOON, SECOND, batch, layout, sample
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


def test_the_row_at_the_begin_is_of_a_range_and_that_at_its_end_is_not(blocks: Blocks) -> None:
    for start, end, expected in ((1310, 1320, [1]), (1310, 1321, [2]), (1311, 1320, []), (1310, 1310, [])):
        found = Stepped(blocks).raw("web-1", ("cpu.*",), GRID, NOON + start * SECOND, NOON + end * SECOND)
        assert [int(piece.rolled.count.sum()) for piece in found] == expected
    blocks.close()


@pytest.fixture
def read(blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """At which seconds of the hour what was read of the rows began."""
    seconds = list[int]()
    columns = blocks.columns

    def counted(subject: str, globs: tuple[str, ...], start: int, until: int) -> object:
        seconds.append((start - NOON) // SECOND)
        return columns(subject, globs, start, until)

    monkeypatch.setattr(blocks, "columns", counted)
    return seconds


def _ask(stepped: Stepped, second: int, until: int = 3600, grid: Steps = GRID) -> list[object]:
    return _told(stepped.raw("web-1", ("cpu.*",), grid, NOON + second * SECOND, NOON + until * SECOND))


def test_rows_that_are_the_same_are_not_read_again(blocks: Blocks, read: list[int]) -> None:
    stepped = Stepped(blocks)
    for second in (1001, 1150, 1300, 1301, 1310):
        _ask(stepped, second)
    assert read == [1001, 1301]
    blocks.close()


def test_no_more_edges_are_remembered_than_there_is_room_for(blocks: Blocks, read: list[int]) -> None:
    stepped = Stepped(blocks)
    for until in range(1400, 1400 + MOST_EDGES):
        _ask(stepped, 1001, until)
    before = len(read)
    _ask(stepped, 1002, 1400)
    assert len(read) == before == MOST_EDGES
    _ask(stepped, 1003, 1399)  # one too many: all others go
    _ask(stepped, 1004, 1400)
    assert len(read) == before + 2
    blocks.close()


def test_an_edge_of_many_steps_is_not_remembered_but_its_very_question_is(blocks: Blocks, read: list[int]) -> None:
    stepped, fine = Stepped(blocks), Steps(NOON, 10 * SECOND, 360)
    for second in (1, 2, 2, 1, 1001, 1002):
        _ask(stepped, second, grid=fine)
    assert read == [1, 2, 1001]
    blocks.close()


def test_what_was_read_while_something_was_damaged_is_read_again(
    blocks: Blocks, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, damaged = blocks.columns, [True, True, False]

    def torn(subject: str, globs: tuple[str, ...], start: int, until: int) -> object:
        blocks.faults += damaged.pop(0)
        return columns(subject, globs, start, until)

    monkeypatch.setattr(blocks, "columns", torn)
    stepped = Stepped(blocks)
    for second in (1001, 1001, 1002, 1002, 1003):
        _ask(stepped, second)
    assert read == [1001, 1001, 1002]
    blocks.close()


def _stored(path: Path) -> Blocks:
    """What two hosts told in the hour after noon, and its rollups."""
    backend = LmdbBackend(path, write=True)
    told = [sample(second, host=host) for host in ("web-1", "web-2") for second in range(0, 3600, 10)]
    backend.commit(batch([layout(), layout("web-2"), *told]), NOON)
    backend.close()
    seal(path, NOON + 2 * DAY)
    return Blocks(path / "blocks", lambda fault: pytest.fail(fault))


def test_a_rollup_tells_the_spans_and_metrics_that_are_asked_for_and_is_read_once(tmp_path: Path) -> None:
    blocks = _stored(tmp_path)
    stepped = Stepped(blocks)

    def ask(minutes: tuple[int, int], host: str = "web-1", glob: str = "*", step: int = MINUTE) -> list[Piece]:
        first, last = (NOON + minute * MINUTE for minute in minutes)
        return stepped.rolled("1m", host, (glob,), Steps(NOON, step, 60), first, last)

    (found,) = ask((10, 20))
    assert found.names == ("cpu.percent", "memory.used")
    assert found.rolled.starts.tolist() == [NOON + minute * MINUTE for minute in range(10, 20)]
    assert found.rolled.last[0].tolist() == [60.0 * minute + 50 for minute in range(10, 20)]
    assert found.covered == 10 * MINUTE
    assert ask((10, 20))[0] is found

    (few,) = ask((10, 20), glob="memory.*", step=5 * MINUTE)
    assert few.names == ("memory.used",)
    assert few.rolled.starts.tolist() == [NOON + 10 * MINUTE, NOON + 15 * MINUTE]
    assert few.rolled.last[0].tolist() == [100.0 * (15 * 60 - 10), 100.0 * (20 * 60 - 10)]
    assert [one.rolled.starts.tolist() for one in ask((10, 20), step=5 * MINUTE)] == [few.rolled.starts.tolist()]
    assert ask((10, 20), host="web-2")[0] is not found

    assert ask((120, 180)) == []  # of that day, and none of that time
    assert ask((10, 20), glob="disk[*]") == []
    assert ask((10, 20), host="db-1") == []
    blocks.close()
