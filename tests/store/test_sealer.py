"""Sealed rows answer as before: bit for bit, each once, whatever came late, twice, or was cut short by a death."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus.fields import Unfit
from bus.questions import Series, SeriesAnswer
from bus.wire import HEADER, RESEND_AT, Record
from store.answers import answer
from store.backends import Backend
from store.backends.lmdb import LmdbBackend
from store.backends.memory import MemoryBackend
from store.care.verifying import verified
from store.keys import FAR
from store.rows import Row
from store.sealer import Pace, Sealer
from tests.store.given import DAY, HOUR, MINUTE, NOON, SECOND, batch, check, layout, sample

START = NOON - 12 * HOUR
LATER = NOON + 20 * DAY
NOW = Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
"""Everything is quiet: a file's own time is that of the real clock, which is another."""
HOSTS = ("web-1", "db-1")
HOURS = (0, 1, 7, 8, 23, 24, 25, 40)
TWO_DAYS = [
    sample(hour * 12 + n + 1, host=host, at=START + hour * HOUR + n * 5 * MINUTE + place, cpu=(hour + n) % 97 / 10)
    for hour in HOURS
    for n in range(12)
    for place, host in enumerate(HOSTS)
]
"""A reading each 5 minutes of some hours of two days."""


class Store:
    """An LMDB store with its sealer, and the same records in memory to compare with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.backend = LmdbBackend(path, write=True)
        self.reference = MemoryBackend()
        self.sealer = Sealer(path, self.backend._partitions, self.backend.layouts, NOW, logging.getLogger("sealer"))

    def told(self, records: list[Record], received: int = NOON) -> None:
        for backend in (self.backend, self.reference):
            backend.commit(batch([layout(), *records], received), received)

    def sealed(self, now: int = LATER) -> int:
        turns = 0
        while self.sealer.turn(now):
            turns += 1
            assert turns < 1000
        return turns

    def unlink(self) -> int:
        """Let the writer remove what is sealed, as it does some minutes later."""
        removed = 0
        while found := self.backend._past.sealed.unlink(2**62, self.backend._note_sealed):
            removed += found
        return removed

    def close(self) -> None:
        self.sealer.close()
        self.backend.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store")
    yield made
    made.close()


def messages(rows: list[Row]) -> list[tuple[int, int, bytes, bytes]]:
    """Rows without what says how they were sent."""
    return [(at, received, row[:RESEND_AT], row[HEADER.size :]) for at, received, row in rows]


def agree(store: Store) -> None:
    """Raises when the store answers anything else than plain memory does."""
    for host in HOSTS:
        expected = messages(store.reference.rows("sample", host, 0, FAR))
        assert messages(store.backend.rows("sample", host, 0, FAR)) == expected
        for limit in (1, 7, 300):
            assert messages(store.backend.newest_rows("sample", host, 0, FAR, limit)) == expected[-limit:]
        for start, end, step in RANGES:
            question = Series(host, ("*",), start, end, step=step)
            assert told(store.backend, question) == told(store.reference, question), (start, end, step)
    assert messages(store.backend.rows("check", "shop", 0, FAR)) == messages(
        store.reference.rows("check", "shop", 0, FAR)
    )


def told(backend: Backend, question: Series) -> Any:
    """An answer without how it came about; it is the steps with readings that are compared."""
    found: SeriesAnswer = answer(backend, question)
    return [
        (
            one.metric,
            [row for row in zip(found.times, one.count, one.min, one.max, one.mean, one.last, strict=True) if row[1]],
        )
        for one in found.columns
        if any(one.count)
    ]


RANGES = [
    (START, START + 3 * DAY, HOUR),
    (START + 90 * MINUTE + 7, START + 2 * DAY - 11 * SECOND, 5 * MINUTE),
    (START + 7 * HOUR, START + 9 * HOUR, MINUTE),
    (START + 23 * HOUR, START + 26 * HOUR, 10 * SECOND),
    (START - DAY, START + 5 * DAY, DAY),
]


def test_what_is_sealed_answers_as_before_at_every_step_of_the_way(store: Store) -> None:
    store.told([*TWO_DAYS, *(check(n, "down" if n % 7 == 0 else "up") for n in range(1, 300))])
    agree(store)
    turns = 0
    while store.sealer.turn(LATER):
        turns += 1
        if turns > 6:
            agree(store)
    assert store.unlink() == len(HOURS) + 1
    agree(store)
    assert not list(store.path.glob("rows/*/*/data.mdb"))
    assert len(list((store.path / "blocks/sample/raw").iterdir())) == 2
    assert not verified(store.path).missing
    answered: SeriesAnswer = answer(store.backend, Series("web-1", ("cpu.*",), START, START + 2 * DAY - 1, step=HOUR))
    assert answered.tier == "1h"
    assert answered.coverage == pytest.approx(len(HOURS) / 48, abs=0.01)


def test_an_hour_that_is_not_over_is_left_alone(store: Store) -> None:
    store.told([sample(n) for n in range(1, 100)])
    assert store.sealed(NOON + HOUR + NOW.after - 1) == 0
    assert store.sealed(NOON + HOUR + NOW.after) == 1
    assert store.sealed(NOON + HOUR + NOW.after) == 0


def test_rows_that_come_late_or_twice_are_taken_up(store: Store) -> None:
    store.told(TWO_DAYS[::2])
    assert store.sealed(START + 30 * HOUR) > 6
    store.unlink()
    agree(store)
    # Half of them were told before; some fall into a day that is joined, others into hours that are not.
    store.told(TWO_DAYS[::3], NOON + HOUR)
    agree(store)
    store.sealed(START + 30 * HOUR)
    agree(store)
    store.sealed()
    agree(store)
    assert store.unlink() > 5
    agree(store)
    store.told([sample(n, at=START + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    agree(store)
    store.sealed()
    store.unlink()
    agree(store)
    assert not list(store.path.glob("rows/sample/*/data.mdb"))


def test_rows_that_come_between_sealing_and_removal_keep_their_partition(store: Store) -> None:
    store.told([sample(n) for n in range(1, 100)])
    store.sealed(NOON + 3 * HOUR)
    store.told([sample(200)], NOON + 1)
    assert store.unlink() == 0
    agree(store)
    store.sealed(NOON + 3 * HOUR)
    assert store.unlink() == 1
    agree(store)


def test_rows_are_not_removed_before_others_had_time_to_find_the_blocks(store: Store) -> None:
    store.told([sample(n) for n in range(1, 100)])
    store.sealed(NOON + 3 * HOUR)
    block = next((store.path / "blocks").glob("*/*/*.1h"))
    assert store.backend._past.sealed.unlink(block.stat().st_mtime_ns + MINUTE - 1) == 0
    assert store.backend._past.sealed.unlink(block.stat().st_mtime_ns + MINUTE + 1) == 1


@pytest.mark.parametrize(("name", "now", "left"), [("07.1h", DAY + HOUR, []), ("00.1d", DAY + 3 * HOUR, [60])])
def test_a_flipped_byte_costs_an_hour_of_a_host_or_a_column_of_its_day_and_is_told(
    store: Store, name: str, now: int, left: list[int]
) -> None:
    store.told(TWO_DAYS)
    store.sealed(START + now)
    store.unlink()
    path = store.path / "blocks/sample/raw" / f"20260131T{name}"
    data = bytearray(path.read_bytes())
    segment = store.sealer.blocks.segment(path)
    assert segment is not None
    (place,) = segment.places("db-1")
    data[place.offset + place.length - 1] ^= 1
    path.write_bytes(data)

    start, length = (START + 7 * HOUR, HOUR) if name == "07.1h" else (START, DAY)

    def counted(host: str) -> list[int]:
        # Of so short steps the blocks are asked, whatever rollups there are.
        wanted = Series(host, ("*",), start, start + length - 1, step=7 * SECOND)
        found: SeriesAnswer = answer(store.backend, wanted)
        return [sum(column.count) for column in found.columns]

    assert counted("db-1") == left
    assert any("db-1" in damage for damage in store.backend.damaged)
    assert counted("web-1") == [12, 12] if name == "07.1h" else [60, 60]


def test_a_question_that_reads_too_much_is_refused_in_a_sentence(store: Store) -> None:
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    store.backend._past._blocks.most_read = 100
    wanted = Series("web-1", ("*",), START, START + 2 * DAY, step=7 * SECOND)
    with pytest.raises(Unfit, match="more than 100 readings lie between: ask for fewer metrics, or days"):
        answer(store.backend, wanted)
    store.backend._past._blocks.most_read = 1000
    assert answer(store.backend, wanted).columns


def test_a_file_without_its_end_is_left_out_and_put_aside(store: Store) -> None:
    store.told(TWO_DAYS)
    store.sealed(START + DAY + HOUR)
    store.unlink()
    path = store.path / "blocks/sample/raw" / "20260131T07.1h"
    path.write_bytes(path.read_bytes()[:-9])
    rows = store.backend.rows("sample", "web-1", START, START + DAY - 1)
    assert len(rows) == 4 * 12
    store.sealed()
    assert len(store.backend.rows("sample", "web-1", START, START + DAY - 1)) == 4 * 12
    assert list(path.parent.glob("*.bad-*"))


def test_months_are_joined_and_answer_alike(store: Store) -> None:
    records = [
        sample(n + 1, host=host, at=START + n * 98 * HOUR + place, cpu=n / 10)
        for n in range(18)
        for place, host in enumerate(HOSTS)
    ]
    store.told(records)
    store.sealed(START + 100 * DAY)
    store.unlink()
    assert sorted(path.name for path in (store.path / "blocks/sample/1h").iterdir()) == [
        "20260101T00.1mo",
        "20260201T00.1mo",
        "20260301T00.1mo",
        "20260401T00.1mo",
    ]
    agree(store)
    store.told([sample(n, at=START + 4 * DAY + n * SECOND) for n in range(1, 50)], NOON + 2 * HOUR)
    agree(store)
    store.sealed(START + 100 * DAY)
    agree(store)
    wanted = Series("web-1", ("cpu.percent",), START, START + 70 * DAY, step=DAY)
    assert "1h" in answer(store.backend, wanted).tier


def test_rows_that_come_after_the_days_rows_were_dropped_leave_its_rollups_alone(store: Store) -> None:
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    wanted = Series("web-1", ("cpu.percent",), START, START + DAY - 1, step=HOUR)
    before = told(store.backend, wanted)
    for raw in (store.path / "blocks/sample/raw").iterdir():
        raw.unlink()
    store.told([sample(n, at=START + n * SECOND) for n in range(1, 50)], NOON + HOUR)
    assert told(store.backend, wanted) == before
    while store.sealer.turn(LATER):
        assert told(store.backend, wanted) == before
    store.unlink()
    assert told(store.backend, wanted) == before


def test_what_came_late_is_in_every_answer_also_between_two_turns(store: Store) -> None:
    store.told(TWO_DAYS)
    store.sealed()
    store.unlink()
    for hour in (0, 30):
        store.told([sample(n, at=START + hour * HOUR + n * SECOND) for n in range(1, 50)], NOON + (1 + hour) * HOUR)
        agree(store)
        turns = 0
        while store.sealer.turn(LATER):
            agree(store)
            store.unlink()
            agree(store)
            turns += 1
        assert turns >= 2
    assert store.sealer.blocks.late() == set()
    wanted = Series("web-1", ("cpu.percent",), START, START + DAY - 1, step=HOUR)
    assert answer(store.backend, wanted).tier == "1h"


def test_the_program_seals_what_is_due_and_leaves_when_it_is_asked_to(tmp_path: Path) -> None:
    home = Path(tempfile.mkdtemp(prefix="guardia-"))
    made = LmdbBackend(home / "store", write=True)
    made.commit(batch([layout(), *(sample(n) for n in range(1, 100))]), NOON)
    made.close()
    for data in home.glob("store/rows/*/*/data.mdb"):
        os.utime(data, (NOON / 1e9, NOON / 1e9))
    config = tmp_path / "guardia.toml"
    config.write_text("[store]\nkeep_samples_seconds = '5000w'\nroom_bytes = 0\n")
    program = subprocess.Popen(
        [sys.executable, "-m", "store.sealing_program", "--config", str(config)],
        env={**os.environ, "GUARDIA_HOME": str(home)},
    )
    try:
        end = time.monotonic() + 300
        while not list(home.glob("store/blocks/sample/1h/*")):
            assert program.poll() is None
            assert time.monotonic() < end, "nothing was sealed"
            time.sleep(0.1)
        program.terminate()
        assert program.wait(60) == 0
    finally:
        program.kill()
        program.wait()
        shutil.rmtree(home)


PLACES = ("seal.write", "seal.before_sync", "seal.before_rename", "seal.after_rename", "seal.rollup", "seal.day")


@pytest.mark.parametrize("place", [*PLACES, "seal.unlink", "seal.month"])
def test_a_death_at_any_step_loses_nothing_and_doubles_nothing(tmp_path: Path, place: str) -> None:
    store = Store(tmp_path / "store")
    store.told(TWO_DAYS[::3])
    store.close()
    for turn in range(2):
        faults = f"{place}=kill@{1 + turn * 2}"
        died = subprocess.run(
            [sys.executable, "-m", "tests.store.sealing", str(store.path), str(LATER + 20 * DAY)],
            env={**os.environ, "GUARDIA_FAULTS": faults},
            check=False,
            capture_output=True,
        )
        assert died.returncode in (0, -9), died.stderr.decode()
        again = Store(store.path)
        again.reference = store.reference
        agree(again)
        again.close()
    last = Store(store.path)
    last.reference = store.reference
    last.sealed(LATER + 20 * DAY)
    last.unlink()
    agree(last)
    assert not list(store.path.glob("blocks/*/*/*.new"))
    last.close()
