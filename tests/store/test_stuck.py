"""What cannot be removed is told once, tried again seldom, counted when it goes, and holds nobody up."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import stuck
from store.backends.lmdb import LmdbBackend
from store.care.apart import closed
from store.care.compacting import compact
from store.care.verifying import verified
from store.pruning import Pruner, Room, held
from store.retention import Retention
from store.sealer import Pace, Sealer
from store.spans import RAW
from store.stuck import RETRY_SECONDS, Stuck
from tests.store.care.caring import HOUR, filled, hour
from tests.store.given import DAY, NOON, batch, check, layout, numbers, sample
from tests.store.test_leaving import counted

LATE = NOON + 5 * HOUR
USUAL = {RAW: 7 * DAY, "1m": 60 * DAY, "5m": 60 * DAY, "1h": 300 * DAY, "records": 100 * DAY}
LOG = logging.getLogger("sealer")


class Held:
    """Names that cannot be removed, or renamed; ``now`` is the clock."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.tries = 0
        self.now = 0.0

    def guarded(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def guard(path: Any, *rest: Any, dir_fd: int | None = None, **more: Any) -> Any:
            whole = os.fspath(path)
            if dir_fd is not None:
                whole = os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), whole)
                more["dir_fd"] = dir_fd
            if any(whole.endswith(name) for name in self.names):
                self.tries += 1
                raise PermissionError(errno.EPERM, "Operation not permitted", whole)
            return act(path, *rest, **more)

        return guard


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Held:
    found = Held()
    for name in ("unlink", "rmdir", "rename"):
        monkeypatch.setattr(os, name, found.guarded(getattr(os, name)))
    init = Stuck.__init__
    monkeypatch.setattr(Stuck, "__init__", lambda self: init(self, lambda: found.now))
    return found


def said(caplog: pytest.LogCaptureFixture, of: Path | str) -> int:
    """How often the log says that it cannot be removed."""
    return sum(f"cannot remove {of}" in record.getMessage() for record in caplog.records)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    filled(tmp_path / "store").close()
    return tmp_path / "store"


def test_a_folder_that_was_dropped_and_cannot_be_removed_stops_no_writer(
    store: Path, ours: Held, caplog: pytest.LogCaptureFixture
) -> None:
    gone = hour(store).with_name(hour(store).name + ".gone")
    ours.names = {".gone/data.mdb", ".gone+/data.mdb"}
    backend = LmdbBackend(store, write=True)

    assert backend.retain({"sample": HOUR}, NOON + 2 * HOUR) == 57
    for _ in range(5):
        backend.refresh()

    assert gone.exists()
    assert not hour(store).exists()
    assert said(caplog, gone) == 1
    assert backend.damage()["unremoved"] == 1.0
    backend.commit(batch([sample(5)]), LATE)
    assert backend.retain({"sample": HOUR}, NOON + 2 * HOUR) == 1, "another of the same name goes all the same"
    assert gone.with_name(gone.name + "+").exists()
    assert counted(backend, "deleted") == {"sample": 58}
    backend.close()

    again = LmdbBackend(store, write=True)
    assert said(caplog, gone) >= 2, "and by the next writer"
    assert verified(store).faults == []
    assert verified(store).missing == {}
    ours.names.clear()
    again.refresh()
    assert gone.exists(), "it is not due"
    ours.now = RETRY_SECONDS
    again.refresh()
    assert list(store.glob("rows/*/*.gone*")) == []
    assert again.damage()["unremoved"] == 0.0
    again.close()


@pytest.mark.parametrize("sealing", [False, True])
def test_a_partition_that_cannot_be_renamed_stays_is_counted_when_it_goes_and_holds_up_no_other(
    store: Path, ours: Held, caplog: pytest.LogCaptureFixture, sealing: bool
) -> None:
    backend = LmdbBackend(store, write=True)
    first, second = hour(store), hour(store, 1)
    ours.names = {first.name}
    what, held_of = ("sealed", 57) if sealing else ("deleted", 57)
    if sealing:
        seal(store, backend, NOON + 3 * HOUR)

    def go() -> None:
        if sealing:
            backend._past.sealed.unlink(2**62, backend._note_sealed, backend._leaving.stays)
        else:
            backend.retain({"sample": HOUR}, NOON + 4 * HOUR)

    for _ in range(3):
        go()
    others = dict(counted(backend, what))
    assert first.exists()
    assert not second.exists(), "the next one goes"
    assert said(caplog, first) == 1
    assert verified(store).missing == {}
    assert len(numbers(backend.rows("sample", "web-1", 0, NOON + HOUR - 1))) == 19

    ours.names.clear()
    ours.now = RETRY_SECONDS
    go()
    assert not first.exists()
    assert counted(backend, what)["sample"] == others["sample"] + held_of
    backend.close()


def test_who_died_over_one_that_cannot_be_removed_is_followed_by_one_that_starts_and_counts_it_once(
    store: Path, ours: Held
) -> None:
    backend = LmdbBackend(store, write=True)
    backend._leaving.note("deleted", "sample", hour(store))
    backend.close()
    ours.names = {hour(store).name}

    again = LmdbBackend(store, write=True)

    assert counted(again, "deleted") == {"sample": 0}
    ours.names.clear()
    ours.now = RETRY_SECONDS
    assert again.retain({"sample": HOUR}, NOON + 2 * HOUR) == 57
    assert counted(again, "deleted") == {"sample": 57}
    again.close()


