"""LMDB's own trials: killed while committing, read by another process, damaged, full."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from bus.wire import measured_at
from store.backends import StoreBroken, StoreFull
from store.backends.environments import environment
from store.backends.lmdb import LmdbBackend
from store.rows import Row
from tests.store.given import DAY, HOUR, NOON, SECOND, batch, layout, numbers, sample

LATE = NOON + HOUR
WRITER = """
import sys
from pathlib import Path
from store.backends.lmdb import LmdbBackend
from tests.store.given import NOON, batch, layout, sample
backend = LmdbBackend(Path(sys.argv[1]), write=True)
backend.commit(batch([layout()]), NOON)
number = int(sys.argv[2])
while True:
    backend.commit(batch([sample(number), sample(number, host=f"db-{number % 7}")]), NOON)
    print(number, flush=True)
    number += 1
"""

READER = """
import sys
from pathlib import Path
from store.backends.lmdb import LmdbBackend
backend = LmdbBackend(Path(sys.argv[1]), write=False)
for _ in sys.stdin:
    print(len(backend.rows("sample", "web-1", 0, 2**62)), flush=True)
    backend.refresh()
"""


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmdbBackend]:
    made = LmdbBackend(tmp_path, write=True)
    yield made
    made.close()


def killed_after(path: Path, first: int, lines: int) -> int:
    """Let a process commit one sample after the other and kill it; returns the last number it acknowledged."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, path, str(first)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(lines):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.stdout.close()
    process.wait()
    return int(rest[-1]) if rest else first + lines - 1


def looked_into(backend: LmdbBackend) -> list[Row]:
    """The host's rows, once the writer has looked into what somebody died at."""
    end = time.monotonic() + 20
    while True:
        try:
            return backend.rows("sample", "web-1", 0, LATE)
        except StoreBroken:
            assert time.monotonic() < end
            backend.refresh()
            time.sleep(0.02)


def test_what_was_acknowledged_survives_kill_9_again_and_again(tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    first = 1
    for lines in (3, 20, 1, 7):
        last = killed_after(tmp_path, first, lines)
        acknowledged |= set(range(first, last + 1))
        first = last + 1

        backend = LmdbBackend(tmp_path, write=True)
        found = numbers(looked_into(backend))
        assert backend.damaged == []
        backend.close()
        assert acknowledged <= set(found)
        assert len(found) == len(set(found))


def test_killed_between_rows_and_state_it_holds_each_message_once_when_that_is_sent_again(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", WRITER, tmp_path, "1"],
        env={**os.environ, "GUARDIA_FAULTS": "store.before_commit=kill@5"},
        capture_output=True,
        text=True,
        check=False,
    )
    acknowledged = [int(line) for line in process.stdout.split()]
    assert process.returncode == -signal.SIGKILL
    assert acknowledged == [1, 2, 3]

    backend = LmdbBackend(tmp_path, write=True)
    try:
        assert backend.statistics()["records"] == {"sample": 6}, "what was not acknowledged is not counted"
        assert [one for one in backend.latest("sample", None) if measured_at(one.record) > NOON + 3 * SECOND] == []
        backend.commit(batch(sample(n) for n in (3, 4, 5)), LATE)
        assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1, 2, 3, 4, 5]
        assert backend.damaged == []
    finally:
        backend.close()


def test_a_reader_in_another_process_sees_each_commit(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([layout(), sample(1)]), LATE)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdin is not None
    assert reader.stdout is not None

    def seen() -> int:
        print(file=reader.stdin, flush=True)
        return int(reader.stdout.readline())  # type: ignore[union-attr]

    try:
        for number in range(2, 6):
            backend.commit(batch([sample(number, at=NOON + number * HOUR)]), LATE)
            assert seen() == number
        assert backend.retain({"sample": HOUR}, NOON + 5 * HOUR) > 0
        assert 0 < seen() < 5
    finally:
        reader.stdin.close()
        reader.wait(10)
        reader.stdout.close()


def test_a_reader_does_not_make_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken):
        LmdbBackend(tmp_path / "nowhere", write=False)
    assert not (tmp_path / "nowhere").exists()


