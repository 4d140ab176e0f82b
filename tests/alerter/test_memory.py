"""What the alerter keeps: in order, as a whole or not at all, and what a disk damaged counts as absent."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import lmdb
import pytest

from alerter.memory import Memory, MemoryBroken
from bus.program import TryAgain

KEYS = ("gw/1", "web-1/1", "web-1/2", "web-1/3", "web-10/1", "web-2/1")


@pytest.fixture
def full(memory: Memory) -> Memory:
    """Rows of four hosts."""
    with memory.transaction() as txn:
        for number, key in enumerate(KEYS):
            txn.put("decisions", key, {"number": number})
            txn.put("alarms", key, {"of": "another table"})
    return memory


def test_what_is_kept_is_there_until_it_is_forgotten(memory: Memory) -> None:
    with memory.transaction() as txn:
        txn.put("state", "judged", 7)
        assert txn.get("state", "judged") == 7
    with memory.transaction() as txn:
        assert txn.get("state", "judged") == 7
        assert txn.get("alarms", "judged") is None
        assert txn.delete("state", "judged")
        assert not txn.delete("state", "judged")
    with memory.reading() as txn:
        assert txn.get("state", "judged") is None


def test_a_transaction_holds_as_a_whole_or_not_at_all(memory: Memory) -> None:
    with suppress(ZeroDivisionError), memory.transaction() as txn:
        txn.put("state", "judged", 1 // 1)
        txn.put("state", "judged", 1 // 0)
    with memory.reading() as txn:
        assert txn.get("state", "judged") is None


@pytest.mark.parametrize(
    ("prefix", "after", "found"),
    [
        ("", "", KEYS),
        ("web-1/", "", KEYS[1:4]),
        ("web-1", "", KEYS[1:5]),
        ("web-1/", "web-1/1", KEYS[2:4]),
        ("web-1/", "web-1/15", KEYS[2:4]),
        ("web-1/", "web-1/3", ()),
        ("web-3/", "", ()),
        ("", "web-10/1", KEYS[5:]),
    ],
)
def test_rows_are_given_in_order_from_a_place_on(full: Memory, prefix: str, after: str, found: tuple[str, ...]) -> None:
    with full.reading() as txn:
        assert tuple(key for key, _ in txn.items("decisions", prefix, after)) == found


@pytest.mark.parametrize(
    ("prefix", "after", "found"),
    [
        ("", "", KEYS),
        ("web-1/", "", KEYS[1:4]),
        ("web-2/", "", KEYS[5:]),
        ("web-1/", "web-1/3", KEYS[1:3]),
        ("web-1/", "web-1/25", KEYS[1:3]),
        ("web-1/", "web-1/1", ()),
        ("web-2/", "web-2/9", KEYS[5:]),
        ("web-3/", "", ()),
    ],
)
def test_rows_are_given_backwards_from_before_a_place(
    full: Memory, prefix: str, after: str, found: tuple[str, ...]
) -> None:
    with full.reading() as txn:
        rows = list(txn.items("decisions", prefix, after, backwards=True))
    assert tuple(key for key, _ in rows) == found[::-1]
    assert all(value == {"number": KEYS.index(key)} for key, value in rows)


def test_keys_are_told_from_the_last_on_and_counted(full: Memory) -> None:
    with full.reading() as txn:
        assert tuple(txn.keys("decisions")) == KEYS[::-1]
        assert tuple(txn.keys("outbox")) == ()
        assert (txn.count("decisions"), txn.count("outbox")) == (len(KEYS), 0)


def test_what_the_disk_damaged_counts_as_absent_and_is_named(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "alerter")
    with memory.transaction() as txn:
        for key in ("a", "b", "c"):
            txn.put("told", key, {"at": 1})
    memory.close()
    with lmdb.open(str(tmp_path / "alerter"), max_dbs=20) as env, env.begin(write=True) as txn:
        table = env.open_db(b"told", txn)
        whole = bytes(txn.get(b"a", db=table) or b"")
        txn.put(b"a", whole[:-1] + bytes([whole[-1] ^ 1]), db=table)
        txn.put(b"b", whole[:4], db=table)

    memory = Memory(tmp_path / "alerter")
    with memory.reading() as seen:
        assert [key for key, _ in seen.items("told")] == ["c"]
        assert [seen.get("told", key) for key in ("a", "b", "c")] == [None, None, {"at": 1}]
        assert tuple(seen.keys("told")) == ("c", "b", "a")
    assert memory.damaged == {"told a", "told b"}
    memory.close()


def test_files_that_cannot_be_used_are_tried_again_by_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "alerter"
    folder.mkdir()
    (folder / "data.mdb").write_bytes(b"rubbish" * 2000)
    with pytest.raises(MemoryBroken, match="alerter") as caught:
        Memory(folder)
    assert isinstance(caught.value, TryAgain)
