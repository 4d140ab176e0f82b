"""An hour is sealed when nobody writes to it any more, whatever the clock said when it was written."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from bus.timing import DAY, HOUR, MINUTE, SECOND
from store.backends.lmdb import LmdbBackend
from store.quiet import Quiet
from store.sealer import Pace, Sealer
from tests.store.given import NOON, batch, layout, sample

FILE = Path("20260131T12")


def test_a_file_is_quiet_so_long_after_its_last_change() -> None:
    quiet = Quiet()
    assert not quiet.lasts(FILE, NOON, MINUTE, NOON + MINUTE - 1)
    assert quiet.lasts(FILE, NOON, MINUTE, NOON + MINUTE)


def test_one_of_a_clock_that_was_ahead_is_quiet_when_it_stays_the_same() -> None:
    quiet, ahead = Quiet(), NOON + 400 * DAY
    assert not quiet.lasts(FILE, ahead, MINUTE, NOON)
    assert not quiet.lasts(FILE, ahead, MINUTE, NOON + MINUTE - 1)
    assert quiet.lasts(FILE, ahead, MINUTE, NOON + MINUTE)
    assert not quiet.lasts(FILE, ahead + 1, MINUTE, NOON + MINUTE), "it was written to"
    assert not quiet.lasts(FILE, ahead + 1, MINUTE, NOON), "the clock was set back once more"
    assert quiet.lasts(FILE, ahead + 1, MINUTE, NOON + MINUTE)
    assert not quiet.lasts(FILE, NOON + 2 * MINUTE, MINUTE, NOON + 2 * MINUTE)
    assert quiet._ahead == {}


def test_hours_that_were_written_while_the_clock_was_ahead_are_sealed_and_their_rows_removed(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path / "store", write=True)
    pace = Pace(quiet=MINUTE, keep={"1m": 400 * DAY})
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, pace, logging.getLogger("sealer"))
    backend.commit(batch([layout(), *(sample(n) for n in range(1, 9))]), NOON)
    (rows,) = (tmp_path / "store" / "rows" / "sample").iterdir()
    now = NOON + 3 * HOUR
    os.utime(rows / "data.mdb", ns=(now + 400 * DAY, now + 400 * DAY))

    assert not sealer.turn(now)
    assert sealer.turn(now + MINUTE)
    (block,) = (tmp_path / "store" / "blocks" / "sample" / "raw").iterdir()
    assert list(sealer.settled) == [rows]
    for ahead, removed in ((SECOND, 0), (400 * DAY, 1)):
        os.utime(block, ns=(now + ahead, now + ahead))
        assert backend._past.sealed.unlink(now, backend._note_sealed) == removed
    while sealer.turn(now + MINUTE):
        pass
    assert sealer.settled == {}, "of what is gone nothing is remembered"
    assert sealer._hours._quiet._ahead == {}
    assert len(backend.rows("sample", "web-1", 0, now)) == 8
    sealer.close()
    backend.close()


def test_a_writer_that_nobody_waits_for_removes_more_of_what_is_sealed_at_once(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path / "store", write=True)
    pace = Pace(quiet=MINUTE, keep={"1m": 400 * DAY})
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, pace, logging.getLogger("sealer"))
    hours = [sample(n, at=NOON + n * HOUR) for n in range(1, 13)]
    backend.commit(batch([layout(), *hours]), NOON)
    now = NOON + 3 * DAY
    for rows in (tmp_path / "store" / "rows" / "sample").iterdir():
        os.utime(rows / "data.mdb", ns=(NOON, NOON))
    assert backend.statistics()["returning"] > 0, "hours that are over are to be sealed, and go then"
    while sealer.turn(now):
        pass

    calls = iter([True, True, False])
    later = now + DAY
    assert backend._past.sealed.unlink(later, backend._note_sealed) == 4
    assert backend._past.sealed.unlink(later, backend._note_sealed, idle=lambda: next(calls)) == 4 + 2
    assert backend._past.sealed.unlink(later, backend._note_sealed, idle=lambda: True) == 2
    assert len(backend.rows("sample", "web-1", 0, now)) == 12
    assert backend.statistics()["returning"] == 0
    sealer.close()
    backend.close()
