"""While the disk takes nothing a copy in memory stands in for what the alerter keeps, and is brought back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerter.memory import Memory, MemoryFull
from tests.alerter.given import World, at, committer, rule
from tests.namespaces import WHY_NOT, can_unshare, unshared

SMALL = 1 << 20
"""Bytes of a disk that has room for a few rows."""
LARGE = {"text": "x" * SMALL}
"""More than it has room for."""


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """With two rows, on a disk that has just taken nothing."""
    memory = Memory(tmp_path / "alerter", map_bytes=SMALL)
    with memory.transaction() as txn:
        txn.put("told", "a", {"at": 1})
        txn.put("told", "b", {"at": 2})
    with pytest.raises(MemoryFull), memory.transaction() as txn:
        txn.put("told", "c", LARGE)
    yield memory
    memory.close()


def told(memory: Memory) -> dict[str, object]:
    with memory.reading() as view:
        return dict(view.items("told"))


def test_what_the_disk_does_not_take_is_kept_in_memory_and_brought_back(memory: Memory, tmp_path: Path) -> None:
    assert memory.away.startswith(f"{tmp_path}/alerter: ")
    assert told(memory) == {"a": {"at": 1}, "b": {"at": 2}}, "nothing of what failed holds"
    with memory.transaction() as txn:
        txn.put("told", "c", {"at": 3})
        assert txn.delete("told", "a")
    memory.come_back()
    assert not memory.away
    memory.close()

    again = Memory(tmp_path / "alerter")
    assert told(again) == {"b": {"at": 2}, "c": {"at": 3}}
    again.close()


def test_a_disk_that_still_takes_nothing_is_left_as_it_is(memory: Memory, tmp_path: Path) -> None:
    with memory.transaction() as txn:
        txn.put("told", "b", {"at": 4})
        txn.put("told", "c", LARGE)
    memory.come_back()
    assert memory.away
    assert told(memory) == {"a": {"at": 1}, "b": {"at": 4}, "c": LARGE}
    disk = Memory(tmp_path / "alerter")
    assert told(disk) == {"a": {"at": 1}, "b": {"at": 2}}
    disk.close()

    with memory.transaction() as txn:
        txn.delete("told", "c")
    memory.come_back()
    assert not memory.away
    assert told(memory) == {"a": {"at": 1}, "b": {"at": 4}}


def test_what_fails_within_the_copy_is_not_brought_back(memory: Memory) -> None:
    def fails() -> None:
        with memory.transaction() as txn:
            txn.put("told", "a", {"at": 9})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    memory.come_back()
    assert told(memory)["a"] == {"at": 1}


def test_another_disk_in_its_place_gets_all_of_it(memory: Memory, tmp_path: Path) -> None:
    folder = tmp_path / "alerter"
    with memory.transaction() as txn:
        txn.put("told", "c", {"at": 3})
    for file in folder.iterdir():
        file.unlink()
    other = Memory(folder)
    with other.transaction() as txn:
        txn.put("told", "z", {"at": 0})
    other.close()
    memory.come_back()
    assert not memory.away
    assert told(memory) == {"a": {"at": 1}, "b": {"at": 2}, "c": {"at": 3}}


def test_where_no_copy_can_be_made_what_is_decided_waits(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "alerter", map_bytes=SMALL)
    (tmp_path / "alerter" / "data.mdb").unlink()
    for _ in range(2):
        with pytest.raises(MemoryFull), memory.transaction() as txn:
            txn.put("told", "c", LARGE)
    assert not memory.away
    memory.close()


def test_people_are_told_while_the_disk_takes_nothing(memory: Memory, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = World(rule("cpu.percent > 90"))
    room, speaker, _ = committer(world, memory)
    world.says(0, cpu=95)
    room.settle(at(0))
    assert speaker.spoken == [("web-1", "firing")]
    assert room.full
    memory.come_back()
    world.says(10, cpu=10)
    room.settle(at(10))
    assert speaker.spoken[-1] == ("web-1", "resolved")
    assert not room.full
    said = [one.getMessage() for one in caplog.records]
    assert said[0].startswith("what is decided is told, kept in memory alone, and told again if this program ends: ")
    assert said[-1] == "what is decided can be kept again"


REALLY = """
import os, subprocess, sys
from pathlib import Path
from alerter.memory import Memory, MemoryFull
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", disk], check=True)
def keep(memory, key, text):
    with memory.transaction() as txn:
        txn.put("told", key, {"text": text})
memory = Memory(disk / "alerter")
keep(memory, "a", "before")
with open(disk / "ballast", "wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError:
        pass
for tries in (0, 1):
    try:
        keep(memory, "b", 9000 * "while")
    except MemoryFull:
        print(tries, "failed")
memory.come_back()
print(bool(memory.away))
os.unlink(disk / "ballast")
memory.come_back()
print(bool(memory.away))
keep(memory, "c", "after")
memory.close()
again = Memory(disk / "alerter")
with again.reading() as view:
    print([(key, len(row["text"])) for key, row in view.items("told")])
"""
"""A memory on a disk that is filled, and emptied."""


@pytest.mark.skipif(not can_unshare("mount"), reason=WHY_NOT)
def test_a_disk_that_is_really_full_is_left_and_come_back_to(tmp_path: Path) -> None:
    done = subprocess.run(
        [*unshared("mount"), sys.executable, "-c", REALLY, tmp_path],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "0 failed",
        "True",
        "False",
        "[('a', 6), ('b', 45000), ('c', 5)]",
    ]
