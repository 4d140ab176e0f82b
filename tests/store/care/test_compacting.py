"""Compacting makes files smaller and changes nothing of what they hold; rows that come meanwhile are never lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from store.backends.exchange import COMPACTED, prepared
from store.backends.lmdb import LmdbBackend
from store.care.compacting import compact
from store.care.verifying import verified
from tests.store.care.caring import HOUR, LATE, hour
from tests.store.given import DAY, NOON, batch, numbers, sample

READER = """
import select, sys
from pathlib import Path
from store.backends.lmdb import LmdbBackend
backend = LmdbBackend(Path(sys.argv[1]), write=False)
while not select.select([sys.stdin], [], [], 0)[0]:
    print(len(backend.rows("sample", "host-7", 0, 2**62)), flush=True)
    backend.refresh()
"""
END = NOON + 100 * HOUR
OVER = NOON + 2 * DAY


def scattered(path: Path) -> LmdbBackend:
    """An open store whose first hour is many small commits of many hosts: half-empty pages and free ones."""
    backend = LmdbBackend(path, write=True)
    for number in range(1, 60):
        backend.commit(batch(sample(number * 7 % 3600, host=f"host-{number * k % 97}") for k in range(1, 30)), LATE)
    return backend


def by_itself(backend: LmdbBackend) -> Callable[[Path], None]:
    """Hands over to a writer of this process."""
    return lambda ready: backend.refresh()


def test_a_partition_that_is_over_becomes_smaller_and_holds_the_same(tmp_path: Path) -> None:
    backend = scattered(tmp_path / "store")
    before = backend.rows("sample", "host-7", 0, END)
    sizes = (hour(tmp_path / "store") / "data.mdb").stat().st_blocks

    done = compact(tmp_path / "store", OVER, by_itself(backend))

    assert (done.partitions, done.faults) == (1, [])
    assert done.after < done.before
    assert (hour(tmp_path / "store") / "data.mdb").stat().st_blocks < sizes
    assert backend.rows("sample", "host-7", 0, END) == before
    backend.commit(batch([sample(77, host="host-7")]), LATE)
    assert 77 in numbers(backend.rows("sample", "host-7", 0, END))
    backend.close()
    assert verified(tmp_path / "store").faults == []
    assert not prepared(tmp_path / "store" / "rows")


def test_an_hour_that_is_not_over_is_left_alone(tmp_path: Path) -> None:
    backend = scattered(tmp_path / "store")
    done = compact(tmp_path / "store", NOON + HOUR // 2, by_itself(backend))
    assert (done.partitions, done.left) == (0, 0)
    backend.close()


def test_what_was_prepared_before_rows_came_is_not_taken_over(tmp_path: Path) -> None:
    backend = scattered(tmp_path / "store")

    def late(ready: Path) -> None:
        backend.commit(batch([sample(3599, host="late")]), LATE)
        backend.refresh()

    inode = (hour(tmp_path / "store") / "data.mdb").stat().st_ino
    done = compact(tmp_path / "store", OVER, late)
    assert (done.partitions, done.left) == (0, 1)

    assert (hour(tmp_path / "store") / "data.mdb").stat().st_ino == inode
    assert numbers(backend.rows("sample", "late", 0, END)) == [3599]
    backend.close()
    assert not list((tmp_path / "store").rglob(f"*{COMPACTED}*"))


def test_a_reader_sees_every_row_before_while_and_after(tmp_path: Path) -> None:
    backend = scattered(tmp_path / "store")
    wanted = len(backend.rows("sample", "host-7", 0, END))
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, tmp_path / "store"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    assert reader.stdout.readline().strip() == str(wanted)
    for _ in range(3):
        compact(tmp_path / "store", OVER, by_itself(backend))
    answers = set(reader.communicate("enough\n", timeout=60)[0].split())
    assert answers == {str(wanted)}
    backend.close()


def test_what_was_left_by_one_that_died_is_removed(tmp_path: Path) -> None:
    backend = scattered(tmp_path / "store")
    folder = hour(tmp_path / "store")
    folder.with_name(folder.name + ".compacting").mkdir()
    stale = folder.with_name(f"{folder.name}{COMPACTED}1")
    stale.mkdir()
    held = backend.rows("sample", "host-7", 0, END)

    backend.refresh()

    assert not stale.exists()
    compact(tmp_path / "store", OVER, by_itself(backend))
    assert not list(folder.parent.glob("*.compact*"))
    assert backend.rows("sample", "host-7", 0, END) == held
    backend.close()
