"""A disk, or a system, that does not give what a file holds: no sound file goes for that, and sealing goes on."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest

from store.archive.files import Archive
from store.archive.moving import Mover
from store.backends import StoreBroken, StoreDamaged
from store.backends.doubt import is_doubted
from store.backends.lmdb import LmdbBackend
from store.backends.partitions import Partitions
from store.blocks.aside import put_aside
from store.blocks.pressing import LeftAlone
from store.blocks.segments import Segment
from store.sealer import Pace, Sealer
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, layout, numbers, sample

START = NOON - 12 * HOUR
LATER = NOON + 20 * DAY
PACE = Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
HOSTS = ("db-1", "web-1", "web-2")
HOURS = (3, 7, 9)


class Sealed:
    """A store whose hours are sealed and no day is; ``everything``: when each host's samples are, s after noon."""

    def __init__(self, path: Path) -> None:
        self.backend = LmdbBackend(path, write=True)
        self.sealer = Sealer(path, self.backend.partitions, self.backend.layouts, PACE, logging.getLogger("sealer"))
        self.raw = path / "blocks" / "sample" / "raw"
        told = [
            sample(hour * 100 + n, host=host, at=START + hour * HOUR + n * MINUTE)
            for host in HOSTS
            for hour in HOURS
            for n in range(1, 31)
        ]
        self.everything = [(hour - 12) * 3600 + n * 60 for hour in HOURS for n in range(1, 31)]
        self.backend.commit(batch([*map(layout, HOSTS), *told], NOON), NOON)
        self.turn(START + DAY)
        while self.backend._past.sealed.unlink(2**62, self.backend._note_sealed):
            pass
        self.sealer.blocks.close()
        self.backend._past._blocks.close()

    def turn(self, now: int = LATER) -> None:
        while self.sealer.turn(now):
            pass

    def kept(self, host: str) -> list[int]:
        return numbers(self.backend.rows("sample", host, 0, LATER))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sealed]:
    made = Sealed(tmp_path / "store")
    yield made
    made.sealer.close()
    made.backend.close()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOMEM, errno.EACCES])
