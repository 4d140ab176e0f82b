"""Samples kept for hours, rollups for longer: what is there is what the rules say, reading by reading.

The reference is a list of readings, and for each of them when its file goes: an hour's when the hour is so old, or,
once the day is joined, the day's. Rollups hold all that came before their rows went, whoever was dropped since.
"""

from __future__ import annotations

import logging
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bus.questions import Series, SeriesAnswer
from store.answers import answer
from store.backends.lmdb import LmdbBackend
from store.care.verifying import verified
from store.keys import FAR
from store.pruning import Pruner, Room, held
from store.retention import Retention, Rule, tiers_kept
from store.sealer import Pace, Sealer
from store.spans import RAW, TIERS, name_of
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, layout, sample

MIDNIGHT = NOON - 12 * HOUR
LOG = logging.getLogger("pruner")
HOSTS = ("web-1", "db-1")
TICK = 20 * MINUTE
JOINED = DAY + 2 * HOUR
"""So long after its start a day is joined."""
LONG = {"1m": 30 * DAY, "5m": 30 * DAY, "1h": 30 * DAY, "records": 30 * DAY}


@dataclass
class Told:
    """A reading."""

    at: int
    value: float


@dataclass
class Short:
    """A store whose clock is ours, with a writer's, a sealer's and a pruner's turn at each tick."""

    path: Path
    retention: Retention
    told: dict[str, list[Told]] = field(default_factory=lambda: {host: [] for host in HOSTS})
    number: int = 0

    def __post_init__(self) -> None:
        self.backend = LmdbBackend(self.path, write=True)
        raw = self.retention.shortest("sample", RAW), self.retention.longest("sample", RAW)
        pace = Pace(
            after=min(10 * MINUTE, raw[0]),
            quiet=-(2**62),
            keep=tiers_kept(self.retention),
            raw=raw,
            over=lambda subjects, age: self.retention.over("sample", RAW, subjects, age),
        )
        self.sealer = Sealer(self.path, self.backend.partitions, self.backend.layouts, pace, LOG)
        self.pruner = Pruner(self.sealer.blocks, self.retention, Room(), LOG)
        self.pruner.spared, self.pruner.covered = self.sealer.spares, self.sealer.rollups.covers

    def tell(self, host: str, at: int, value: float, now: int) -> None:
        """Commit a reading."""
        self.number += 1
        record = sample(self.number, host=host, at=at, cpu=value)
        self.backend.commit(batch([layout(), record], received=now), now)
        # Here a file may be sealed and written to within one tick of the clock that its time is of.
        os.utime(self.backend.partitions.path("sample", name_of(at, "")[:-1]) / "data.mdb", ns=(now, now + self.number))
        self.told[host].append(Told(at, value))

    def turn(self, now: int) -> None:
        """Do all that is due."""
        for _ in range(4):
            self.backend.retain(self.retention.of_rows(waiting=True), now)
            while self.sealer.turn(now):
                pass
            while self.backend._past.sealed.unlink(2**62, self.backend._note_sealed):
                pass
            self.pruner.turn(now)

    def close(self) -> None:
        self.sealer.close()
        self.backend.close()

    def gone(self, host: str, one: Told, now: int) -> bool:
        """Whether the rules have dropped its row by now."""
        keep = self.retention.keep("sample", RAW, host)
        hour, day = one.at - one.at % HOUR + HOUR, one.at - one.at % DAY + DAY
        if self.retention.longest("sample", RAW) < JOINED:
            return hour + keep <= now
        return (hour + keep <= now and hour + keep < day - DAY + JOINED) or day + keep <= now

    def agrees(self, now: int) -> None:
        """Raises unless rows and rollups are as the reference has them."""
        for host in HOSTS:
            there = [row[0] for row in self.backend.rows("sample", host, 0, FAR)]
            assert there == sorted(one.at for one in self.told[host] if not self.gone(host, one, now)), (host, now)
            for tier, length in TIERS.items():
                self._agrees(host, tier, length, now)

    def _agrees(self, host: str, tier: str, length: int, now: int) -> None:
        found: SeriesAnswer = answer(self.backend, Series(host, ("cpu.*",), MIDNIGHT, now, step=length))
        spans: dict[int, list[float]] = {}
        for one in sorted(self.told[host], key=lambda one: one.at):
            spans.setdefault(one.at - one.at % length, []).append(one.value)
        seen = {}
        for place, start in enumerate(found.times):
            for column in found.columns:
                if column.count[place]:
                    seen[start] = (
                        column.count[place],
                        column.min[place],
                        column.max[place],
                        column.last[place],
                        round((column.mean[place] or 0.0) * column.count[place], 6),
                    )
        expected = {
            start: (len(of), min(of), max(of), of[-1], round(sum(of), 6)) for start, of in sorted(spans.items())
        }
        assert seen == expected, (host, tier, found.tier, (now - MIDNIGHT) / HOUR)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.mark.parametrize("seed", range(8))
