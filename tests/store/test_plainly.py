"""What is answered of some days in which all goes wrong with times, against one reading at a time.

Hosts tell late, twice, in no order, with another clock, and of other metrics than a moment ago; rows, blocks and
rollups come and go as the settings say. What is expected is put together here from what was told, and from the
settings: nothing of the store is asked.
"""

from __future__ import annotations

import logging
import math
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from bus.messages import Layout, Sample
from bus.questions import Column, Series, SeriesAnswer
from bus.wire import Record, record
from store.answers import answer
from store.backends.lmdb import LmdbBackend
from store.config import Keep, Store
from store.pruning import Pruner, Room
from store.sealer import Sealer
from store.sealing_program import _pace
from tests.store.given import DAY, HOUR, MINUTE, NOON, SECOND, batch

START = NOON - 12 * HOUR
"""The last day of a month: the hour's rollups are joined to months on the way."""
SEEDS = range(40 if "GUARDIA_LONG" in os.environ else 1)
HOSTS = ("web-1", "db-1")
CPU, MEMORY, DISK, LOAD = "cpu.percent", "memory.used", "disk[/].percent", "load.1m"
LAYOUTS = (Layout((CPU, MEMORY)), Layout((MEMORY, DISK, CPU)), Layout((LOAD, CPU)))
TIERS = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR}
STEPS = (7 * SECOND, MINUTE, 7 * MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, DAY)