def test_a_sound_file_that_cannot_be_opened_for_a_while_keeps_its_place_and_holds_up_nothing_else(
    store: Sealed, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    opened = os.open

    def failing(path: str | Path, *given: int) -> int:
        if str(path).endswith("T07.1h"):
            raise OSError(code, os.strerror(code), str(path))
        return opened(path, *given)

    with monkeypatch.context() as patched:
        patched.setattr("store.blocks.segments.os.open", failing)
        store.backend.commit(batch([sample(1, host="other", at=START + DAY)], NOON), NOON)
        store.turn()
    hours = [f"20260131T{hour:02}.1h" for hour in HOURS]
    assert sorted(path.name for path in store.raw.iterdir()) == [*hours, "20260201T00.1d"]
    store.turn()

    assert sorted(path.name for path in store.raw.iterdir()) == ["20260131T00.1d", "20260201T00.1d"]
    assert {host: store.kept(host) for host in HOSTS} == dict.fromkeys(HOSTS, store.everything)


def test_a_file_that_can_be_opened_the_second_time_is_not_put_aside(store: Sealed) -> None:
    with pytest.raises(LeftAlone, match="a moment ago"):
        put_aside(store.raw / "20260131T07.1h")
    put_aside(store.raw / "20260131T08.1h")

    assert sorted(path.name for path in store.raw.iterdir()) == [f"20260131T{hour:02}.1h" for hour in HOURS]


def test_a_page_that_the_disk_does_not_read_costs_a_hosts_hour_and_no_day(
    store: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment, read = Segment(store.raw / "20260131T07.1h"), os.pread
    (place,) = segment.places("web-1")
    segment.close()
    bad = place.offset + place.length - 8

    def failing(file: int, size: int, offset: int) -> bytes:
        if offset <= bad < offset + size and os.readlink(f"/proc/self/fd/{file}").endswith("T07.1h"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(file, size, offset)

    monkeypatch.setattr("store.blocks.segments.os.pread", failing)
    store.turn()

    assert [path.name for path in store.raw.iterdir()] == ["20260131T00.1d"]
    assert store.kept("db-1") == store.kept("web-2") == store.everything
    assert store.kept("web-1") == [at for at in store.everything if at // 3600 != 7 - 12]
    assert store.sealer.done.damaged == 1
    assert any("web-1" in damage for damage in store.backend.damaged)


def test_an_archived_day_that_cannot_be_opened_for_a_moment_keeps_its_place(
    store: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(tmp_path / "archive", store.backend.damaged.append, tmp_path / "store/blocks/archive")
    mover = Mover(archive, store.sealer.blocks, store.backend.partitions, logging.getLogger("sealer"))
    store.turn()
    while mover.turn(LATER):
        pass
    archive.close()
    (file,) = (tmp_path / "archive").glob("kind=*/day=*/part.parquet")
    opened, left = Path.open, [errno.EMFILE] * 2

    def failing(path: Path, mode: str = "r") -> object:
        if left and path == file:
            raise OSError(left.pop(), "Too many open files", str(path))
        return opened(path, mode)

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(LeftAlone, match="Too many open files"):
        mover.bring_back("sample", START)
    mover.bring_back("sample", START)

    assert file.exists()
    assert [path.name for path in store.raw.iterdir()] == ["20260131T00.1d"]
    assert {host: store.kept(host) for host in HOSTS} == dict.fromkeys(HOSTS, store.everything)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (StoreBroken("too many files are open"), True),
        (lmdb.ReadersFullError("no reader"), True),
        (StoreDamaged("no heads"), False),
        (lmdb.CorruptedError("a page"), False),
    ],
)
def test_a_partition_that_cannot_be_read_for_a_moment_is_sealed_in_the_next_turn(
    store: Sealed, monkeypatch: pytest.MonkeyPatch, error: Exception, again: bool
) -> None:
    store.backend.commit(batch([sample(5, host="web-1", at=START + 20 * HOUR)], NOON), NOON)
    partition = store.backend.partitions.path("sample", "20260131T20")
    scanned, left = Partitions.scanned, [error]

    def failing(rows: Partitions, path: Path) -> Any:
        if left and path == partition:
            raise left.pop()
        return scanned(rows, path)

    monkeypatch.setattr(Partitions, "scanned", failing)
    store.turn(START + DAY)
    assert not left
    assert not (store.raw / "20260131T20.1h").exists()
    store.turn(START + DAY)

    assert (store.raw / "20260131T20.1h").exists() == again
    assert is_doubted(partition) != again


@pytest.mark.parametrize("name", ["raw/20260131T00.1d.new", "1h/20260101T00.1mo.new"])
def test_what_a_failing_disk_does_not_read_again_is_joined_later_and_holds_up_nothing_else(
    store: Sealed, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    read = os.pread

    def failing(file: int, size: int, offset: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{file}").endswith(name):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(file, size, offset)

    with monkeypatch.context() as patched:
        patched.setattr("store.blocks.segments.os.pread", failing)
        store.backend.commit(batch([sample(1, host="other", at=START + DAY)], NOON), NOON)
        store.turn(START + 40 * DAY)
    there = {path.relative_to(store.raw.parent).as_posix() for path in store.raw.parent.glob("*/*")}
    assert name.removesuffix(".new") not in there
    assert "raw/20260201T00.1d" in there, "the next day is joined"
    assert {host: store.kept(host) for host in HOSTS} == dict.fromkeys(HOSTS, store.everything)

    store.turn(START + 40 * DAY)
    there = {path.relative_to(store.raw.parent).as_posix() for path in store.raw.parent.glob("*/*")}
    assert name.removesuffix(".new") in there
    assert {host: store.kept(host) for host in HOSTS} == dict.fromkeys(HOSTS, store.everything)
