"""What is known of services outlives a kill; what is damaged or no longer watched is forgotten."""

from __future__ import annotations

import logging
from pathlib import Path
from zlib import crc32

import lmdb
import msgpack

from prober.machine import Patience, State
from prober.memory import Memory, MemoryFault
from prober.probe import Report
from prober.standings import Standings

LOG = logging.getLogger("test")
TWICE = Patience(grace=2)
NOON = 1_769_860_800_000_000_000


def opened(path: Path, *names: str) -> tuple[Memory, Standings]:
    memory = Memory(path)
    standings = Standings(memory, LOG)
    standings.use(names, NOON)
    return memory, standings


def test_states_counts_and_reports_outlive_a_restart(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "shop", "backup")
    standings.found("shop", "up", TWICE, NOON)
    standings.found("shop", "down", TWICE, NOON + 1)
    standings.heard("backup", Report(NOON, "down", "disk full"))
    standings.keep()
    memory.close()

    memory, again = opened(tmp_path, "shop", "backup")
    assert (again.of("shop").state, again.of("shop").worse) == (State.UP, 1)
    _, change, _ = again.found("shop", "down", TWICE, NOON + 2)
    assert change is not None
    assert change.after is State.DOWN
    assert again.report("backup") == Report(NOON, "down", "disk full")
    assert again.since("backup") == NOON
    memory.close()


def test_a_service_that_is_no_longer_watched_is_forgotten(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "shop", "db")
    standings.found("shop", "up", TWICE, NOON)
    standings.keep()
    standings.use(["db"], NOON)
    memory.close()
    memory, again = opened(tmp_path, "shop", "db")
    assert again.of("shop").state is State.NEW
    memory.close()


def test_an_older_report_is_no_news(tmp_path: Path) -> None:
    memory, standings = opened(tmp_path, "backup")
    assert standings.heard("backup", Report(NOON))
    assert not standings.heard("backup", Report(NOON))
    assert not standings.heard("backup", Report(NOON - 1, "down"))
    assert standings.heard("backup", Report(NOON + 1, "down"))
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


def test_a_full_disk_is_told_once_and_made_up_for(tmp_path: Path, caplog: object) -> None:
    memory, standings = opened(tmp_path, "shop")
    keep, failing = memory.keep, [True, True, False]

    def full(*what: object) -> None:
        if failing.pop(0):
            raise MemoryFault("no space left")
        keep(*what)  # type: ignore[arg-type]

    memory.keep = full  # type: ignore[method-assign, assignment]
    standings.found("shop", "up", TWICE, NOON)
    for _ in range(3):
        standings.keep()
    assert memory.standings()["shop"].state is State.UP
    memory.close()
