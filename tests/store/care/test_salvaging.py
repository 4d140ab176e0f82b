"""Of a partition that LMDB refuses, a snapshot has what can be read, and it names what it lacks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from store.backends.lmdb import LmdbBackend
from store.care.restoring import checked, prepare
from store.care.salvaging import Unreadable, salvaged
from store.care.snapshots import snapshot
from store.keys import COUNT_KEY
from store.rows import Damaged, opened
from tests.store.care.caring import HOSTS, LATE, contents
from tests.store.given import HOUR, NOON, SECOND, batch, layout, numbers, sample

PAGE = 4096
END = NOON + 100 * HOUR
HOUR_OF = "rows/sample/20260131T12"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A closed store with an hour of many pages, some values of which are longer than one."""
    backend = LmdbBackend(tmp_path / "store", write=True)
    backend.commit(batch([layout()]), LATE)
    for minute in range(60):
        few = 1 if minute % 2 else 55
        for host in HOSTS:
            told = [sample(minute * 60 + n, host=host) for n in range(few)]
            backend.commit(batch(told, received=LATE), LATE + minute * SECOND)
    backend.close()
    return tmp_path / "store"


def ruined(folder: Path, page: int) -> None:
    """Write rubbish over a page."""
    data = bytearray((folder / "data.mdb").read_bytes())
    data[page * PAGE : (page + 1) * PAGE] = random.Random(page).randbytes(PAGE)
    (folder / "data.mdb").write_bytes(data)


def is_whole(value: bytes) -> bool:
    try:
        return bool(opened(value))
    except Damaged:
        return False


def test_what_is_whole_is_saved_to_the_last_entry(store: Path, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    saved = salvaged(store / HOUR_OF, tmp_path / "saved")
    assert contents(tmp_path / "saved") == contents(store / HOUR_OF)
    assert saved.lost == 0
    assert saved.records == saved.counted == 3 * (30 + 30 * 55)


def test_each_page_that_is_ruined_costs_what_was_in_it_and_below(store: Path, tmp_path: Path) -> None:
    path = store / HOUR_OF
    sound, whole = (path / "data.mdb").read_bytes(), dict(contents(path))
    del whole[COUNT_KEY]
    costs = []
    for page in range(len(sound) // PAGE):
        (path / "data.mdb").write_bytes(sound)
        ruined(path, page)
        to = tmp_path / f"saved-{page}"
        to.mkdir()
        try:
            saved = salvaged(path, to)
        except Unreadable:
            costs.append(len(whole))
            continue
        found = dict(contents(to))
        del found[COUNT_KEY]
        changed = [key for key, value in found.items() if whole.get(key) != value and page > 1]
        assert not any(is_whole(found[key]) for key in changed), "what is not what it was is not taken for whole"
        assert saved.entries == len(found)
        costs.append(len(whole) - len(found))
        assert costs[-1] == 0 or saved.lost or page < 2
    assert max(costs) < len(whole) // 2, "not even the root costs all: there is that of the tree before"
    assert sorted(costs)[len(costs) // 2] < len(whole) // 10


def test_a_ruined_page_costs_a_snapshot_little_and_is_named_by_restore(store: Path, tmp_path: Path) -> None:
    path = store / HOUR_OF
    sound = (path / "data.mdb").read_bytes()
    before = dict.fromkeys(HOSTS, 60 * 28)
    for page in range(len(sound) // PAGE - 1, 1, -1):
        (path / "data.mdb").write_bytes(sound)
        ruined(path, page)
        manifest, faults = snapshot(store, tmp_path / f"copy-{page}")
        if faults:
            break
    assert [fault.file for fault in faults] == [f"{HOUR_OF}/data.mdb"]
    assert "pages cannot be read;" in faults[0].what
    assert f"{HOUR_OF}/data.mdb" in manifest["files"]
    report = checked(tmp_path / f"copy-{page}")[1]
    assert [fault.file for fault in report.faults] == [f"{HOUR_OF}/data.mdb"]
    assert report.faults[0].what.startswith("was damaged when it was copied: ")
    prepare(tmp_path / f"copy-{page}", store, manifest)
    again = LmdbBackend(store, write=True)
    rows = {host: len(numbers(again.rows("sample", host, 0, END))) for host in HOSTS}
    assert all(0 < rows[host] <= before[host] for host in HOSTS)
    assert 0 < sum(before.values()) - sum(rows.values()) == report.missing["sample"]
    again.close()


def test_of_rubbish_nothing_is_saved(store: Path, tmp_path: Path) -> None:
    (store / HOUR_OF / "data.mdb").write_bytes(b"\x5a" * 65_536)
    with pytest.raises(Unreadable, match="heads"):
        salvaged(store / HOUR_OF, tmp_path)
    (store / HOUR_OF / "data.mdb").write_bytes(b"")
    with pytest.raises(Unreadable, match="empty"):
        salvaged(store / HOUR_OF, tmp_path)


def test_any_damage_ends_in_what_is_whole_or_in_a_sentence(store: Path, tmp_path: Path) -> None:
    path = store / HOUR_OF
    sound, whole, chance = (path / "data.mdb").read_bytes(), dict(contents(path)), random.Random(5)
    for turn in range(60):
        data = bytearray(sound)
        for _ in range(chance.randrange(1, 40)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if turn % 3 == 0:
            del data[chance.randrange(len(data)) :]
        (path / "data.mdb").write_bytes(data)
        to = tmp_path / f"any-{turn}"
        to.mkdir()
        try:
            saved = salvaged(path, to)
        except Unreadable:
            continue
        assert saved.records <= 3 * (30 + 30 * 55)
        assert len(dict(contents(to))) <= 2 * len(whole)