def test_a_reader_that_came_while_the_store_was_made_may_come_again(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    environment(tmp_path / "state", write=True, databases=8).close()  # its tables are not made yet
    failures = []
    for _ in range(2):
        try:
            LmdbBackend(tmp_path, write=False)
        except StoreBroken as failure:
            failures.append(failure)  # kept, with all that stands in its frames
    assert len(failures) == 2
    assert "already open" not in str(failures)
    LmdbBackend(tmp_path, write=True).close()
    LmdbBackend(tmp_path, write=False).close()


def test_a_damaged_partition_is_put_aside_and_the_others_are_read(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([sample(1), sample(2, at=NOON + 2 * HOUR)]), LATE)
    backend.close()
    damaged = next((tmp_path / "rows" / "sample").glob("20260131T12"))
    (damaged / "data.mdb").write_bytes(b"\x5a" * 65_536)

    again = LmdbBackend(tmp_path, write=True)
    try:
        assert [row[0] for row in again.rows("sample", "web-1", 0, NOON + 3 * HOUR)] == [NOON + 2 * HOUR]
        assert "20260131T12" in again.damaged[0]
        again.commit(batch([sample(5)]), LATE)
        assert numbers(again.rows("sample", "web-1", 0, LATE)) == [5]
        assert list((tmp_path / "rows" / "sample").glob("20260131T12.bad-*"))
    finally:
        again.close()


def test_a_reader_follows_a_partition_that_was_put_aside_and_made_anew(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([sample(1)]), LATE)
    partition = tmp_path / "rows" / "sample" / "20260131T12"
    script = READER.replace("print(len(", "print(*(row[0] for row in ").replace("2**62)), flush", "2**62)), flush")
    reader = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdin is not None
    assert reader.stdout is not None

    def seen() -> list[int]:
        print(file=reader.stdin, flush=True)
        return [(int(at) - NOON) // SECOND for at in reader.stdout.readline().split()]  # type: ignore[union-attr]

    try:
        assert seen() == [1]
        partition.rename(partition.with_name("20260131T12.bad-1"))
        backend.refresh()
        backend.commit(batch([sample(2)]), LATE)
        assert seen() == [2], "the old one is open still"
    finally:
        reader.stdin.close()
        reader.wait(10)
        reader.stdout.close()


def test_a_partition_that_is_just_being_made_is_no_damage(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([sample(1)]), LATE)
    backend.close()
    making = tmp_path / "rows" / "sample" / "20260131T13"
    making.mkdir()
    reader = LmdbBackend(tmp_path, write=False)
    try:
        assert numbers(reader.rows("sample", "web-1", 0, LATE + DAY)) == [1]
        (making / "data.mdb").touch()
        assert numbers(reader.rows("sample", "web-1", 0, LATE + DAY)) == [1]
        assert reader.damaged == []
    finally:
        reader.close()


def test_a_damage_is_told_in_the_log_once_however_often_it_is_met(
    backend: LmdbBackend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend.commit(batch([sample(1)]), LATE)
    backend.close()
    (tmp_path / "rows" / "sample" / "20260131T12" / "data.mdb").write_bytes(b"\x5a" * 65_536)
    reader = LmdbBackend(tmp_path, write=False)
    try:
        assert reader.rows("sample", "web-1", 0, LATE) == []
        os.utime(tmp_path / "rows" / "sample" / "20260131T12.doubt", (0, 0))
        for _ in range(100):
            assert reader.rows("sample", "web-1", 0, LATE) == []
        assert len(reader.damaged) == 1
        assert len(caplog.records) == 1
        assert "20260131T12" in caplog.text
    finally:
        reader.close()


def test_a_flipped_bit_in_a_stored_record_loses_that_group_and_says_so(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([sample(1)]), LATE)
    backend.commit(batch([sample(120)]), LATE)
    backend.close()
    file = tmp_path / "rows" / "sample" / "20260131T12" / "data.mdb"
    data = bytearray(file.read_bytes())
    place = data.rindex(b"web-1\x92")  # within a record: the name and the start of the body
    data[place + 12] ^= 1
    file.write_bytes(data)

    again = LmdbBackend(tmp_path, write=False)
    try:
        assert len(again.rows("sample", "web-1", 0, LATE)) == 1
        assert "checksum" in again.damaged[0]
    finally:
        again.close()


def test_a_full_disk_refuses_the_commit_and_the_same_batch_goes_in_when_there_is_room(tmp_path: Path) -> None:
    # A limit on the size of files stands for the disk's end: the kernel fails the same write.
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([layout(), sample(1)]), LATE)
    size = max(path.stat().st_size for path in tmp_path.rglob("data.mdb"))
    large = batch(sample(number, host=f"host-{number}") for number in range(2, 3000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, hard))
        with pytest.raises(StoreFull):
            backend.commit(large, LATE)
        assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    backend.commit(large, LATE)

    assert numbers(backend.rows("sample", "host-2999", 0, NOON + 2 * HOUR)) == [2999]
    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1]
    assert backend.statistics()["records"]["sample"] == 2999
    backend.close()


def test_a_batch_that_went_in_halfway_is_counted_once_when_it_is_tried_again(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([layout(), sample(1)]), LATE)
    size = max(path.stat().st_size for path in tmp_path.rglob("data.mdb"))
    first = [sample(number) for number in range(2, 12)]
    then = [sample(3600 + number, host=f"host-{number}") for number in range(3000)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 400_000, hard))
        with pytest.raises(StoreFull):
            backend.commit(batch([*first, *then], received=LATE), LATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    backend.commit(batch([*first, sample(12), *then], received=LATE), LATE)

    assert backend.retain({"sample": DAY}, LATE + 3 * DAY) == 1 + 11 + 3000
    backend.close()


FULL_DISK = """
import sys
from pathlib import Path
from store.backends import StoreBroken, StoreFull
from store.rows import Row
from store.backends.lmdb import LmdbBackend
from tests.store.given import NOON, HOUR, batch, layout, numbers, sample

folder = Path(sys.argv[1])
ballast = folder / "ballast"
ballast.write_bytes(bytes(2_000_000))
backend = LmdbBackend(folder / "store", write=True)
backend.commit(batch([layout()]), NOON)
held = 0
try:
    while held < 100_000:
        backend.commit(batch(sample(held + n) for n in range(1, 201)), NOON)
        held += 200
except StoreFull as error:
    print("full:", error)
assert 0 < held < 100_000, held
print("read:", len(backend.rows("sample", "web-1", 0, NOON + 100 * HOUR)) >= held)
backend.close()
backend = LmdbBackend(folder / "store", write=True)
print("opened again:", len(backend.rows("sample", "web-1", 0, NOON + 100 * HOUR)) >= held)
try:
    LmdbBackend(folder / "another", write=True)
except StoreBroken as error:
    print("no room for another:", error)
ballast.unlink()
backend.commit(batch(sample(held + n) for n in range(1, 201)), NOON)
rows = numbers(backend.rows("sample", "web-1", 0, NOON + 100 * HOUR))
print("healed:", rows == list(range(1, held + 201)), backend.damaged)
backend.close()
"""


def test_a_disk_that_is_really_full_stops_nothing_but_storing(tmp_path: Path) -> None:
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    script = 'mount -t tmpfs -o size=6m none "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        [*own, "sh", "-c", script, "sh", tmp_path, sys.executable, FULL_DISK],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert told["full"]
    assert told["no room for another"]
    assert (told["read"], told["opened again"], told["healed"]) == (" True", " True", " True []")


def test_files_are_the_owners_alone(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([sample(1, at=NOON + SECOND)]), LATE)
    assert {os.stat(path).st_mode & 0o077 for path in tmp_path.rglob("data.mdb")} == {0}


def test_a_clock_that_was_set_back_keeps_neither_the_newest_nor_the_witness_waiting(backend: LmdbBackend) -> None:
    backend.commit(batch([layout(), sample(1)]), NOON + 1000 * DAY)
    for number in (2, 3):
        backend.commit(batch([sample(number)]), NOON + number * SECOND)

    assert backend._witness._read() == (backend.generation, 3)
    assert measured_at(backend.latest("sample", None)[0].record) == NOON + 3 * SECOND


def test_a_reader_looks_again_at_what_took_a_partitions_place_while_it_was_opened(
    backend: LmdbBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.commit(batch([layout(), sample(1)]), LATE)
    backend.close()
    path = tmp_path / "rows" / "sample" / "20260131T12"
    shutil.copytree(path, tmp_path / "other")
    with environment(tmp_path / "other", write=True) as other, other.begin(write=True) as txn:
        txn.drop(other.open_db(None, txn), delete=False)

    def exchanged(folder: Path, *, write: bool) -> lmdb.Environment:
        opened = environment(folder, write=write)
        if (tmp_path / "other").exists():
            shutil.rmtree(path)
            (tmp_path / "other").rename(path)
        return opened

    reader = LmdbBackend(tmp_path, write=False)
    monkeypatch.setattr("store.backends.partitions.environment", exchanged)
    reader.rows("sample", "web-1", 0, LATE)
    reader.refresh()
    assert reader.rows("sample", "web-1", 0, LATE) == []
    reader.close()
