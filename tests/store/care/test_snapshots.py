"""A snapshot taken under writing is whole, comes back as another generation, and mixes up nobody's rows."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from bus.wire import read
from store.backends import StoreBroken
from store.backends.exchange import restored_of, take_restored
from store.backends.lmdb import LmdbBackend
from store.care import command, restoring
from store.care.apart import MANIFEST
from store.care.claiming import Refused
from store.care.restoring import checked, prepare
from store.care.snapshots import snapshot
from store.care.verifying import verified
from tests.store import sealing
from tests.store.care.caring import HOSTS, LATE, filled, flip, hour
from tests.store.formats import FORMATS
from tests.store.given import HOUR, NOON, SECOND, batch, numbers, sample

END = NOON + 100 * HOUR
PAGE = 4096


def test_a_snapshot_holds_what_was_stored(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store")

    manifest, faults = snapshot(tmp_path / "store", tmp_path / "copy")

    assert faults == []
    assert len(manifest["files"]) == 6
    assert checked(tmp_path / "copy")[1].faults == []
    assert checked(tmp_path / "copy")[1].records == {"sample": 120, "check": 1, "facts": 1}
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "copy").rglob("data.mdb")} == {0}
    assert not list((tmp_path / "copy").rglob("lock.mdb"))
    backend.close()


def test_a_damaged_state_is_said_with_a_way_out_by_who_copies_and_by_who_opens_it(tmp_path: Path) -> None:
    store = tmp_path / "store"
    filled(store).close()
    data = bytearray((store / "state" / "data.mdb").read_bytes())
    for page in range(2 * PAGE, len(data), PAGE):
        data[page + 10] ^= 0x10  # no page is what it says it is
    (store / "state" / "data.mdb").write_bytes(data)

    with pytest.raises(Refused, match=r"the state cannot be copied: .*is damaged: .*store restore DIR.*away"):
        snapshot(store, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))
    with pytest.raises(StoreBroken, match=r"is damaged: .*store restore DIR.*away"):
        LmdbBackend(store, write=True)


def test_a_store_whose_state_was_moved_away_has_what_is_sealed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    backend = filled(store)
    before = numbers(backend.rows("sample", "web-1", 0, END))
    backend.close()
    sealing.main(store, END)
    (store / "state").rename(tmp_path / "away")

    backend = LmdbBackend(store, write=True)
    backend.commit(batch([sample(1)]), END)  # a host is known again when it speaks
    assert before
    assert numbers(backend.rows("sample", "web-1", 0, END)) == [1, *before]
    assert len(list(store.glob("rows.bad-*"))) == 1
    backend.close()


def test_a_snapshot_that_is_put_back_is_a_new_generation_and_knows_whose_rows_are_whose(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store")
    enough, done = threading.Event(), []

    def write() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            host = f"new-{number}"
            backend.commit(batch([sample(number, host=host), sample(9000 + number)]), LATE)
            done.append(host)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        meanwhile = 0
        while meanwhile <= 3:  # on a slow disk a snapshot is over before much is committed
            assert writer.is_alive()
            shutil.rmtree(tmp_path / "copy", ignore_errors=True)
            before_it = len(done)
            manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
            meanwhile += len(done) - before_it
    finally:
        enough.set()
        writer.join()
    generation, streams = backend.generation, backend.streams()
    backend.close()
    assert checked(tmp_path / "copy")[1].faults == []

    prepare(tmp_path / "copy", tmp_path / "store", manifest)
    again = LmdbBackend(tmp_path / "store", write=True)

    assert again.generation > generation
    assert again.streams() == streams
    again.commit(batch(sample(number, host=f"late-{number}") for number in range(1, 30)), LATE)
    for subject in again.subjects("sample"):
        sources = {read(row[2])[0].source for row in again.rows("sample", subject.subject, 0, END)}
        assert sources == {subject.subject}
    assert {180 * n for n in range(1, 41)} <= set(numbers(again.rows("sample", "web-2", 0, END)))
    again.close()
    report = verified(tmp_path / "store")
    assert report.faults == []
    assert report.missing == {}
    [before] = tmp_path.glob("store.before-*")
    assert verified(before).faults == []


def test_rows_that_are_in_the_copy_already_are_not_written_over_when_others_come(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store", commits=3)
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    backend.close()
    prepare(tmp_path / "copy", tmp_path / "store", manifest)
    again = LmdbBackend(tmp_path / "store", write=True)
    for second in range(180, 240, 7):
        again.commit(batch([sample(second, cpu=1.5)]), LATE)
    assert {180, 360, 540} <= set(numbers(again.rows("sample", "web-1", 0, END)))
    again.close()


def test_a_copy_by_hand_of_a_snapshot_is_a_new_generation_too(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store", commits=2)
    snapshot(tmp_path / "store", tmp_path / "copy")
    backend.close()
    again = LmdbBackend(tmp_path / "copy", write=True)
    assert again.generation > backend.generation
    generation = again.generation
    again.close()
    once_more = LmdbBackend(tmp_path / "copy", write=True)
    assert once_more.generation == generation, "it is a copy only once"
    once_more.close()


def test_a_damaged_partition_does_not_keep_the_others_from_being_copied(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    (hour(tmp_path / "store") / "data.mdb").write_bytes(b"\x5a" * 65_536)

    manifest, faults = snapshot(tmp_path / "store", tmp_path / "copy")

    assert [fault.file for fault in faults] == ["rows/sample/20260131T12/data.mdb"]
    assert "rows/sample/20260131T13/data.mdb" in manifest["files"]


def test_what_is_there_is_not_written_over_and_what_is_not_there_is_said(tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=1).close()
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").touch()
    with pytest.raises(Refused, match="is there already"):
        snapshot(tmp_path / "store", tmp_path / "copy")
    with pytest.raises(Refused, match="there is no store"):
        snapshot(tmp_path / "nowhere", tmp_path / "other")
    with pytest.raises(Refused, match="is no snapshot"):
        checked(tmp_path / "copy")
    assert not list(tmp_path.glob("*.partial"))


def test_a_snapshot_lands_neither_in_the_store_nor_upon_what_is_not_its_own(tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=1).close()
    with pytest.raises(Refused, match="is in the store itself"):
        snapshot(tmp_path / "store", tmp_path / "store" / "copy")
    (tmp_path / "copy.partial").mkdir()
    (tmp_path / "copy.partial" / "mine").touch()
    with pytest.raises(Refused, match="is there already and is no snapshot"):
        snapshot(tmp_path / "store", tmp_path / "copy")
    assert (tmp_path / "copy.partial" / "mine").exists()


def test_a_stray_file_among_the_blocks_is_named_as_it_is_called_and_a_restore_refused_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path / "var" / "store", commits=1).close()
    snapshot(tmp_path / "var" / "store", tmp_path / "copy")
    stray = tmp_path / "copy" / "blocks" / "sample" / "raw" / "stray"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x" * 100)
    (tmp_path / "guardia.toml").write_text("")
    assert command.restore([str(tmp_path / "copy"), "--config", str(tmp_path / "guardia.toml")]) == 1
    said = capsys.readouterr()
    assert "DAMAGED  blocks/sample/raw/stray: the index" in said.out
    assert "nothing was restored; --damaged restores it as it is" in said.err


@pytest.mark.parametrize(
    "text", ["5", "[]", '{"files": 5}', '{"files": {"a": 1}}', '{"files": {}, "format": "x"}', '{"a":' * 5000]
)
def test_a_manifest_that_is_none_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(Refused, match=r"snapshot\.json is damaged"):
        checked(tmp_path)


@pytest.mark.parametrize("what", ["flipped", "gone", "more", "other format", "no manifest"])
def test_a_snapshot_that_was_changed_is_not_restored(what: str, tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=5).close()
    copy = tmp_path / "copy"
    snapshot(tmp_path / "store", copy)
    if what == "flipped":
        file = hour(copy) / "data.mdb"
        flip(file, file.read_bytes()[-4096:], 4090)
    elif what == "gone":
        (hour(copy) / "data.mdb").unlink()
    elif what == "more":
        (copy / "rows" / "sample" / "20260131T20").mkdir()
        (copy / "rows" / "sample" / "20260131T20" / "data.mdb").write_bytes((hour(copy) / "data.mdb").read_bytes())
    else:
        text = json.loads((copy / MANIFEST).read_text()) | {"format": 99}
        (copy / MANIFEST).write_text(json.dumps(text) if what == "other format" else "{")
        with pytest.raises(Refused, match="cannot" if what == "other format" else "is damaged"):
            checked(copy)
        return
    report = checked(copy)[1]
    assert any("20260131T" in fault.file for fault in report.faults)


@pytest.mark.parametrize("known", FORMATS)
def test_a_snapshot_of_an_older_format_can_be_taken_and_restored(known: int, tmp_path: Path) -> None:
    FORMATS[known](tmp_path / "store")
    manifest, faults = snapshot(tmp_path / "store", tmp_path / "copy")
    assert faults == []
    assert checked(tmp_path / "copy")[1].faults == []
    prepare(tmp_path / "copy", tmp_path / "store", manifest)
    backend = LmdbBackend(tmp_path / "store", write=True)
    assert numbers(backend.rows("sample", "web-1", 0, END)) == [1, 2]
    backend.close()


def test_a_restore_that_is_said_to_have_failed_left_nothing_and_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "store", commits=1).close()
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")

    def fails_at_last(folder: Path) -> None:
        if folder == tmp_path:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(folder))

    with monkeypatch.context() as patched:
        patched.setattr(restoring, "sync_folder", fails_at_last)
        with pytest.raises(Refused, match="input/output error"):
            prepare(tmp_path / "copy", tmp_path / "store", manifest)

    assert {path.name for path in tmp_path.iterdir()} == {"store", "store.generation", "copy"}
    assert prepare(tmp_path / "copy", tmp_path / "store", manifest) == restored_of(tmp_path / "store")


def test_a_restore_that_is_prepared_and_not_exchanged_is_said_to_wait_for_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "guardia.toml").write_text("[store]\npath = 'store'\n")
    filled(tmp_path / "store", commits=3).close()
    snapshot(tmp_path / "store", tmp_path / "copy")

    def full(store: Path) -> Path | None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(store))

    monkeypatch.setattr(command, "take_restored", full)
    assert command.restore([str(tmp_path / "copy"), "--config", str(tmp_path / "guardia.toml")]) == command.UNKNOWN
    assert "store.restored is whole, and the writer takes it over at its next start" in capsys.readouterr().err

    again = LmdbBackend(tmp_path / "store", write=True)
    assert numbers(again.rows("sample", "web-1", 0, END)) == [180, 360, 540]
    again.close()


def test_a_running_writer_and_a_reader_end_for_the_restored_store(tmp_path: Path) -> None:
    writer = filled(tmp_path / "store", commits=3)
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    prepare(tmp_path / "copy", tmp_path / "store", manifest)

    with pytest.raises(StoreBroken, match=r"store\.restored waits"):
        writer.refresh()
    writer.close()
    reader = LmdbBackend(tmp_path / "store", write=False)
    reader.refresh()
    take_restored(tmp_path / "store")
    with pytest.raises(StoreBroken, match="another store"):
        reader.rows("sample", HOSTS[0], 0, END)
    reader.close()


@pytest.mark.parametrize("step", ["before", "between", "after"])
def test_the_exchange_of_stores_goes_on_wherever_it_ended(step: str, tmp_path: Path) -> None:
    filled(tmp_path / "store", commits=3).close()
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    prepare(tmp_path / "copy", tmp_path / "store", manifest)
    if step == "between":
        (tmp_path / "store").rename(tmp_path / "store.before-1")
    if step == "after":
        take_restored(tmp_path / "store")

    backend = LmdbBackend(tmp_path / "store", write=True)

    assert numbers(backend.rows("sample", "web-1", 0, END)) == [180, 360, 540]
    assert not restored_of(tmp_path / "store").exists()
    backend.close()


def test_the_restored_rows_may_be_told_again(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store", commits=3)
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    backend.close()
    prepare(tmp_path / "copy", tmp_path / "store", manifest)
    again = LmdbBackend(tmp_path / "store", write=True)
    again.commit(batch(sample(n * 180, cpu=float(n)) for n in range(1, 4)), LATE + SECOND)
    assert numbers(again.rows("sample", "web-1", 0, END)) == [180, 360, 540]
    again.close()
