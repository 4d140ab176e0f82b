"""Verify is silent about a sound store, also while it is written to, and names whatever is damaged."""

from __future__ import annotations

import errno
import itertools
import os
import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from store.backends import StoreBroken
from store.backends.doubt import ROOT, is_doubted
from store.backends.environments import environment
from store.backends.formats import databases
from store.backends.lmdb import LmdbBackend
from store.care.apart import Apart
from store.care.verifying import Report, verified
from store.keys import COUNT, COUNT_KEY, row_key
from tests.faults.injecting import Call, can_inject, ran
from tests.store.care.caring import HOSTS, HOUR, LATE, change, contents, filled, flip, hour
from tests.store.given import NOON, SECOND, batch, numbers, sample


def told(report: Report) -> list[tuple[str, str]]:
    return [(fault.file, fault.what) for fault in report.faults]


def test_a_sound_store_has_no_faults_and_is_counted(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()

    report = verified(tmp_path / "store")

    assert told(report) == []
    assert report.missing == {}
    assert report.records == {"sample": 120, "check": 1, "facts": 1}
    assert report.partitions == 5


def test_a_file_is_not_called_damaged_because_somebody_killed_who_was_to_read_it(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    apart = Apart(tmp_path / "store")
    before = apart.ask("inspect", hour(tmp_path / "store"))
    assert apart._child is not None
    apart._child.kill()
    apart._child.wait()

    with pytest.raises(StoreBroken, match="cannot be read now"):
        apart.ask("inspect", hour(tmp_path / "store"))
    assert apart.ask("inspect", hour(tmp_path / "store")) == before
    apart.close()


@pytest.mark.skipif(not can_inject(), reason="this system asks nobody about calls")
@pytest.mark.parametrize("whose", ["its", "the state's"])
@pytest.mark.parametrize("fails", [("fallocate", 0), ("create", 1)], ids=["ours", "LMDB's own"])
def test_a_file_is_not_called_damaged_because_a_file_of_locks_cannot_be_written(
    tmp_path: Path, whose: str, fails: tuple[str, int]
) -> None:
    """Who looks at rows looks up in the state whose they are."""
    name, before = fails
    seen = itertools.count()
    filled(tmp_path / "store").close()
    folder = hour(tmp_path / "store") if whose == "its" else tmp_path / "store" / "state"
    said, locks = tmp_path / "said", str(folder / "lock.mdb")

    def look() -> None:
        with pytest.raises(StoreBroken) as raised:
            Apart(tmp_path / "store").ask("inspect", hour(tmp_path / "store"))
        said.write_text(str(raised.value))

    def failing(call: Call) -> int:
        return errno.EIO if (call.name, call.path) == (name, locks) and next(seen) >= before else 0

    assert ran(look, tmp_path, failing) == 0
    assert "lock.mdb" in said.read_text()


def test_a_folder_that_the_disk_does_not_list_now_is_no_fault_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "store").close()
    scandir = os.scandir

    def failing(path: str) -> object:
        if str(path).endswith("rows/sample"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing)
        with pytest.raises(StoreBroken, match="rows/sample cannot be read now: input/output error"):
            verified(tmp_path / "store")
    assert told(verified(tmp_path / "store")) == []


def test_a_store_whose_writer_was_killed_in_its_first_moment_is_sound(tmp_path: Path) -> None:
    (tmp_path / "store" / "state").mkdir(parents=True)
    state = environment(tmp_path / "store" / "state", write=True, databases=8)
    assert told(verified(tmp_path / "store")) == []

    databases(state, write=True)

    assert state.info()["last_txnid"] == 1, "they are all there, or none"
    state.close()
    assert told(verified(tmp_path / "store")) == []


def test_a_state_that_was_emptied_is_told(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    shutil.rmtree(tmp_path / "store" / "state")
    (tmp_path / "store" / "state").mkdir()
    environment(tmp_path / "store" / "state", write=True, databases=8).close()

    assert ("state/data.mdb", "not all of its databases are there") in told(verified(tmp_path / "store"))


def test_a_store_that_is_written_to_meanwhile_is_sound(tmp_path: Path) -> None:
    backend = filled(tmp_path / "store")
    enough, committed = threading.Event(), [0]

    def write() -> None:
        number = 8000
        while not enough.is_set():
            number += 1
            hosts = (f"new-{number % 50}", "web-1")
            backend.commit(batch(sample(number, host=host) for host in hosts), LATE)
            committed[0] += 1
            if number % 40 == 0:
                backend.retain({"check": 0}, LATE + 100 * HOUR)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        met = 0
        while met < 2:
            assert writer.is_alive()
            before = committed[0]
            report = verified(tmp_path / "store")
            met += committed[0] > before
            assert told(report) == []
            assert report.missing == {}
    finally:
        enough.set()
        writer.join()
        backend.close()


def test_a_flipped_byte_in_a_record_is_named_and_costs_one_group(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    value = next(value for _, value in contents(hour(tmp_path / "store")) if b"db-1" in value)
    flip(hour(tmp_path / "store") / "data.mdb", value, value.index(b"db-1") + 20)

    report = verified(tmp_path / "store")

    [(file, what)] = told(report)
    assert file == "rows/sample/20260131T12/data.mdb"
    assert "(db-1), 2026-01-31 12:" in what
    assert "the checksum does not hold" in what
    assert report.missing == {"sample": 1}


@pytest.mark.parametrize("seed", range(12))
def test_any_flipped_byte_of_a_value_is_found(seed: int, tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    held = [value for key, value in contents(hour(tmp_path / "store")) if key != COUNT_KEY]
    value = random.Random(seed).choice(held)
    flip(hour(tmp_path / "store") / "data.mdb", value, random.Random(seed).randrange(len(value)))

    assert verified(tmp_path / "store").damaged


def test_a_file_whose_pages_are_gone_is_named_and_doubted(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    file = hour(tmp_path / "store") / "data.mdb"
    with file.open("r+b") as opened:
        opened.truncate(3 * 4096)

    report = verified(tmp_path / "store")

    assert {name for name, _ in told(report)} == {"rows/sample/20260131T12/data.mdb"}
    assert is_doubted(hour(tmp_path / "store"))
    assert report.missing["sample"] > 0
    assert report.records["sample"] > 0, "the others were read"


def test_keys_and_counts_that_cannot_be_are_named(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    folder = hour(tmp_path / "store")
    key, value = contents(folder)[0]
    change(folder, b"short", b"value")
    change(folder, row_key(77, NOON // (60 * SECOND), 5), value)
    change(folder, key[:4] + (0).to_bytes(4, "big") + key[8:], value)

    whats = [what for _, what in told(verified(tmp_path / "store"))]

    assert any("a row's key has 16" in what for what in whats)
    assert any("series 77" in what and "no such series of sample" in what for what in whats)
    assert any("not in this partition's time" in what for what in whats)


def test_a_count_that_is_not_what_is_there_is_named(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    change(hour(tmp_path / "store"), COUNT_KEY, COUNT.pack(9, 9))
    [(_, what)] = told(verified(tmp_path / "store"))
    assert "counts 9 records" in what


def test_a_group_that_is_gone_is_found_by_its_count(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    change(hour(tmp_path / "store"), contents(hour(tmp_path / "store"))[3][0], None)
    report = verified(tmp_path / "store")
    assert "records, " in told(report)[0][1]
    assert report.missing == {"sample": 1}


def test_a_partition_that_is_gone_is_told_as_records_missing(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    hour(tmp_path / "store", 1).rename(tmp_path / "elsewhere")
    report = verified(tmp_path / "store")
    assert told(report) == []
    assert report.missing == {"sample": len(HOSTS) * 20}


@pytest.mark.parametrize("database", ["series", "layouts", "heard", "latest", "streams", "meta"])
def test_a_flipped_byte_in_the_state_is_named(database: str, tmp_path: Path) -> None:
    import lmdb

    filled(tmp_path / "store").close()
    with lmdb.open(str(tmp_path / "store" / "state"), map_size=2**40, max_dbs=8) as state:
        db = state.open_db(database.encode())
        with state.begin(write=True) as txn:
            key, value = next(iter((bytes(k), bytearray(v)) for k, v in txn.cursor(db) if k != b"checksum"))
            value[-1] ^= 2
            txn.put(key, bytes(value), db=db)

    report = verified(tmp_path / "store")

    assert report.faults[0].file == "state/data.mdb"
    assert report.faults[0].what.startswith(f"{database}, key {key.hex() if database != 'meta' else 'state'}")


@pytest.mark.parametrize("database", ["series", "layouts", "latest", "streams"])
def test_a_flipped_bit_in_a_key_of_the_state_is_named(database: str, tmp_path: Path) -> None:
    import lmdb

    filled(tmp_path / "store").close()
    with lmdb.open(str(tmp_path / "store" / "state"), map_size=2**40, max_dbs=8) as state:
        db = state.open_db(database.encode())
        with state.begin(write=True) as txn:
            key, value = next((bytes(k), bytes(v)) for k, v in txn.cursor(db))
            flipped = bytes((*key[:-1], key[-1] ^ 0x40))
            txn.delete(key, db=db)
            txn.put(flipped, value, db=db)

    whats = [fault.what for fault in verified(tmp_path / "store").faults]

    assert any(what.startswith(f"{database}, key {flipped.hex()}") for what in whats)


def test_a_damaged_page_of_the_state_is_named_whichever_database_it_is_of(tmp_path: Path) -> None:
    """A writer reads all of them when it starts."""
    import lmdb

    filled(tmp_path / "store").close()
    file = tmp_path / "store" / "state" / "data.mdb"
    with lmdb.open(str(file.parent), map_size=2**40, max_dbs=8) as state, state.begin() as txn:
        values = [bytes(value) for _, value in txn.cursor(state.open_db(b"heard", txn=txn))]
    sound = file.read_bytes()
    pages = {place // 4096 * 4096 for place in range(len(sound)) if sound.startswith(values[0], place)}
    for page in pages:
        with file.open("r+b") as opened:
            opened.seek(page)
            opened.write(bytes(4096))

    assert {name for name, _ in told(verified(tmp_path / "store"))} == {"state/data.mdb"}


def test_a_damaged_state_does_not_hide_the_rows(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    (tmp_path / "store" / "state" / "data.mdb").write_bytes(b"\x5a" * 65_536)
    report = verified(tmp_path / "store")
    assert [fault.file for fault in report.faults] == ["state/data.mdb"]
    assert report.records["sample"] == 120


def test_what_was_put_aside_is_listed(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    hour(tmp_path / "store").rename(hour(tmp_path / "store").with_name("20260131T12.bad-1"))
    backend = LmdbBackend(tmp_path / "store", write=True)
    backend.commit(batch([sample(1)]), LATE)
    assert numbers(backend.rows("sample", "web-1", NOON, NOON + 2 * SECOND)) == [1]
    backend.close()
    assert verified(tmp_path / "store").put_aside == ["rows/sample/20260131T12.bad-1"]


def test_a_folder_under_a_name_that_is_none_of_the_stores_is_named(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    (tmp_path / "store" / "rows" / "sample").rename(tmp_path / "store" / "rows" / "sample.away")
    report = verified(tmp_path / "store")
    assert {fault.what for fault in report.faults} == {"nothing of the store has this name: was it renamed by hand?"}
    assert report.missing == {"sample": 120}


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")
def test_what_this_user_may_not_read_is_named_and_no_snapshot_passes_it_over(tmp_path: Path) -> None:
    filled(tmp_path / "store").close()
    place = hour(tmp_path / "store")
    limited = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []

    def said(*words: str) -> tuple[int, str]:
        (tmp_path / "guardia.toml").write_text('[store]\npath = "store"\n')
        done = subprocess.run(
            [*limited, sys.executable, "-m", "bus.command", "store", *words],
            cwd=ROOT,
            env={**os.environ, "GUARDIA_CONFIG": str(tmp_path / "guardia.toml"), "GUARDIA_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    place.chmod(0)
    try:
        code, text = said("verify")
        assert (code, text.splitlines()[0]) == (
            1,
            "DAMAGED  rows/sample/20260131T12: cannot be read: permission denied",
        )
        assert said("snapshot", str(tmp_path / "copy")) == (
            2,
            f"guardia store: {place} cannot be read: permission denied\n",
        )
    finally:
        place.chmod(0o700)
    (tmp_path / "store").chmod(0)
    try:
        code, text = said("verify")
        assert (code, text) == (2, f"guardia store: {tmp_path}/store/state/data.mdb: permission denied\n")
    finally:
        (tmp_path / "store").chmod(0o700)
