"""What a wrong clock dated far ahead takes no more room than all else, and makes some first when it is short."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

from bus.loop import Loop
from bus.sockets import Settle
from bus.vitals import Vitals
from bus.wire import pack, stamped
from store.backends.lmdb import LmdbBackend
from store.backends.values import disk_bytes
from store.config import Store
from store.keys import FAR, partition
from store.returning import ahead, returning
from store.writer import Writer
from tests.store.given import DAY, HOUR, NOON, batch, layout, sample
from tests.store.test_writer import Stair

WEEK = 7 * DAY
YEARS = NOON + 5 * 365 * DAY


def told(path: Path, *moments: int) -> LmdbBackend:
    """A store to which these were told at noon, of two hosts."""
    backend = LmdbBackend(path, write=True)
    rows = [sample(n, host=host, at=at) for n, at in enumerate(moments, 1) for host in ("web-1", "web-2")]
    backend.commit(batch([layout(), *rows]), NOON)
    for at in moments:
        os.utime(path / "rows" / "sample" / partition("sample", at) / "data.mdb", ns=(NOON, NOON))
    return backend


def held(backend: LmdbBackend) -> list[str]:
    return [path.name for path in backend.partitions.between("sample")]


def test_it_is_kept_for_as_long_as_all_else_from_when_it_was_told(tmp_path: Path) -> None:
    backend = told(tmp_path / "store", NOON, YEARS)
    assert backend.retain({"sample": WEEK}, NOON + WEEK - 1) == 0
    assert backend.retain({"sample": WEEK}, NOON + WEEK) == 2
    assert held(backend) == [partition("sample", NOON)]
    assert backend.statistics()["deleted"] == {"sample": 2}
    assert backend.retain({"sample": WEEK}, NOON + WEEK + HOUR) == 2
    backend.close()


def test_a_clock_beyond_all_reason_makes_one_hour_that_goes_when_room_is_short(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path / "store", write=True)
    for day in range(3):
        backend.commit(batch([layout(), sample(day, at=FAR + day * DAY)]), NOON + day * DAY)
    assert held(backend) == [partition("sample", FAR)]
    assert backend.retain({"sample": WEEK}, time.time_ns()) == 0
    assert backend.retain({"sample": WEEK}, time.time_ns(), short=True) == 3
    backend.close()


@pytest.mark.parametrize("short", [False, True])
def test_what_is_less_than_a_day_ahead_waits_for_its_time(short: bool, tmp_path: Path) -> None:
    backend = told(tmp_path / "store", NOON + DAY)
    assert backend.retain({"sample": HOUR}, NOON + DAY + HOUR - 1, short=short) == 0
    assert backend.retain({"sample": HOUR}, NOON + DAY + 2 * HOUR, short=short) == 2
    backend.close()


def test_nothing_goes_for_a_clock_of_the_hubs_own_that_was_set_back(tmp_path: Path) -> None:
    backend = told(tmp_path / "store", NOON, YEARS)
    assert backend.retain({"sample": WEEK}, NOON - 400 * DAY, short=True) == 0
    assert len(held(backend)) == 2
    backend.close()


def test_it_goes_before_all_else_when_room_is_short_and_the_sealer_knows(tmp_path: Path) -> None:
    backend = told(tmp_path / "store", NOON, YEARS)
    size = disk_bytes(tmp_path / "store" / "rows" / "sample" / partition("sample", YEARS) / "data.mdb")
    assert ahead(backend.partitions, NOON) == size > 0
    assert returning(backend.partitions, (), 0, NOON, seals=True) == 0, "it is none of a past that is sealed soon"
    assert backend.retain({"sample": WEEK}, NOON, short=True) == 2
    assert held(backend) == [partition("sample", NOON)]
    assert ahead(backend.partitions, NOON) == 0
    backend.close()


@pytest.mark.parametrize(
    ("config", "free", "left"),
    [
        (Store(), 10**12, 2),
        (Store(max_bytes=10**12), 10**12, 2),
        (Store(max_bytes=1), 10**12, 1),
        (Store(), 10**9, 1),
    ],
    ids=["no ceiling", "below it", "above it", "a full disk"],
)
def test_the_writer_knows_when_room_is_short(config: Store, free: int, left: int, tmp_path: Path) -> None:
    backend = told(tmp_path / "store", NOON, YEARS)
    writer = Writer(
        backend,
        Stair(),  # type: ignore[arg-type]
        Settle(()),
        Loop(),
        Vitals(0.0),
        logging.getLogger("test"),
        config,
        tmp_path / "store",
        clock=lambda: NOON + HOUR,
        free=lambda path: free,
    )
    writer.retain()
    assert len(held(backend)) == left
    backend.close()


def test_a_writer_without_room_drops_what_it_may_at_once(tmp_path: Path) -> None:
    backend = told(tmp_path / "store", NOON, YEARS)
    now = 0.0
    loop = Loop(lambda: now)
    stair = Stair()
    writer = Writer(
        backend,
        stair,  # type: ignore[arg-type]
        Settle(()),
        loop,
        Vitals(0.0),
        logging.getLogger("test"),
        Store(commit_seconds=0.0),
        tmp_path / "store",
        clock=lambda: NOON + HOUR,
        free=lambda path: 10**6,
    )
    stair.frames.append(stamped("sample", 1, 1, NOON, [pack(sample(3))]))
    writer.drain()
    assert writer.full
    loop.pass_once(0.0)
    assert held(backend) == [partition("sample", NOON)]
    backend.close()
