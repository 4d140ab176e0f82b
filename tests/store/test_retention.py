"""What is kept how long, what goes first when room is short, and a year of it against the plain way to compute it."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.messages import KINDS
from bus.questions import Series, SeriesAnswer
from store.answers import answer
from store.backends.lmdb import LmdbBackend
from store.config import Keep, Store
from store.pruning import Pruner, Room, held
from store.retention import HOURS_SHARE, Held, Retention, Rule, for_room, forecast, past_time, tiers_kept
from store.sealer import Pace, Sealer
from store.spans import RAW
from tests.store.given import DAY, HOUR, MINUTE, NOON, SECOND, batch, check, layout, sample

MIDNIGHT = NOON - 12 * HOUR
USUAL = {RAW: 7 * DAY, "1m": 0, "5m": 60 * DAY, "1h": 300 * DAY, "records": 100 * DAY}
LOG = logging.getLogger("pruner")


def day(n: int, kind: str = "sample", tier: str = RAW, size: int = 1000) -> Held:
    start = MIDNIGHT - n * DAY
    return Held(f"{n}", kind, tier, start, start + DAY, size)


def test_the_first_rule_that_matches_and_says_something_of_a_tier_decides() -> None:
    retention = Retention(USUAL, (Rule(("db-*",), {"5m": DAY}), Rule(("db-1", "web"), {RAW: 9 * DAY, "5m": 2 * DAY})))
    assert retention.keep("sample", "5m", "db-1") == DAY
    assert retention.keep("sample", RAW, "db-1") == 9 * DAY
    assert retention.keep("processes", RAW, "mail") == 7 * DAY
    assert retention.keep("check", RAW, "shop") == 100 * DAY
    assert (retention.longest("sample", RAW), retention.longest("sample", "5m")) == (9 * DAY, 60 * DAY)
    assert retention.over("sample", RAW, ["db-1", "db-2", "web"], 8 * DAY) == {"db-2"}
    assert retention.over("sample", RAW, ["db-2"], 7 * DAY) == {"db-2"}
    assert retention.over("sample", RAW, ["db-2"], 7 * DAY - 1) == set()
    assert (retention.shortest("sample", RAW), retention.shortest("sample", "5m")) == (7 * DAY, DAY)
    assert retention.differs("sample", RAW)
    assert not retention.differs("check", RAW)


def test_the_tables_say_the_same_in_words() -> None:
    retention = Store().retention([Keep(("db-*",), keep_5m_seconds=86_400.0)])
    assert tiers_kept(retention) == {"1m": 30 * DAY, "5m": 180 * DAY, "1h": 1826 * DAY}
    assert retention.keep("sample", "5m", "db-1") == DAY
    assert retention.keep("sample", RAW, "db-1") == 7 * DAY


def test_what_is_kept_longer_than_a_count_of_nanoseconds_goes_is_kept_for_ever() -> None:
    retention = Store(keep_samples_seconds=1e15).retention([Keep(("db-*",), keep_5m_seconds=1e18)])
    assert retention.keep("sample", RAW, "web-1") == retention.keep("sample", "5m", "db-1") == 100_000 * DAY < 2**63


def test_every_kind_of_row_has_its_time() -> None:
    found = Store().retention().of_rows()
    assert found.keys() == KINDS.keys() - {"layout"}
    assert found["sample"] == found["processes"] == 7 * DAY
    assert found["check"] == found["heartbeat"] == 400 * DAY


def test_rows_of_samples_wait_for_rollups_where_there_are_to_be_any() -> None:
    found = Retention(USUAL).of_rows(waiting=True)
    assert (found["sample"], found["processes"], found["check"]) == (14 * DAY, 7 * DAY, 100 * DAY)
    none = dict.fromkeys(("1m", "5m", "1h"), 0)
    assert Retention(USUAL | none).of_rows(waiting=True)["sample"] == 7 * DAY


def test_a_file_goes_when_nobody_keeps_it() -> None:
    files = [day(n) for n in range(12)] + [day(n, "check") for n in (50, 101)]
    gone = past_time(files, Retention(USUAL), MIDNIGHT + DAY)
    assert [(one.kind, one.name) for one in gone] == [*(("sample", f"{n}") for n in range(7, 12)), ("check", "101")]


def test_an_hour_stays_until_its_day_has_rollups() -> None:
    hour = Held("h", "sample", RAW, MIDNIGHT - 30 * DAY, MIDNIGHT - 30 * DAY + HOUR, 5)
    assert past_time([hour], Retention(USUAL), MIDNIGHT) == []
    assert past_time([hour], Retention(USUAL), MIDNIGHT, lambda one: one is hour) == [hour]


def test_hours_of_all_else_go_in_their_time() -> None:
    start = MIDNIGHT - 200 * DAY
    hours = [Held("c", "check", RAW, start, start + HOUR, 5), Held("r", "sample", "5m", start, start + HOUR, 5)]
    assert past_time(hours, Retention(USUAL), MIDNIGHT) == hours


def test_an_hour_of_which_no_rollups_are_made_goes_in_its_time(backend: LmdbBackend, tmp_path: Path) -> None:
    none = dict.fromkeys(("1m", "5m", "1h"), 0)
    short = Retention(USUAL | none | {RAW: 3 * HOUR})
    for hour in range(8):
        backend.commit(batch([layout(), sample(hour + 1, at=MIDNIGHT + hour * HOUR)]), MIDNIGHT)
    sealer = Sealer(
        tmp_path / "store", backend.partitions, backend.layouts, Pace(quiet=-(2**62), keep=tiers_kept(short)), LOG
    )
    now = MIDNIGHT + 8 * HOUR + 10 * MINUTE
    while sealer.turn(now):
        pass
    backend._past.sealed.unlink(2**62)
    backend._past.sealed.unlink(2**62)
    pruner = Pruner(sealer.blocks, short, Room(), LOG)
    assert pruner.turn(now) == 5
    assert [row[0] for row in backend.rows("sample", "web-1", 0, now)] == [MIDNIGHT + n * HOUR for n in (5, 6, 7)]
    assert Pruner(sealer.blocks, Retention(USUAL | {RAW: 3 * HOUR}), Room(), LOG).turn(now) == 0
    sealer.close()


def test_room_is_made_of_what_is_nearest_to_its_end() -> None:
    files = [day(2), day(6), day(5), day(50, tier="5m"), day(58, tier="5m"), day(30, "check"), day(0)]
    dropped = [one.name for one in for_room(files, Retention(USUAL), NOON, 2500)]
    assert dropped == ["58", "50", "6"]
    assert for_room(files, Retention(USUAL), NOON, 0) == []
    hour = Held("h", "sample", RAW, MIDNIGHT - 6 * DAY, MIDNIGHT - 6 * DAY + HOUR, 1000)
    assert hour not in for_room([*files, hour], Retention(USUAL), NOON, 10**9), "its day has no rollups yet"
    assert len(for_room(files, Retention(USUAL), NOON, 10**9)) == 6  # yesterday stays, whatever it costs
    assert len(for_room(files, Retention(USUAL), MIDNIGHT + 2 * DAY, 10**9)) == 7


def test_a_forecast_goes_on_as_it_was_of_late() -> None:
    files = [day(n, size=100 if n > 7 else 1000) for n in range(20)]
    assert forecast(files, Retention(USUAL), NOON) == {("sample", RAW): 7000}
    others = [day(n, "check", size=50) for n in range(3)] + [day(n, tier="5m", size=7) for n in range(20)]
    assert forecast(files + others, Retention(USUAL), NOON) == {
        ("sample", RAW): 7000,
        ("sample", "5m"): 60 * 7,
        ("check", RAW): 100 * 50,
    }
    hour = Held("h", "sample", RAW, MIDNIGHT, MIDNIGHT + HOUR, 10)
    expected = {("sample", RAW): 7 * 24 * 10 * HOURS_SHARE}
    assert forecast([hour], Retention(USUAL), NOON) == expected
    assert forecast([*files, hour], Retention(USUAL), NOON) == {("sample", RAW): 7000}, "days tell more than hours"
    check = day(0, "check", size=9)
    assert forecast([hour, check], Retention(USUAL), NOON) == expected | {("check", RAW): 900}
    assert forecast([hour], Retention(USUAL | {RAW: DAY}), NOON) == {("sample", RAW): 240}, "it never becomes a day"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmdbBackend]:
    made = LmdbBackend(tmp_path / "store", write=True)
    yield made
    made.close()


def test_subjects_that_are_not_kept_as_long_leave_their_files(backend: LmdbBackend, tmp_path: Path) -> None:
    for host in ("web-1", "db-1"):
        backend.commit(batch([layout(), *(sample(n, host=host) for n in range(1, 50))]), NOON)
    backend.commit(batch([check(1), check(2)]), NOON)
    pace = Pace(quiet=-(2**62), keep={"1m": 0})
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, pace, LOG)
    while sealer.turn(NOON + 2 * DAY):
        pass
    backend._past.sealed.unlink(2**62)
    backend._past.sealed.unlink(2**62)
    pruner = Pruner(sealer.blocks, Retention(USUAL, (Rule(("db-*",), {RAW: 2 * DAY}),)), Room(), LOG)
    assert pruner.turn(NOON + DAY) == 0
    assert pruner.turn(NOON + 3 * DAY) == 1
    assert backend.rows("sample", "db-1", 0, NOON + DAY) == []
    assert len(backend.rows("sample", "web-1", 0, NOON + DAY)) == 49
    assert pruner.turn(NOON + 3 * DAY) == 0
    assert pruner.turn(NOON + 8 * DAY) == 1
    assert backend.rows("sample", "web-1", 0, NOON + DAY) == []
    found: SeriesAnswer = answer(backend, Series("db-1", ("cpu.percent",), NOON - HOUR, NOON + HOUR, step=HOUR))
    assert (found.tier, sum(found.columns[0].count)) == ("1h", 49)
    assert backend.statistics()["deleted"] == {"sample": 98}
    assert Pruner(sealer.blocks, Retention(USUAL), Room(), LOG).deleted == {"sample/raw": 98}
    sealer.close()


def test_room_is_made_until_the_store_is_small_enough(backend: LmdbBackend, tmp_path: Path) -> None:
    backend.commit(batch([layout(), *(sample(n + 1, at=NOON + n * DAY) for n in range(5))]), NOON)
    pace = Pace(quiet=-(2**62), keep={"1m": 0})
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, pace, LOG)
    now = NOON + 6 * DAY
    while sealer.turn(now):
        pass
    backend._past.sealed.unlink(2**62)
    backend._past.sealed.unlink(2**62)
    files = held(tmp_path / "store" / "blocks")
    used = sum(one.bytes for one in files)
    pruner = Pruner(sealer.blocks, Retention(USUAL), Room(most=used - 1), LOG)
    assert pruner.make_room(now, used, 10**12) == 1
    assert len(backend.rows("sample", "web-1", 0, now)) == 4
    assert pruner.make_room(now, used - files[0].bytes, 10**12) == 0
    sealer.close()


def test_a_year_is_as_one_reading_at_a_time_would_have_it(backend: LmdbBackend, tmp_path: Path) -> None:
    """A year, in which rows come late and twice; after each day that has some, sealer and pruner have their turn."""
    chance = random.Random(5)
    retention = Retention(USUAL)
    pace = Pace(quiet=-(2**62), keep=tiers_kept(retention))
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, pace, LOG)
    pruner = Pruner(sealer.blocks, retention, Room(), LOG)
    readings: dict[int, float] = {}
    number = 0
    days = [n for n in range(366) if n % 17 == 0 or n > 358]
    for n in days:
        start = MIDNIGHT + n * DAY
        told = []
        for at in sorted({start + chance.randrange(4) * HOUR + chance.randrange(3600) * SECOND for _ in range(12)}):
            number += 1
            readings[at] = round(chance.uniform(0, 100), 2)
            told.append(sample(number, at=at, cpu=readings[at]))
        chance.shuffle(told)
        backend.commit(batch([layout(), *told[:9]], start + DAY), start)
        now = start + DAY + 3 * HOUR
        while sealer.turn(now):
            pass
        backend.commit(batch(told[6:], start + DAY), start)
        while sealer.turn(now):
            pass
        while backend._past.sealed.unlink(2**62):
            pass
        pruner.turn(now)
    now = MIDNIGHT + 366 * DAY + 3 * HOUR
    young = MIDNIGHT + 366 * DAY - 300 * DAY
    found: SeriesAnswer = answer(backend, Series("web-1", ("cpu.percent",), MIDNIGHT, now, step=DAY))
    expected: dict[int, list[float]] = {}
    for at, value in sorted(readings.items()):
        expected.setdefault(at - at % DAY, []).append(value)
    (column,) = found.columns
    for place, start in enumerate(found.times):
        values = expected.get(start, []) if start >= young - 31 * DAY else []
        if start + DAY <= young - 31 * DAY or (start < young and not column.count[place]):
            continue
        assert column.count[place] == len(values)
        if values:
            assert (column.min[place], column.max[place], column.last[place]) == (min(values), max(values), values[-1])
            cents = sum(round(value * 100) for value in values)
            assert column.mean[place] == cents / 100 / len(values)
    assert sum(column.count) >= sum(len(values) for start, values in expected.items() if start >= young)
    kept = {(one.tier, one.start) for one in held(tmp_path / "store" / "blocks")}
    assert {tier for tier, _ in kept} == {RAW, "5m", "1h"}
    assert all(start >= now - USUAL[RAW] - DAY for tier, start in kept if tier == RAW)
    assert all(start >= now - USUAL["5m"] - DAY for tier, start in kept if tier == "5m")
    last = answer(backend, Series("web-1", ("cpu.percent",), now - 50 * DAY, now - 20 * DAY, step=5 * MINUTE))
    assert last.tier == "5m"
    sealer.close()
