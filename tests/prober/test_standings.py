"""What is known of services outlives a kill; what is damaged or no longer watched is forgotten."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from zlib import crc32

import lmdb
import msgpack
import pytest

from prober.machine import Patience, State
from prober.memory import Memory, MemoryFault
from prober.probe import Report
from prober.standings import Standings
from tests.faults.injecting import Call, can_inject, ran

LOG = logging.getLogger("test")
TWICE = Patience(grace=2)
NOON = 1_769_860_800_000_000_000


def opened(path: Path, *names: str) -> tuple[Memory, Standings]:
    memory = Memory(path)
    standings = Standings(memory, LOG)
    standings.use(names, NOON)
    return memory, standings


def test_a_memory_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "prober").touch()
    with pytest.raises(MemoryFault, match=r"prober: file exists$"):
        Memory(tmp_path / "prober")


def test_states_counts_and_reports_outlive_a_restart(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "shop", "backup")
    standings.found("shop", "up", TWICE, NOON)
    standings.found("shop", "down", TWICE, NOON + 1)
    standings.heard("backup", Report(NOON, "down", "disk full"), NOON)
    standings.keep()
    memory.close()

    memory, again = opened(tmp_path, "shop", "backup")
    assert (again.of("shop").state, again.of("shop").worse) == (State.UP, 1)
    _, change, _ = again.found("shop", "down", TWICE, NOON + 2)
    assert change is not None
    assert change.after is State.DOWN
    assert again.report("backup", NOON) == Report(NOON, "down", "disk full")
    assert again.since("backup", NOON) == NOON
    memory.close()


def test_a_service_that_is_no_longer_watched_is_forgotten(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "shop", "db")
    standings.found("shop", "up", TWICE, NOON)
    standings.keep()
    standings.use(["db"], NOON)
    standings.use(["shop", "db"], NOON + 5)
    assert (standings.of("shop").state, standings.since("shop", NOON + 9)) == (State.NEW, NOON + 5)
    memory.close()
    memory, again = opened(tmp_path, "shop", "db")
    assert again.of("shop").state is State.NEW
    memory.close()


def test_an_older_report_is_no_news(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "backup")
    assert standings.heard("backup", Report(NOON), NOON)
    assert not standings.heard("backup", Report(NOON), NOON)
    assert not standings.heard("backup", Report(NOON - 1, "down"), NOON)
    assert standings.heard("backup", Report(NOON + 1, "down"), NOON + 1)
    memory.close()


def test_a_report_by_a_clock_that_was_set_back_counts_from_then_on_and_hides_no_later_one(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "backup")
    day = 86_400_000_000_000
    ahead = Report(NOON + day)
    assert standings.heard("backup", ahead, NOON + day)
    assert standings.report("backup", NOON) == Report(NOON)
    assert standings.heard("backup", Report(NOON + 5, "down"), NOON + 5)
    # The store still has the one of the day to come, and tells it as the last.
    assert not standings.heard("backup", ahead, NOON + 10)
    assert standings.report("backup", NOON + 10) == Report(NOON + 5, "down")
    standings.keep()
    memory.close()


def test_a_job_is_awaited_from_when_the_clock_was_set_back(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "backup")
    assert standings.since("backup", NOON - 3_600_000_000_000) == NOON - 3_600_000_000_000
    memory.close()


def test_a_job_is_awaited_from_when_it_was_first_watched_however_much_later(tmp_path: Path) -> None:
    week = 7 * 86_400_000_000_000
    memory, standings = opened(tmp_path, "backup")
    assert standings.since("backup", NOON + week) == NOON
    assert standings.since("backup", NOON - 2_000_000_000) == NOON, "clocks are not that exact"
    memory.close()
    # It was written down at once, though nothing was found yet.
    memory, again = opened(tmp_path, "backup", "shop")
    assert again.since("backup", NOON + week) == NOON
    assert again.since("nobody", NOON) == 0
    memory.close()


@pytest.mark.parametrize("by", [3600 * 10**9, -3600 * 10**9])
def test_a_report_and_a_job_are_as_old_as_before_when_the_clock_was_set(tmp_path: Path, by: int) -> None:
    memory, standings = opened(tmp_path, "backup")
    assert standings.heard("backup", Report(NOON + 5), NOON + 7)
    standings.jumped(by, NOON + 10 + by)
    assert standings.report("backup", NOON + 10 + by) == Report(NOON + 5 + by)
    assert standings.since("backup", NOON + 10 + by) == NOON + by
    memory.close()


def test_what_the_store_tells_again_is_no_news_though_the_clock_was_set_back_since(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "backup")
    failed, hour = Report(NOON, "down", "disk full"), 3600 * 10**9
    assert standings.heard("backup", failed, NOON)
    standings.jumped(-hour, NOON - hour)
    well = Report(NOON - hour + 5)
    assert standings.heard("backup", well, NOON - hour + 5)
    # By its time the first is the newest that the store has, for an hour in the future, and then not any more.
    assert not standings.heard("backup", failed, NOON - hour + 6)
    assert not standings.heard("backup", failed, NOON + 1)
    assert standings.report("backup", NOON + 1) == well
    assert standings.heard("backup", Report(NOON + 2, "down"), NOON + 2)
    memory.close()


def test_services_are_counted_by_what_is_known_of_them(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "shop", "db", "mail")
    standings.found("shop", "up", Patience(flapping=1), NOON)
    standings.found("shop", "down", Patience(flapping=1), NOON + 1)
    standings.found("db", "up", TWICE, NOON)
    assert standings.counts() == {"up": 1, "degraded": 0, "down": 1, "unknown": 1}
    assert standings.flapping() == 1
    memory.close()


def test_what_the_disk_damaged_counts_as_absent(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "shop", "db")
    for name in ("shop", "db"):
        standings.found(name, "up", TWICE, NOON)
    standings.keep()
    memory.close()
    with lmdb.open(str(tmp_path), max_dbs=3) as env, env.begin(write=True) as txn:
        table = env.open_db(b"standings", txn)
        txn.put(b"shop", b"\0\0\0\0" + (txn.get(b"shop", db=table) or b"")[4:], db=table)
        strange = msgpack.packb({"state": "sideways"})
        txn.put(b"db", crc32(strange).to_bytes(4, "big") + strange, db=table)

    memory = Memory(tmp_path)
    assert memory.standings() == {}
    assert memory.damaged == 2
    memory.close()


@pytest.mark.skipif(not can_inject(), reason="calls cannot be made to fail here")
@pytest.mark.parametrize("more", [0, 3])
def test_after_a_write_that_failed_what_is_known_goes_into_a_new_file(tmp_path: Path, more: int) -> None:
    folder = tmp_path / "prober"
    heads, made = [0], [0]

    def decide(call: Call) -> int:
        """The disk does not take the second head of the file; then for a while it takes no new one either."""
        if call.name == "pwrite64" and call.size < 4096:
            heads[0] += 1
            return errno.EIO if heads[0] == 2 else 0
        if call.name == "mkdir" and heads[0] > 1:
            made[0] += 1
            return errno.EIO if made[0] <= more else 0
        return 0

    def act() -> None:
        memory = Memory(folder)
        told: list[float] = [0.0]
        standings = Standings(memory, LOG, clock=lambda: told[0])
        for name in ("shop", "db"):
            standings.found(name, "up", TWICE, NOON)
            standings.keep()
        for hours in range(10):
            told[0] = 3600.0 * hours
            standings.found("db", "up", TWICE, NOON)
            standings.keep()
        assert not memory.broken
        memory.close()

    Memory(folder).close()
    assert ran(act, tmp_path, decide) == 0
    assert heads[0] > 2
    assert made[0] == more + 2, "LMDB makes it too"
    memory = Memory(folder)
    assert {name: one.state for name, one in memory.standings().items()} == {"shop": State.UP, "db": State.UP}
    memory.close()


def test_files_that_do_not_last_are_begun_more_and_more_seldom(tmp_path: Path) -> None:
    class Bad(Memory):
        begun = 0

        def keep(self, *what: object) -> None:
            self.broken = True
            raise MemoryFault("input/output error")

        def renew(self) -> None:
            self.begun += 1
            super().renew()

    memory, now = Bad(tmp_path / "prober"), [0.0]
    standings = Standings(memory, LOG, clock=lambda: now[0])
    for second in range(10_000):
        now[0] = float(second)
        standings.found("shop", "up", TWICE, NOON)
        standings.keep()
    # At 0 (1, since nobody knew before), 61, 181, 421, 901, 1861, 3781 and 7381 s.
    assert memory.begun == 8
    assert len(list(tmp_path.iterdir())) == 3
    memory.close()


def test_a_full_disk_is_told_once_and_made_up_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    memory, standings = opened(tmp_path, "shop")
    keep, failing = memory.keep, [True, True, False, False]

    def full(*what: object) -> None:
        if failing.pop(0):
            raise MemoryFault("no space left")
        keep(*what)  # type: ignore[arg-type]

    memory.keep = full  # type: ignore[method-assign, assignment]
    standings.found("shop", "up", TWICE, NOON)
    for _ in range(3):
        standings.keep()
    standings.found("shop", "up", TWICE, NOON + 1)
    standings.keep()
    assert memory.standings()["shop"].state is State.UP
    told = [one.getMessage() for one in caplog.records]
    assert told == ["states are not kept over a restart: no space left", "states are kept again"]
    memory.close()