def test_rows_go_in_their_time_and_rollups_outlive_them(seed: int, path: Path) -> None:
    chance = random.Random(seed)
    keep = chance.choice([HOUR, 3 * HOUR, 7 * HOUR, 20 * HOUR, 30 * HOUR])
    rules = (Rule(("db-*",), {RAW: chance.choice([HOUR, 5 * HOUR, 26 * HOUR, 3 * DAY])}),) if seed % 2 else ()
    short = Short(path, Retention(LONG | {RAW: keep}, rules))
    now = MIDNIGHT
    try:
        while now < MIDNIGHT + 3 * DAY + 5 * HOUR:
            now += TICK
            for host in HOSTS:
                if chance.random() < 0.5:
                    at = now - chance.randrange(1, TICK)
                    short.tell(host, at, chance.randrange(100) / 10, now)
                if chance.random() < 0.1:
                    # Late, but not as late as its rows are kept.
                    keep = short.retention.keep("sample", RAW, host)
                    at = max(MIDNIGHT, now - chance.randrange(1, keep))
                    if at // HOUR * HOUR + HOUR + keep > now and all(at != one.at for one in short.told[host]):
                        short.tell(host, at, chance.randrange(100) / 10, now)
            short.turn(now)
            if chance.random() < 0.15:
                short.agrees(now)
        short.agrees(now)
        names = {(one.tier, one.name[-3:]) for one in held(path / "blocks") if one.tier != RAW}
        assert {(tier, ".1d") for tier in TIERS} <= names
        assert verified(path).faults == []
        assert verified(path).missing == {}
    finally:
        short.close()


def test_what_was_thinned_stays_in_a_rollup_that_is_made_anew_because_rows_came_late(path: Path) -> None:
    short = Short(path, Retention(LONG | {RAW: 7 * DAY}, (Rule(("db-*",), {RAW: 2 * DAY}),)))
    try:
        for host in HOSTS:
            for hour in range(24):
                short.tell(host, MIDNIGHT + hour * HOUR, hour / 2, MIDNIGHT + hour * HOUR)
        now = MIDNIGHT + 3 * DAY + HOUR
        short.turn(now)
        short.agrees(now)
        for minute in (30, 150):  # one of each; what came of db-1 is past its time
            short.tell("web-1", MIDNIGHT + minute * MINUTE, 50.0, now)
            short.tell("db-1", MIDNIGHT + minute * MINUTE, 50.0, now)
        del short.told["db-1"][-2:]
        short.turn(now)
        short.agrees(now)
        short.turn(MIDNIGHT + 6 * DAY)  # the month is joined by now
        assert (path / "blocks/sample/1h/20260101T00.1mo").exists()
        short.tell("web-1", MIDNIGHT + 45 * MINUTE, 60.0, MIDNIGHT + 6 * DAY)
        short.turn(MIDNIGHT + 6 * DAY)
        short.agrees(MIDNIGHT + 6 * DAY)
    finally:
        short.close()


def test_rows_wait_for_the_sealer_beyond_their_time(path: Path) -> None:
    short = Short(path, Retention(LONG | {RAW: HOUR}))
    try:
        short.tell("web-1", NOON, 5.0, NOON)
        now = NOON + 2 * DAY
        short.backend.retain(short.retention.of_rows(waiting=True), now)
        short.turn(now)
        short.agrees(now)
        assert short.retention.of_rows()["sample"] == HOUR
        assert Retention(dict.fromkeys((*TIERS, "records"), 0) | {RAW: HOUR}).of_rows(waiting=True)["sample"] == HOUR
        assert verified(path).missing == {}
    finally:
        short.close()


def test_an_hour_that_came_when_the_rows_of_its_day_were_gone_joins_the_rollups(path: Path) -> None:
    short = Short(path, Retention(LONG | {RAW: 5 * HOUR}))
    try:
        short.tell("web-1", MIDNIGHT, 5.0, MIDNIGHT)
        short.turn(MIDNIGHT + 2 * DAY)
        short.tell("web-1", MIDNIGHT + 7 * HOUR, 6.0, MIDNIGHT + 2 * DAY)
        short.turn(MIDNIGHT + 2 * DAY)
        short.agrees(MIDNIGHT + 2 * DAY)
        assert not list(path.glob("blocks/sample/raw/*"))
        assert not list(path.glob("rows/sample/*/data.mdb"))
        assert {one.name for one in held(path / "blocks")} == {"20260131T00.1d", "20260101T00.1mo"}
    finally:
        short.close()
