"""A clock that leaps ahead does not have everything dropped at once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bus.loop import Loop
from bus.sockets import Settle
from bus.timing import DAY, HOUR, SECOND
from bus.vitals import Vitals
from store.backends.lmdb import LmdbBackend
from store.config import Store
from store.leaps import PATIENCE, Leaps
from store.writer import Writer
from tests.store.given import NOON, batch, layout, sample
from tests.store.test_writer import Stair


def test_time_that_passes_is_no_leap_and_neither_is_the_first_look() -> None:
    leaps = Leaps({})
    assert not leaps.waits(NOON, 10.0)
    for day in range(2, 9, 2):
        assert not leaps.waits(NOON + day * DAY, 10.0 + day * 86_400.0)
    assert not leaps.waits(NOON + 9 * DAY - SECOND, 10.0 + 8 * 86_400.0), "not a day"


def test_after_a_leap_it_waits_until_the_clock_is_set_right_or_for_hours() -> None:
    leaps = Leaps({"last_cleanup": NOON})
    assert leaps.waits(NOON + 400 * DAY, 0.0)
    assert "400 days ahead" in str(leaps)
    assert leaps.waits(NOON + 400 * DAY + HOUR, 3600.0)
    assert not leaps.waits(NOON + 2 * HOUR, 7200.0), "it was set right"
    assert leaps.waits(NOON + 30 * DAY, 7201.0)
    assert leaps.waits(NOON + 30 * DAY + 6 * HOUR - SECOND, 7200.0 + PATIENCE)
    assert not leaps.waits(NOON + 30 * DAY + 6 * HOUR, 7201.0 + PATIENCE), "it is right"


def test_a_writer_whose_machine_forgot_the_time_drops_nothing_until_it_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def records(clock: int, later: int) -> int:
        backend = LmdbBackend(tmp_path / "store", write=True)
        now = [clock]
        writer = Writer(
            backend,
            Stair(),  # type: ignore[arg-type]
            Settle(()),
            Loop(),
            Vitals(0.0),
            logging.getLogger("test"),
            Store(free_bytes=0),
            tmp_path / "store",
            clock=lambda: now[0],
        )
        writer.retain()
        now[0] = later
        writer.retain()
        found = len(backend.rows("sample", "web-1", 0, 2**62))
        writer.close()
        backend.close()
        return found

    made = LmdbBackend(tmp_path / "store", write=True)
    made.commit(batch([layout(), sample(1)]), NOON)
    made.close()
    assert records(NOON, NOON + HOUR) == 1
    assert records(NOON + 4000 * DAY, NOON + 4000 * DAY + HOUR) == 1
    assert records(NOON + 4000 * DAY, NOON + 2 * HOUR) == 1, "another life with the wrong clock, which is set right"
    assert caplog.text.count("the clock is 4,000 days ahead") == 2
    assert records(NOON + 2 * HOUR, NOON + 3 * HOUR) == 1
