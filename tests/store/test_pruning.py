"""What the pruner drops, thins, strikes off and counts, and at which instant."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.questions import StoreStatistics
from store.backends.lmdb import LmdbBackend
from store.backends.values import disk_bytes
from store.blocks.aside import BAD
from store.holdings import lines
from store.pruning import Pruner, Room, held, statistics_of
from store.retention import Held, Retention, Rule
from store.returning import returning
from store.sealer import Pace, Sealer
from store.spans import ARCHIVE, RAW
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, layout, sample

USUAL = {RAW: 7 * DAY, "1m": 0, "5m": 60 * DAY, "1h": 300 * DAY, "records": 100 * DAY}
SHORT = Retention(USUAL, (Rule(("db-*",), {RAW: 2 * DAY}),))
LOG = logging.getLogger("pruner")
END = NOON + 12 * HOUR
"""Of the day that is sealed."""


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmdbBackend]:
    made = LmdbBackend(tmp_path / "store", write=True)
    for host in ("web-1", "db-1"):
        made.commit(batch([layout(), *(sample(n, host=host) for n in range(1, 50))]), NOON)
    yield made
    made.close()


def sealed(backend: LmdbBackend, store: Path, now: int) -> Sealer:
    """Its sealer, after all that is due then."""
    pace = Pace(quiet=-(2**62), keep={"1m": 0})
    sealer = Sealer(store, backend.partitions, backend.layouts, pace, LOG)
    while sealer.turn(now):
        pass
    backend._past.sealed.unlink(2**62)
    return sealer


def hosts(backend: LmdbBackend) -> set[str]:
    return {host for host in ("web-1", "db-1") if backend.rows("sample", host, 0, END)}


def raw(blocks: Path) -> Held:
    (found,) = [one for one in held(blocks) if one.tier == RAW]
    return found


def test_a_day_loses_those_who_are_over_at_their_instant_and_no_earlier(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    pruner = Pruner(sealer.blocks, SHORT, Room(), LOG)
    assert pruner.turn(END + 2 * DAY - 1) == 0
    assert pruner.turn(END + 2 * DAY) == 1
    assert hosts(backend) == {"web-1"}
    assert Pruner(sealer.blocks, SHORT, Room(), LOG).deleted == {"sample/raw": 49}, "it is on the disk"
    assert pruner.turn(END + 7 * DAY - 1) == 0
    assert pruner.turn(END + 7 * DAY) == 1
    assert hosts(backend) == set()
    sealer.close()


def test_an_hour_is_thinned_only_when_its_rollups_are_made(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + HOUR + 30 * MINUTE)
    pruner = Pruner(sealer.blocks, SHORT, Room(), LOG)
    assert pruner.turn(END + 2 * DAY) == 0
    assert hosts(backend) == {"web-1", "db-1"}
    pruner.covered = lambda one, now: True
    assert pruner.turn(END + 2 * DAY) == 1
    assert hosts(backend) == {"web-1"}
    sealer.close()


def test_what_the_sealer_spares_is_neither_dropped_nor_thinned(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    pruner = Pruner(sealer.blocks, SHORT, Room(), LOG)
    pruner.spared = lambda one, now: one.tier == RAW
    assert [pruner.turn(END + days * DAY) for days in (3, 8)] == [0, 0]
    assert hosts(backend) == {"web-1", "db-1"}
    sealer.close()


def test_those_kept_no_longer_than_asked_are_taken_out_and_a_file_of_no_others_goes(
    backend: LmdbBackend, tmp_path: Path
) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    blocks, late = tmp_path / "store" / "blocks", END + 8 * DAY
    assert not Pruner(sealer.blocks, Retention(USUAL), Room(), LOG).thin(raw(blocks), late, 9 * DAY), "all alike"
    pruner = Pruner(sealer.blocks, SHORT, Room(), LOG)
    assert not pruner.thin(raw(blocks), late, 2 * DAY - 1)
    assert not pruner.thin(raw(blocks), END + 2 * DAY - 1, 2 * DAY)
    assert hosts(backend) == {"web-1", "db-1"}
    assert pruner.thin(raw(blocks), late, 2 * DAY)
    assert hosts(backend) == {"web-1"}
    assert Pruner(sealer.blocks, SHORT, Room(), LOG).deleted == {"sample/raw": 49}, "it is on the disk"
    assert pruner.thin(raw(blocks), late, 7 * DAY)
    assert [one for one in held(blocks) if one.tier == RAW] == []
    assert Pruner(sealer.blocks, SHORT, Room(), LOG).deleted == {"sample/raw": 98}
    sealer.close()


def test_a_file_that_is_gone_or_cannot_be_read_is_not_thinned(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    pruner = Pruner(sealer.blocks, SHORT, Room(), LOG)
    one = raw(tmp_path / "store" / "blocks")
    file = tmp_path / "store" / "blocks" / one.kind / one.tier / one.name
    sound = file.read_bytes()
    file.unlink()
    assert not pruner.thin(one, END + 3 * DAY, 2 * DAY)
    sealer.blocks.refresh()
    file.write_bytes(sound[:-9])
    assert pruner.turn(END + 3 * DAY) == 0
    assert pruner.deleted == {}
    sealer.close()


def test_a_file_that_vanished_is_missed_until_it_would_be_past_its_time(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    blocks = tmp_path / "store" / "blocks"
    (name,) = [f"{one.kind}/{one.tier}/{one.name}" for one in held(blocks) if one.tier == RAW]
    roll = sealer.blocks.roll
    assert roll is not None
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(), LOG)
    pruner.spared = lambda one, now: True
    pruner.turn(END + 7 * DAY)
    assert name in roll.files, "it is there"
    (blocks / name).unlink()
    pruner.turn(END + 7 * DAY - 1)
    assert name in roll.files, "it would be there"
    pruner.turn(END + 7 * DAY)
    assert name not in roll.files
    sealer.close()


def test_what_was_put_aside_goes_when_it_would_have_gone(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    folder = tmp_path / "store" / "blocks" / "sample" / RAW
    bad, strange = folder / f"20260131T00.1d{BAD}5", folder / f"nobody's{BAD}5"
    bad.touch()
    strange.touch()
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(), LOG)
    pruner.turn(END + 7 * DAY - 1)
    assert bad.exists()
    pruner.turn(END + 7 * DAY)
    assert (bad.exists(), strange.exists()) == (False, True)
    sealer.close()


def test_what_somebody_else_dropped_is_counted_and_remembered(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(), LOG)
    for rows in (5, 2):
        pruner.dropped("sample", RAW, rows)
    assert Pruner(sealer.blocks, Retention(USUAL), Room(), LOG).deleted == {"sample/raw": 7}
    sealer.close()


def test_what_was_dropped_is_on_the_disk_before_it_takes_the_place_of_the_earlier_count(
    backend: LmdbBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    synced: list[str] = []
    sync = os.fsync

    def noting(file: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{file}")).name)
        sync(file)

    monkeypatch.setattr(os, "fsync", noting)
    Pruner(sealer.blocks, Retention(USUAL), Room(), LOG).dropped("sample", RAW, 5)
    assert synced == ["statistics.json.new", "blocks"]
    sealer.close()


def test_room_is_made_for_a_store_that_is_too_large_and_for_a_disk_that_is_too_full(
    backend: LmdbBackend, tmp_path: Path
) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    now = END + 2 * DAY
    for room, used, free in (
        (Room(), 10**15, 0),
        (Room(most=1000, free=500), 1000, 500),
        (Room(free=500), 10**15, 500),
    ):
        assert Pruner(sealer.blocks, Retention(USUAL), room, LOG).make_room(now, used, free) == 0
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(most=1000, free=500), LOG)
    assert pruner.make_room(now, 1001, 500) == 1
    assert pruner.make_room(now, 1000, 499) == 1
    sealer.close()


def test_room_that_rows_give_back_is_waited_for_an_hour_at_most(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    now = END + 2 * DAY
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(most=1000), LOG)
    assert pruner.make_room(now, 1500, 0, 500) == 0
    assert pruner.make_room(now + HOUR - 1, 1500, 0, 500) == 0
    assert pruner.make_room(now + HOUR, 1000, 0, 500) == 0, "there is enough again"
    assert pruner.make_room(now + HOUR, 1500, 0, 500) == 0
    assert pruner.make_room(now + 2 * HOUR, 1500, 0, 500) == 1, "it does not come"
    assert pruner.make_room(now + 2 * HOUR, 1501, 0, 500) == 1, "it is not enough"
    sealer.close()


def test_a_file_whose_rows_are_there_still_is_not_dropped_for_room(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(most=1), LOG)
    pruner.in_rows = lambda one: one.tier == RAW
    assert pruner.make_room(END + 2 * DAY, 10**12, 0) == 2
    assert [one.tier for one in held(sealer.blocks.folder)] == [RAW]
    sealer.close()


def test_rows_give_back_what_is_sealed_and_what_is_about_to_be(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path / "store", write=True)
    backend.commit(batch([layout(), *(sample(n + 1, at=NOON + n * HOUR) for n in range(3))]), NOON)
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, Pace(quiet=-(2**62)), LOG)
    files = {path: disk_bytes(path / "data.mdb") for path in backend.partitions.between("sample")}
    now, due = NOON + 2 * HOUR + sealer.pace.after, list(files.values())[:2]

    def found(*, seals: bool) -> int:
        return returning(backend.partitions, sealer.settled, sealer.pace.after, now, seals=seals)

    assert (found(seals=True), found(seals=False)) == (sum(due), 0)
    assert sealer.turn(now)
    assert (found(seals=True), found(seals=False)) == (sum(due), due[0])
    assert sealer.turn(now)
    assert found(seals=False) == sum(due)
    backend._past.sealed.unlink(2**62)
    assert found(seals=True) == 0
    sealer.close()
    backend.close()


def test_statistics_are_of_each_kind_and_tier_and_bytes_are_the_stores_own(tmp_path: Path) -> None:
    for name, size in (
        ("sample/raw/20260131T12.1h", 5000),
        ("sample/raw/20260131T10.1h", 100),
        ("check/raw/20260130T00.1d", 9000),
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\x01" * size)
    (tmp_path / "statistics.json").write_text('{"deleted": {"sample/raw": 7, "sample/1h": 100, "facts/raw": 1}}')
    beside = [Held("a", "sample", ARCHIVE, 5, 9, 10**9), Held("b", "sample", ARCHIVE, 3, 4, 1)]

    found = statistics_of(tmp_path, {"sample": 3, "check": 2}, beside)

    sizes = {kind: sum(one.bytes for one in held(tmp_path) if one.kind == kind) for kind in ("sample", "check")}
    assert found["tiers"] == {
        "sample/raw": (2, sizes["sample"], NOON - 2 * HOUR, NOON + HOUR),
        "check/raw": (1, sizes["check"], NOON - 36 * HOUR, NOON - 12 * HOUR),
        "sample/archive": (2, 10**9 + 1, 3, 9),
    }
    assert found["bytes"] == sum(sizes.values())
    assert sizes["check"] == (tmp_path / "check/raw/20260130T00.1d").stat().st_blocks * 512
    assert found["deleted"] == {"sample": 10, "check": 2, "facts": 1}


def test_a_folder_that_somebody_put_beside_the_tiers_is_nobodys_to_drop(backend: LmdbBackend, tmp_path: Path) -> None:
    sealer = sealed(backend, tmp_path / "store", NOON + 2 * DAY)
    blocks = tmp_path / "store" / "blocks"
    shutil.copytree(blocks / "sample" / RAW, blocks / "sample" / "raw.old")
    pruner = Pruner(sealer.blocks, SHORT, Room(), LOG)
    assert pruner.turn(END + 7 * DAY) == 1
    assert pruner.make_room(END + 400 * DAY, 0, 0) == 0
    assert {one.tier for one in held(blocks)} <= {"1m", "5m", "1h"}
    assert len(list((blocks / "sample" / "raw.old").iterdir())) == 1
    found = StoreStatistics(**statistics_of(blocks, {}, ()))
    assert all(line[1] != "raw.old" for line in lines(found, SHORT, tmp_path / "store", END))
    sealer.close()
