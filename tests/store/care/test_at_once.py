"""Two that care for one store at once: one goes on as if it were alone, the other is refused and touches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.backends.exchange import restored_of, swept
from store.backends.lmdb import LmdbBackend
from store.care import claiming
from store.care.claiming import Refused, made_alone
from store.care.compacting import compact
from store.care.restoring import checked, prepare
from store.care.snapshots import left_beside, snapshot
from store.care.verifying import verified
from store.stuck import Stuck
from tests.store.care.caring import filled
from tests.store.care.test_compacting import END, OVER, scattered
from tests.store.given import numbers


def test_of_two_that_compact_one_is_refused(tmp_path: Path) -> None:
    backend = scattered(tmp_path / "store")

    def hand_over(ready: Path) -> None:
        making = ready.with_name("20260131T23.compacting")
        making.mkdir()
        (making / "data.mdb").touch()
        backend.retain({}, OVER)
        swept(tmp_path / "store" / "rows", Stuck())  # as a writer does that starts
        assert making.is_dir(), "while one is at work, what it makes is nobody's to remove"
        assert verified(tmp_path / "store").left == []
        with pytest.raises(Refused, match=r"another command is at work in .*rows; try again when it is done"):
            compact(tmp_path / "store", OVER, hand_over)
        assert ready.is_dir()
        backend.refresh()

    assert compact(tmp_path / "store", OVER, hand_over).partitions == 1
    assert compact(tmp_path / "store", OVER, lambda ready: None).faults == [], "and the next one is not"
    backend.close()
    assert verified(tmp_path / "store").faults == []


def test_of_two_snapshots_to_one_folder_one_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=3).close()

    def at_once(name: str) -> None:
        with pytest.raises(Refused, match="another command is at work"):
            snapshot(tmp_path / "store", tmp_path / "copy")

    _, faults = snapshot(tmp_path / "store", tmp_path / "copy", progress=at_once)
    assert faults == []
    assert checked(tmp_path / "copy")[1].faults == []
    assert not list(tmp_path.glob("*.partial"))


def test_of_two_that_restore_one_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=3).close()
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")

    def at_once(name: str) -> None:
        with pytest.raises(Refused, match="another command is at work"):
            prepare(tmp_path / "copy", tmp_path / "store", manifest)

    ready = prepare(tmp_path / "copy", tmp_path / "store", manifest, progress=at_once)
    assert verified(ready).faults == []
    assert not list(tmp_path.glob("*.restoring"))


def test_what_one_left_who_was_killed_is_in_nobodys_copy(tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=3).close()
    left = tmp_path / "copy.partial" / "rows" / "sample" / "20200101T00"
    left.mkdir(parents=True)
    (left / "data.mdb").write_bytes(b"half of it")
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    assert checked(tmp_path / "copy")[1].faults == []
    half = tmp_path / "store.restoring" / "rows"
    half.mkdir(parents=True)
    (half / "half").touch()
    ready = prepare(tmp_path / "copy", tmp_path / "store", manifest)
    assert not (ready / "rows" / "half").exists()


def test_what_killed_commands_left_is_named_and_what_is_in_the_store_removed(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store", commits=3)
    half = tmp_path / "store" / "rows" / "sample" / "20260131T12.compacting"
    half.mkdir()
    (half / "data.mdb").touch()
    (tmp_path / "store.restoring" / "rows").mkdir(parents=True)
    found = verified(tmp_path / "store")
    assert not found.damaged
    assert [what.partition(": ")[0] for what in found.left] == [
        "rows/sample/20260131T12.compacting",
        f"{tmp_path}/store.restoring",
    ]
    backend.retain({}, OVER)
    assert not half.exists()
    backend.close()
    half.mkdir()
    LmdbBackend(tmp_path / "store", write=True).close()
    assert not half.exists(), "who starts removes it too"
    assert len(verified(tmp_path / "store").left) == 1


def test_what_a_killed_snapshot_left_is_named_by_the_next_and_never_one_that_is_made(tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=3).close()
    (tmp_path / "monday.partial" / "rows").mkdir(parents=True)
    (tmp_path / "thesis.partial").mkdir()
    (tmp_path / "thesis.partial" / "chapter").touch()

    def meanwhile(name: str) -> None:
        assert left_beside(tmp_path / "copy") == [tmp_path / "monday.partial"]

    snapshot(tmp_path / "store", tmp_path / "tuesday", progress=meanwhile)
    assert left_beside(tmp_path / "copy") == [tmp_path / "monday.partial"]
    assert left_beside(tmp_path / "nowhere" / "copy") == []


def test_the_names_of_new_folders_above_a_copy_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path / "store", commits=3).close()
    settled: list[Path] = []
    monkeypatch.setattr(claiming, "sync_folder", settled.append)
    snapshot(tmp_path / "store", tmp_path / "backup" / "january" / "copy")
    assert sorted(settled) == [tmp_path, tmp_path / "backup"]


def test_a_folder_that_got_another_name_is_not_removed(tmp_path: Path) -> None:
    with made_alone(tmp_path / "made"):
        (tmp_path / "made" / "whole").touch()
        (tmp_path / "made").rename(tmp_path / "done")
        (tmp_path / "made").mkdir()
    assert (tmp_path / "made").is_dir(), "it is somebody else's by now"
    assert [path.name for path in (tmp_path / "done").iterdir()] == ["whole"]


def test_a_store_behind_a_link_is_restored_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "large" / "kept")
    (tmp_path / "large" / "kept").mkdir()
    backend = filled(tmp_path / "store", commits=3)
    held = numbers(backend.rows("sample", "web-1", 0, END))
    backend.close()
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    ready = prepare(tmp_path / "copy", tmp_path / "store", manifest)
    assert ready == restored_of(tmp_path / "store") == tmp_path / "large" / "kept.restored"

    again = LmdbBackend(tmp_path / "store", write=True)
    assert numbers(again.rows("sample", "web-1", 0, END)) == held
    again.close()
    assert (tmp_path / "store").is_symlink()
    assert len(list((tmp_path / "large").glob("kept.before-*"))) == 1


def test_a_store_that_is_a_disk_of_its_own_is_not_waited_for_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "store", commits=3).close()
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path / "store")
    with pytest.raises(Refused, match="is a disk of its own"):
        prepare(tmp_path / "copy", tmp_path / "store", manifest)
    assert not list(tmp_path.glob("store.rest*"))


def test_a_snapshot_to_what_no_folder_can_take_the_place_of_is_refused_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "store", commits=3).close()
    (tmp_path / "disk").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "disk")
    copied: list[str] = []
    with pytest.raises(Refused, match="latest is a link; name the folder itself"):
        snapshot(tmp_path / "store", tmp_path / "latest", progress=copied.append)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path / "disk")
    with pytest.raises(Refused, match="disk is a disk of its own; name a folder on it"):
        snapshot(tmp_path / "store", tmp_path / "disk", progress=copied.append)
    assert copied == []
    snapshot(tmp_path / "store", tmp_path / "latest" / "copy")
    assert checked(tmp_path / "disk" / "copy")[1].faults == []