class Setting(NamedTuple):
    """For how many hours each tier is kept, by host; how late rows come, and how long the cells are that go at once."""

    keep: dict[str, dict[str, float]]
    late: int
    cell: int

    def known(self, host: str, at: int, now: int) -> set[str]:
        """What there is of a time, when it was last looked what is past its time ``now``."""
        hours = self.keep[host]
        ends = {"raw": at // self.cell * self.cell + self.cell}
        day_end = at // DAY * DAY + DAY
        return {tier for tier, kept in hours.items() if now - ends.get(tier, day_end) < kept * HOUR}


USUAL = Setting(
    {
        "web-1": {"raw": 40, "1m": 50, "5m": 60, "1h": 10_000},
        "db-1": {"raw": 28, "1m": 30, "5m": 60, "1h": 10_000},
    },
    late=9 * HOUR,
    cell=DAY,
)
WITHOUT_MINUTES = Setting(
    {host: {"raw": 30, "1m": 0, "5m": 40, "1h": 10_000} for host in HOSTS}, late=9 * HOUR, cell=DAY
)
SHORT = Setting({host: {"raw": 5, "1m": 30, "5m": 40, "1h": 10_000} for host in HOSTS}, late=HOUR, cell=HOUR)
SETTINGS = {"usual": USUAL, "without minutes": WITHOUT_MINUTES, "gone before their day is over": SHORT}


@dataclass(frozen=True)
class Told:
    """A message, as it was told the first time."""

    at: int
    received: int
    layout: Layout
    values: tuple[float | None, ...]


class Step(NamedTuple):
    """What is expected of a metric in a step: ``last`` may be any of these, where several are of one instant."""

    readings: int
    least: float
    most: float
    mean: float
    last: set[float]


class House:
    """A store whose clock is ours, and what was told to it."""

    def __init__(self, path: Path, setting: Setting, chance: random.Random) -> None:
        self.setting, self.chance, self.number = setting, chance, 0
        self.told: dict[str, dict[tuple[int, bytes], Told]] = {host: {} for host in HOSTS}
        self.sent: list[tuple[str, Record, int]] = []
        self.pruned = 0
        self.backend = LmdbBackend(path, write=True)
        raw, one, five, hour = self._seconds(HOSTS[0])
        config = Store(keep_samples_seconds=raw, keep_1m_seconds=one, keep_5m_seconds=five, keep_1h_seconds=hour)
        rules = [Keep((host,), *self._seconds(host)) for host in HOSTS[1:]]
        self.retention, pace = config.retention(rules), replace(_pace(config, rules), quiet=-(2**62))
        log = logging.getLogger("sealer")
        self.sealer = Sealer(path, self.backend.partitions, self.backend.layouts, pace, log)
        self.pruner = Pruner(self.sealer.blocks, self.retention, Room(), log)
        self.pruner.spared, self.pruner.covered = self.sealer.spares, self.sealer.rollups.covers
        rows = self.backend.partitions
        self.pruner.in_rows = lambda one: bool(rows.between(one.kind, one.start, one.end - 1))

    def _seconds(self, host: str) -> list[float]:
        return [self.setting.keep[host][tier] * 3600.0 for tier in ("raw", *TIERS)]

    def hour(self, now: int, layouts: dict[str, Layout]) -> list[tuple[str, Record, int]]:
        """What the hosts tell in the hour before ``now``; some of it of hours before."""
        chance, found = self.chance, []
        for host in HOSTS:
            clock = chance.choice([0] * 6 + [-90 * MINUTE, -7 * MINUTE]) if self.setting.late > 2 * HOUR else 0
            for _ in range(chance.choice([0, 3, 12, 30])):
                if chance.random() < 0.1:
                    layouts[host] = chance.choice(LAYOUTS)
                second = chance.choice((chance.randrange(3600), chance.randrange(12) * 300, 0))
                at = now - HOUR + second * SECOND + clock
                if chance.random() < 0.1:
                    at -= chance.randrange(self.setting.late // HOUR) * HOUR
                if chance.random() < 0.1:
                    at += chance.randrange(SECOND)
                found.append((host, self._message(host, at, layouts[host]), at))
        return found

    def _message(self, host: str, at: int, layout: Layout) -> Record:
        chance = self.chance
        values = []
        for _ in layout.names:
            odd = chance.choice((-0.0, 1 / 3, 1e-300, 1e300, 2.0**53 + 2))
            readings = chance.randrange(-5000, 5000) / 100, float(chance.randrange(2**40)), odd, None
            values.append(chance.choices(readings, [8, 2, 1, 2])[0])
        message = Sample(layout.id, tuple(values))
        self.number += 1
        return record(message, source=host, subject=None, at=at, epoch=7, number=self.number, sent=at)

    def tell(self, some: list[tuple[str, Record, int]], received: int) -> None:
        """Have them stored, in no order; some of them twice, also in the life of another epoch."""
        chance = self.chance
        again = [chance.choice(some + self.sent[-40:]) for _ in range(4) if some]
        if self.setting.late <= 2 * HOUR:  # what is older would come when its rows are gone
            again = [one for one in again if one[2] > received - 3 * HOUR]
        told = [*some, *again, *((host, replace(one, epoch=8), at) for host, one, at in again)]
        chance.shuffle(told)
        for host, one, at in told:
            message = one.message()
            key = at, one.body
            known = Told(at, received, next(of for of in LAYOUTS if of.id == message.layout), message.values)
            self.told[host].setdefault(key, known)
        self.sent += some
        names = [
            record(of, source=host, subject=None, at=received, epoch=7, number=1, sent=received)
            for host in HOSTS
            for of in LAYOUTS
        ]
        middle = chance.choice((0, 0, len(told) // 2))
        for place, part in enumerate((told[:middle], told[middle:])):
            if part:
                self.backend.commit(batch([*names, *(one for _, one, _ in part)], received + place), received + place)

    def passes(self, now: int) -> None:
        """The sealer, the writer and the pruner have their turn."""
        for _ in range(2):
            while self.sealer.turn(now):
                pass
            while self.backend._past.sealed.unlink(2**62, self.backend._note_sealed):
                pass
        self.backend.retain(self.retention.of_rows(waiting=True), now)
        self.pruner.turn(now)
        self.pruned = max(self.pruned, now)

    def expected(self, host: str, start: int, end: int, step: int) -> dict[str, dict[int, Step]]:
        """By metric and step."""
        found: dict[str, dict[int, list[tuple[int, float]]]] = {}
        spans: dict[int, int] = {}
        for one in self.told[host].values():
            hour = one.at // HOUR
            span = spans[hour] = spans.get(hour) or self._span(host, one.at, step)
            if not start // span * span <= one.at < -(-(end + 1) // span) * span:
                continue
            at = one.at // span * span // step * step
            for name, value in zip(one.layout.names, one.values, strict=True):
                if value is not None and at >= start // step * step:
                    found.setdefault(name, {}).setdefault(at, []).append((one.at, value))
        return {name: {at: _step(of) for at, of in steps.items()} for name, steps in found.items()}

    def _span(self, host: str, at: int, step: int) -> int:
        """How long the spans are that answer for a time: 1 ns where its rows are there."""
        known = self.setting.known(host, at, self.pruned)
        spans = [span for tier, span in TIERS.items() if tier in known]
        return 1 if "raw" in known else max((span for span in spans if step % span == 0), default=spans[0])

    def compare(self, host: str, start: int, end: int, step: int) -> str:
        """Raises when an answer is not as expected; returns of which tiers it is."""
        found: SeriesAnswer = answer(self.backend, Series(host, ("*",), start, end, step=step))
        assert found.step == step
        expected = self.expected(host, start, end, step)
        columns = {column.metric: column for column in found.columns if any(column.count)}
        assert columns.keys() == expected.keys()
        for name, steps in expected.items():
            _compare(found.times, columns[name], steps, f"{host} {name} of {found.tier}, {start} to {end} by {step}")
        return found.tier

    def close(self) -> None:
        self.sealer.close()
        self.backend.close()


def _step(some: list[tuple[int, float]]) -> Step:
    values = [value for _, value in some]
    newest = max(at for at, _ in some)
    mean = math.fsum(values) / len(values)
    return Step(len(values), min(values), max(values), mean, {value for at, value in some if at == newest})


def _compare(times: tuple[int, ...], column: Column, steps: dict[int, Step], where: str) -> None:
    counts = {at: count for at, count in zip(times, column.count, strict=True) if count}
    assert counts == {at: step.readings for at, step in steps.items()}, where
    for place, at in enumerate(times):
        if at not in steps:
            assert (column.min[place], column.max[place], column.mean[place], column.last[place]) == (None,) * 4, where
            continue
        step = steps[at]
        assert (column.min[place], column.max[place]) == (step.least, step.most), where
        assert column.last[place] in step.last, where
        # Of numbers that are no decimals of some places, floats are added.
        most = max(abs(step.least), abs(step.most))
        mean = column.mean[place]
        assert mean is not None
        assert math.isclose(mean, step.mean, rel_tol=1e-12, abs_tol=most * 1e-12), where


def questions(house: House, now: int) -> Iterator[tuple[str, int, int, int]]:
    """Some: of what goes on, of what is over, of all of it."""
    chance = house.chance
    for host in HOSTS:
        end = now - chance.randrange(2 * HOUR)
        yield host, end - chance.randrange(4 * HOUR), end, chance.choice(STEPS)
        first = START + chance.randrange((now - START) // HOUR + 1) * HOUR
        last = first + chance.randrange(1, 80) * HOUR - 1
        yield host, first, last, chance.choice([step for step in STEPS if step >= MINUTE])
        within = sorted(chance.randrange(START, now) for _ in range(2))
        yield host, within[0], within[1], chance.choice([step for step in STEPS if step >= MINUTE])
        yield host, START - DAY, now + DAY, chance.choice(STEPS[3:])


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_whatever_times_do_each_reading_counts_once_and_where_it_belongs(
    tmp_path: Path, setting: str, seed: int
) -> None:
    chance = random.Random(f"{setting} {seed}")
    house = House(tmp_path / "store", SETTINGS[setting], chance)
    layouts = dict.fromkeys(HOSTS, LAYOUTS[0])
    tiers: set[str] = set()
    now = START + HOUR
    for _ in range(24 * 4):
        house.tell(house.hour(now, layouts), now)
        # The store's clock is set back for a while, now and then.
        seen = now + 11 * MINUTE - (2 * HOUR if chance.random() < 0.1 else 0)
        if chance.random() < 0.6:
            house.passes(seen)
        if chance.random() < 0.3:
            for host, start, end, step in questions(house, now):
                tiers.update(house.compare(host, start, end, step).split("+"))
        now += HOUR
    house.passes(now + DAY)
    for host in HOSTS:
        for step in STEPS[3:]:
            tiers.update(house.compare(host, START - DAY, now, step).split("+"))
    assert tiers >= {"rows", "blocks", "5m", "1h"}
    house.close()
