"""Sealed hours are verified and copied like rows; a flipped byte in a file of blocks is named and costs one block."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from store.backends.lmdb import LmdbBackend
from store.blocks.files import Blocks
from store.blocks.missing import miss_no_more
from store.blocks.roll import Roll, read_roll
from store.care.apart import segments
from store.care.restoring import checked, prepare
from store.care.snapshots import snapshot
from store.care.verifying import verified
from store.keys import ROW
from tests.store.care.caring import HOSTS, change, contents, filled
from tests.store.given import DAY, HOUR, NOON, numbers

END = NOON + 100 * HOUR


def sealed(path: Path) -> LmdbBackend:
    """An open store whose hours are all in blocks."""
    backend = filled(path)
    backend.close()
    subprocess.run([sys.executable, "-m", "tests.store.sealing", path, str(NOON + 3 * DAY)], check=True)
    return LmdbBackend(path, write=True)


def test_a_sealed_store_is_sound_and_its_copy_answers_the_same(tmp_path: Path) -> None:
    backend = sealed(tmp_path / "store")
    rows = {host: backend.rows("sample", host, 0, END) for host in HOSTS}

    manifest, faults = snapshot(tmp_path / "store", tmp_path / "copy")
    report = verified(tmp_path / "store")

    assert faults == []
    assert (report.faults, report.missing) == ([], {})
    assert report.sealed["sample"] == 120
    assert any(name.startswith("blocks/sample/raw/") for name in manifest["files"])
    assert checked(tmp_path / "copy")[1].faults == []
    backend.close()
    prepare(tmp_path / "copy", tmp_path / "store", manifest)
    again = LmdbBackend(tmp_path / "store", write=True)
    assert {host: again.rows("sample", host, 0, END) for host in HOSTS} == rows
    again.close()


def test_what_was_damaged_before_it_was_sealed_is_missed_for_as_long_as_it_would_be_kept(tmp_path: Path) -> None:
    store = tmp_path / "store"
    filled(store).close()
    path = store / "rows" / "sample" / "20260131T12"
    key, value = next((key, value) for key, value in contents(path) if len(key) == ROW.size)
    change(path, key, value[:-1] + bytes((value[-1] ^ 1,)))
    assert verified(store).missing == {"sample": 1}
    subprocess.run([sys.executable, "-m", "tests.store.sealing", store, str(NOON + 3 * DAY)], check=True)
    assert verified(store).missing == {"sample": 1}, "it is in rows and in blocks, and is missed once"
    backend = LmdbBackend(store, write=True)
    while backend._past.sealed.unlink(2**62, backend._note_sealed):
        pass

    assert not path.exists()
    assert verified(store).missing == {"sample": 1}
    assert backend.statistics()["missing"] == {"sample": 1}
    assert snapshot(store, tmp_path / "copy")[1] == []
    assert checked(tmp_path / "copy")[1].missing == {"sample": 1}
    backend.close()
    miss_no_more(store / "blocks", lambda kind: 7 * DAY, NOON + 7 * DAY)
    assert verified(store).missing == {"sample": 1}
    miss_no_more(store / "blocks", lambda kind: 7 * DAY, NOON + 8 * DAY)
    assert verified(store).missing == {}


def test_a_list_of_what_is_missing_that_says_nothing_is_named(tmp_path: Path) -> None:
    store = tmp_path / "store"
    filled(store, commits=3).close()
    (store / "blocks").mkdir(exist_ok=True)
    for said, faults in (
        (b"{}", []),
        (b'{"sample/20260131T12/7": 1', ["blocks/missing.json"]),
        (b"\xff{}", ["blocks/missing.json"]),
        (b'{"sample/20260131T12/7": 1, "checksum": 1}', ["blocks/missing.json"]),
    ):
        (store / "blocks" / "missing.json").write_bytes(said)
        assert [fault.file for fault in verified(store).faults] == faults


def test_statistics_that_say_nothing_are_named(tmp_path: Path) -> None:
    store = tmp_path / "store"
    filled(store, commits=3).close()
    (store / "blocks").mkdir(exist_ok=True)
    (store / "blocks" / "statistics.json").write_text('{"deleted": {"sample/raw": 7}, "checksum": 1}')
    assert [fault.file for fault in verified(store).faults] == ["blocks/statistics.json"]


def test_what_is_joined_while_it_is_copied_is_in_the_copys_roll_all_the_same(tmp_path: Path) -> None:
    sealed(tmp_path / "store").close()
    store, looked_at = tmp_path / "store", segments(tmp_path / "store")
    names = [path.relative_to(store / "blocks").as_posix() for path in looked_at]
    assert len(names) > 2
    copied: list[str] = []

    def struck_off(name: str) -> None:
        copied.append(name.removeprefix("blocks/"))
        if copied[-1] == names[-1]:
            # As the sealer does it when hours have become a day: these have been copied by now.
            assert Roll(store / "blocks").strike(names[:-1])
            for path in looked_at[:-1]:
                path.unlink()

    snapshot(store, tmp_path / "copy", progress=struck_off)

    assert set(names) <= set(copied)
    report = checked(tmp_path / "copy")[1]
    assert (report.faults, report.missing) == ([], {})
    assert read_roll(tmp_path / "copy" / "blocks")[0].keys() == set(names)


def test_whoever_dies_while_files_are_removed_leaves_one_that_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(tmp_path / "store").close()
    blocks = Blocks(tmp_path / "store" / "blocks", print)
    blocks.be_kept()
    removed: list[Path] = []
    unlink = Path.unlink

    def dies_at_the_second(path: Path, missing_ok: bool = False) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        blocks.remove(segments(tmp_path / "store"))
    monkeypatch.undo()

    report = verified(tmp_path / "store")
    assert (report.faults, report.missing) == ([], {})
    assert len(segments(tmp_path / "store")) - len(read_roll(tmp_path / "store" / "blocks")[0]) == 1


def test_a_flipped_byte_in_a_block_is_named_and_costs_one_block(tmp_path: Path) -> None:
    backend = sealed(tmp_path / "store")
    backend.close()
    for partition in (tmp_path / "store" / "rows" / "sample").glob("2*"):
        partition.rename(tmp_path / partition.name)
    file = next(path for path in segments(tmp_path / "store") if path.parts[-3:-1] == ("sample", "raw"))
    before = {host: LmdbBackend(tmp_path / "store", write=True) for host in ("web-1",)}
    held = {host: len(before["web-1"].rows("sample", host, 0, END)) for host in HOSTS}
    before["web-1"].close()
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(data)

    report = verified(tmp_path / "store")

    [fault] = report.faults
    assert fault.file == file.relative_to(tmp_path / "store").as_posix()
    assert any(host in fault.what for host in HOSTS)
    again = LmdbBackend(tmp_path / "store", write=True)
    left = {host: len(numbers(again.rows("sample", host, 0, END))) for host in HOSTS}
    again.close()
    assert [host for host in HOSTS if left[host] < held[host]] == [host for host in HOSTS if host in fault.what]


def test_a_file_of_blocks_that_vanished_is_named_and_its_records_are_missing(tmp_path: Path) -> None:
    backend = sealed(tmp_path / "store")
    backend._past.sealed.unlink(2**62, backend._note_sealed)
    backend.close()
    assert verified(tmp_path / "store").faults == []
    for file in segments(tmp_path / "store"):
        if file.parts[-3:-1] in (("sample", "raw"), ("sample", "1h")):
            file.unlink()

    report = verified(tmp_path / "store")

    assert [fault.file for fault in report.faults] == [
        "blocks/sample/1h/20260101T00.1mo",
        "blocks/sample/raw/20260131T00.1d",
    ]
    assert report.missing == {"sample": 120}


def test_a_roll_that_was_cut_short_is_none_that_is_damaged(tmp_path: Path) -> None:
    sealed(tmp_path / "store").close()
    roll = tmp_path / "store" / "blocks" / "roll"
    whole = roll.read_bytes()
    roll.write_bytes(whole + b"0123abcd + sample/raw/2026")
    assert verified(tmp_path / "store").faults == []

    roll.write_bytes(whole.replace(b"sample/raw", b"sample/rAw", 1))
    faults = verified(tmp_path / "store").faults
    assert [fault.file for fault in faults] == ["blocks/roll"]
    assert "cannot be read" in faults[0].what

    # The next sealer calls anew what is there.
    subprocess.run([sys.executable, "-m", "tests.store.sealing", tmp_path / "store", str(NOON + 3 * DAY)], check=True)
    assert verified(tmp_path / "store").faults == []
    assert roll.read_bytes().count(b"sample/raw/20260131T00.1d") == 1
