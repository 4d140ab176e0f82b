"""Hosts, samples and frames for the tests: host ``web-1``, service ``shop``, noon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

from api.directory import Directory
from api.health import Limits
from api.live import Live
from api.paused import paused
from api.present import Present
from api.received import Told, told
from bus.messages import Check, Facts, Layout, Message, Sample
from bus.questions import (
    AGGREGATES,
    Accounted,
    Availability,
    AvailabilityAnswer,
    Column,
    GapsAnswer,
    Held,
    Series,
    SeriesAnswer,
    SeriesText,
    SeriesTextAnswer,
    Stored,
    StoreStatistics,
    Subject,
    Unanswered,
    pack_answer,
)
from bus.units import units
from bus.wire import Record, pack, record, stamped

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOON = 1_769_860_800 * SECOND
"""2026-01-31T12:00:00Z"""
DISK_SERIES = SeriesAnswer(
    (NOON - MINUTE, NOON),
    MINUTE,
    "rows",
    0.5,
    (Column("disk[/].percent", (1.0, None), (0.5, None), (1.5, None), (1.2, None), (6, 0)),),
)
"""Two steps of one metric, of which the second has no reading."""

READINGS: dict[str, float | None] = {
    "cpu.percent": 12.5,
    "cpu.count": 2.0,
    "cpu[0].percent": 10.0,
    "cpu[0].mhz": 2400.4,
    "cpu[1].percent": 15.0,
    "cpu[1].mhz": 2400.0,
    "cpu.mhz": 2400.0,
    "load.1m": 0.5,
    "load.5m": 0.25,
    "load.15m": 0.125,
    "memory.total": 8_000_000_000.0,
    "memory.used": 2_000_000_000.0,
    "swap.total": 1_000_000_000.0,
    "swap.used": 0.0,
    "disk[/].total": 100_000_000_000.0,
    "disk[/].used": 40_000_000_000.0,
    "disk[/].free": 60_000_000_000.0,
    "disk[/].percent": 40.0,
    "net[eth0].rx_bytes_per_s": 1000.0,
    "net[eth0].tx_bytes_per_s": 500.0,
    "temperature[coretemp/Package id 0].celsius": 50.0,
    "temperature[nvme/Composite].celsius": None,
    "system.uptime_seconds": 3600.0,
}
FACTS = Facts(
    host_name="web-1",
    os_name="Debian GNU/Linux",
    os_version="13",
    kernel="6.12.0",
    arch="x86_64",
    cpu_count=2,
    memory_total=8_000_000_000,
    interval=10.0,
    version="0.1.0",
    python="3.11.2",
)
UP = Check("up", url="https://shop.example", response_ms=125.4, http_status=200, tls_days=60)

_numbers: dict[str, int] = {}


def a_record(message: Message, *, subject: str = "web-1", at: int = NOON, sent: int | None = None) -> Record:
    """One record of ``message``, sent a millisecond after it was measured."""
    _numbers[subject] = number = _numbers.get(subject, 0) + 1
    source = "guardia.prober" if isinstance(message, Check) else subject
    return record(
        message,
        source=source,
        subject=subject,
        at=at,
        epoch=1,
        number=number,
        sent=at + 1_000_000 if sent is None else sent,
    )


def reading(changes: Mapping[str, float | None] | None = None) -> tuple[Layout, Sample]:
    """The layout and sample of the usual readings with ``changes``."""
    readings = READINGS | dict(changes or {})
    layout = Layout(tuple(readings))
    return layout, Sample(layout.id, tuple(readings.values()))


def stored(message: Message, *, subject: str = "web-1", at: int = NOON, received: int | None = None) -> Stored:
    """A record as the store has it."""
    return Stored(at + 2_000_000 if received is None else received, pack(a_record(message, subject=subject, at=at)))


def present(live: Live, directory: Directory | None = None, now: int = NOON) -> Present:
    """What a worker knows; nobody is paused."""
    directory = directory or Directory()
    return Present(now, live, directory, Limits(), paused((), directory, now))


class Collector:
    """Makes bus frames, as the collector does."""

    def __init__(self, incarnation: int = 7) -> None:
        self.incarnation = incarnation
        self.counters: dict[str, int] = {}

    def frame(self, records: Iterable[Record], received: int = NOON) -> bytes:
        """The bus frame of records of one kind."""
        records = list(records)
        kind = records[0].kind
        self.counters[kind] = counter = self.counters.get(kind, 0) + 1
        return stamped(kind, self.incarnation, counter, received, [pack(one) for one in records])


def heard(message: Message, *, subject: str = "web-1", at: int = NOON, received: int | None = None) -> Told:
    """The record as it comes down the stair."""
    frame = Collector().frame([a_record(message, subject=subject, at=at)], at if received is None else received)
    return told(frame)[1][0]


class FakeCounter:
    """A store that answers from lists, or refuses with ``failure``."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, list[Stored]]] = {}
        self.names: dict[int, tuple[str, ...]] = {}
        self.failure: str | None = None
        self.unknown = False
        """Whether nothing is known of any service's past."""
        self.first_at = 0
        """When the first record of everybody was measured."""
        self.asked: list[tuple[Any, ...]] = []
        self.answer = SeriesAnswer((), SECOND, "rows", 0.0, ())
        self.accounts: tuple[Accounted, ...] = ()
        self.counts = StoreStatistics(records={"sample": 3, "check": 1}, commits=2)

    def keep(self, message: Message, *, subject: str = "web-1", at: int = NOON, received: int | None = None) -> None:
        """Store a message; a layout becomes known by its id."""
        if isinstance(message, Layout):
            self.names[message.id] = message.names
            return
        one = stored(message, subject=subject, at=at, received=received)
        kind = type(message).__name__.lower()
        self.records.setdefault(kind, {}).setdefault(subject, []).append(one)

    def keep_reading(
        self, changes: Mapping[str, float | None] | None = None, *, subject: str = "web-1", at: int = NOON
    ) -> None:
        """Store a sample, which differs by ``changes`` from the usual one, and its layout."""
        layout, sample = reading(changes)
        self.keep(layout)
        self.keep(sample, subject=subject, at=at)

    async def subjects(self, kind: str) -> tuple[Subject, ...]:
        self._heard("subjects", kind)
        return tuple(
            Subject(name, self.first_at, 0, rows[-1].received)
            for name, rows in sorted(self.records.get(kind, {}).items())
        )

    async def latest(self, kind: str) -> tuple[Stored, ...]:
        self._heard("latest", kind)
        return tuple(rows[-1] for _, rows in sorted(self.records.get(kind, {}).items()))

    async def range(self, kind: str, subject: str, start: int, end: int, limit: int) -> tuple[Stored, ...]:
        self._heard("range", kind, subject, start, end, limit)
        rows = self.records.get(kind, {}).get(subject, [])
        return tuple([row for row in rows if start <= row.received - 2_000_000 <= end][-limit:])

    async def layouts(self, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        self._heard("layouts", *ids)
        return {one: self.names[one] for one in ids if one in self.names}

    async def series(self, question: Series) -> SeriesAnswer:
        self._heard("series", question)
        return self.answer

    async def series_text(self, question: SeriesText) -> SeriesTextAnswer:
        answer = await self.series(question)
        series = [
            {"metric": one.metric, "unit": units([one.metric])[0]}
            | {name: getattr(one, name) for name in AGGREGATES if name in question.aggregates}
            for one in answer.columns
        ]
        text = json.dumps({"times": [time // 1_000_000 for time in answer.times], "series": series})
        counts = len(answer.columns), len(answer.times)
        return SeriesTextAnswer(answer.step, answer.tier, answer.coverage, *counts, text.encode())

    def series_begun(self, question: SeriesText) -> asyncio.Future[bytes]:
        async def packed() -> bytes:
            return pack_answer(await self.series_text(question))

        return asyncio.ensure_future(packed())

    async def availability(self, question: Availability) -> AvailabilityAnswer:
        self._heard("availability", question)
        length = question.end - question.start
        apart = sum(question.apart[1::2]) - sum(question.apart[::2])
        down = min(MINUTE, length - apart)
        if self.unknown:
            return AvailabilityAnswer(0, Held(unknown=length - apart, maintenance=apart), (), ())
        held = Held("", up=length - apart - down, down=down, maintenance=apart)
        return AvailabilityAnswer(10, held, (held,), (question.end - down, question.end) if down else ())

    async def statistics(self) -> StoreStatistics:
        self._heard("statistics")
        return self.counts

    async def gaps(self, source: str | None, start: int | None) -> GapsAnswer:
        self._heard("gaps", source, start)
        return GapsAnswer(tuple(one for one in self.accounts if source in (None, one.source)))

    def _heard(self, *question: Any) -> None:
        self.asked.append(question)
        if self.failure is not None:
            raise Unanswered(self.failure)