def test_what_cannot_be_removed_is_nobodys_way_to_a_snapshot_and_no_damage(store: Path, ours: Held) -> None:
    gone = hour(store).with_name(hour(store).name + ".gone")
    (gone / "within").mkdir(parents=True)
    assert closed(store) == []
    left = hour(store).with_name(hour(store).name + ".compacting")
    left.mkdir()
    ours.names = {left.name}
    done = compact(store, LATE, lambda ready: None)
    assert [fault.what for fault in done.faults] == ["cannot be removed, and its partition is left as it is"]


def seal(store: Path, backend: LmdbBackend, now: int) -> Sealer:
    """The store's sealer, after all that is due."""
    pace = Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
    sealer = Sealer(store, backend.partitions, backend.layouts, pace, LOG)
    turned(sealer, now)
    return sealer


def turned(sealer: Sealer, now: int) -> None:
    """Let it do all that is due, which has an end."""
    for _ in range(50):
        if not sealer.turn(now):
            return
    raise AssertionError("there is no end of it")


def test_hours_that_cannot_be_removed_after_their_day_was_joined_hold_up_nothing(
    tmp_path: Path, ours: Held, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "store"
    backend = LmdbBackend(store, write=True)
    for hours in (0, 1, 24):
        backend.commit(batch([layout(), *(sample(hours * 3600 + n) for n in range(1, 50))]), NOON)
    sealer = seal(store, backend, NOON + 3 * HOUR)
    kept = store / "blocks" / "sample" / "raw" / "20260131T12.1h"
    ours.names = {kept.name}

    turned(sealer, NOON + 40 * DAY)
    turned(sealer, NOON + 40 * DAY)

    assert kept.exists()
    assert said(caplog, kept) == 1
    assert sealer.done.days == 2
    assert sealer.done.months == 2
    assert len(numbers(backend.rows("sample", "web-1", 0, NOON + HOUR - 1))) == 49
    while backend._past.sealed.unlink(2**62, backend._note_sealed):
        pass
    sealer.close()
    assert verified(store).faults == [], "it is on the roll as long as it is there"
    again = seal(store, backend, NOON + 40 * DAY)
    assert said(caplog, kept) == 2

    pruner = Pruner(again.blocks, Retention(USUAL), Room(), LOG)
    for _ in range(3):
        pruner.turn(NOON + 40 * DAY)
        turned(again, NOON + 40 * DAY)
    assert [one.name for one in held(store / "blocks") if one.tier == RAW] == [kept.name]
    ours.names.clear()
    ours.now = RETRY_SECONDS
    pruner.turn(NOON + 40 * DAY)
    assert not kept.exists()
    assert verified(store).faults == []
    again.close()
    backend.close()


def test_rollups_that_cannot_be_removed_are_not_joined_again_and_again(
    tmp_path: Path, ours: Held, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "store"
    backend = LmdbBackend(store, write=True)
    backend.commit(batch([layout(), *(sample(n) for n in range(1, 50))]), NOON)
    kept = store / "blocks" / "sample" / "1h" / "20260131T00.1d"
    ours.names = {"1h/" + kept.name}

    sealer = seal(store, backend, NOON + 40 * DAY)

    assert kept.exists()
    assert sealer.done.months == 1
    assert said(caplog, kept) == 1
    ours.names.clear()
    ours.now = RETRY_SECONDS
    Pruner(sealer.blocks, Retention(USUAL), Room(), LOG).turn(NOON + DAY)
    assert not kept.exists()
    sealer.close()
    backend.close()


def test_a_file_past_its_time_that_cannot_be_removed_keeps_no_other_and_is_counted_when_it_goes(
    tmp_path: Path, ours: Held, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "store"
    backend = LmdbBackend(store, write=True)
    backend.commit(batch([layout(), check(1), *(sample(n) for n in range(1, 50))]), NOON)
    backend.commit(batch([check(1440), *(sample(86400 + n) for n in range(1, 50))]), NOON)
    sealer = seal(store, backend, NOON + 3 * DAY)
    backend._past.sealed.unlink(2**62, backend._note_sealed)
    kept = store / "blocks" / "check" / "raw" / "20260131T00.1d"
    ours.names = {kept.name}
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(most=1), LOG)

    for _ in range(3):
        pruner.turn(NOON + 200 * DAY)

    assert [one.name for one in held(store / "blocks") if one.kind == "check"] == [kept.name]
    assert said(caplog, kept) == 1
    assert pruner.deleted["check/raw"] == 1
    assert pruner.make_room(NOON + 200 * DAY, 10**9, 0) > 0
    assert pruner.make_room(NOON + 200 * DAY, 10**9, 0) == 0, "nothing else is there"
    ours.names.clear()
    ours.now = RETRY_SECONDS
    pruner.turn(NOON + 200 * DAY)
    assert not kept.exists()
    assert pruner.deleted["check/raw"] == 2
    sealer.close()
    backend.close()


def test_another_file_under_the_name_of_one_that_could_not_be_removed_is_not(tmp_path: Path, ours: Held) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    ours.names = {file.name}
    known = stuck.Stuck()
    assert not known.remove(file)
    ours.names.clear()
    other = tmp_path / "other"
    other.write_text("another")
    other.rename(file)
    ours.now = RETRY_SECONDS
    assert known.due() == []
    assert len(known) == 0


def test_what_is_about_to_go_or_to_come_is_not_counted(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    try:
        backend.commit(batch([layout(), sample(1)]), NOON)
        [path] = backend.partitions.between("sample")
        there = backend.statistics()["partitions"]
        for beside in (".gone", ".compacting", ".compacted-7", ".bad-1"):
            shutil.copytree(path, path.with_name(path.name + beside))
        assert backend.statistics()["partitions"] == there
    finally:
        backend.close()
