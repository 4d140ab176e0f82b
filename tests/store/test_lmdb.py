"""LMDB's own trials: killed while committing, read by another process, damaged, full."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.backends import StoreBroken, StoreFull
from store.backends.lmdb import LmdbBackend
from tests.store.given import HOUR, NOON, SECOND, batch, layout, numbers, sample

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


def test_what_was_acknowledged_survives_kill_9_again_and_again(tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    first = 1
    for lines in (3, 20, 1, 7):
        last = killed_after(tmp_path, first, lines)
        acknowledged |= set(range(first, last + 1))
        first = last + 1

        backend = LmdbBackend(tmp_path, write=True)
        found = numbers(backend.rows("sample", "web-1", 0, LATE))
        assert backend.damaged == []
        backend.close()
        assert acknowledged <= set(found)
        assert len(found) == len(set(found))


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


def test_files_are_the_owners_alone(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([sample(1, at=NOON + SECOND)]), LATE)
    assert {os.stat(path).st_mode & 0o077 for path in tmp_path.rglob("data.mdb")} == {0}
