"""The past as CSV or JSON lines, a line at a time. Pure.

A sample is a CSV line for each of its readings and one JSON line for all of them; any other record is one line. Times
are RFC 3339 in UTC, to the nanosecond where they have such.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from bus.fields import Unfit, plain
from bus.messages import KINDS, Sample
from bus.questions import SeriesAnswer
from bus.wire import Malformed, read
from store.columns import matching
from store.exporting.past import Past
from store.rows import Row

STEP_HEADS = ("time", "host", "metric", "mean", "min", "max", "last", "count")
SAMPLE_HEADS = ("time", "host", "metric", "value")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is a formula to spreadsheets, and may fetch or run something. A page may choose such words."""


def instant(ns: int) -> str:
    """``2026-01-31T12:00:00.000Z``, with nine digits where three do not tell it."""
    seconds, rest = divmod(ns, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{rest // 1_000_000:03}Z" if rest % 1_000_000 == 0 else f"{whole}.{rest:09}Z"


class Writes(Protocol):
    """Where the lines go."""

    def write(self, text: str, /) -> object:
        """Write ``text``."""
        ...


class Csv:
    """Lines of CSV under a line of heads."""

    def __init__(self, stream: Writes) -> None:
        self._table = csv.writer(stream, lineterminator="\n")
        # The library does not quote a carriage return, which ends a line to whoever reads it.
        self._quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self.lines = 0

    def begin(self, heads: Sequence[str]) -> None:
        """Write the heads."""
        self._table.writerow(heads)

    def samples(self, samples: Iterable[tuple[int, str, dict[str, float | None]]]) -> None:
        """A line for each reading; what had none has no line."""
        rows = [
            (instant(at), host, name, repr(value))
            for at, host, values in samples
            for name, value in values.items()
            if value is not None
        ]
        self._table.writerows(rows)
        self.lines += len(rows)

    def steps(self, host: str, answer: SeriesAnswer) -> None:
        """A line for each metric and step that has readings."""
        for row in step_rows(host, answer):
            self._table.writerow(row)
            self.lines += 1

    def records(self, rows: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
        """A line for each record; what is no plain value is there as JSON, and before a formula there is a '."""
        for at, subject, fields in rows:
            cells = [_cell(value) for value in fields.values()]
            table = self._quoted if any(isinstance(one, str) and "\r" in one for one in cells) else self._table
            table.writerow([instant(at), subject, *cells])
            self.lines += 1


class JsonLines:
    """A JSON object a line."""

    def __init__(self, stream: Writes) -> None:
        self._stream = stream
        self.lines = 0

    def begin(self, heads: Sequence[str]) -> None:
        """JSON has no heads."""

    def samples(self, samples: Iterable[tuple[int, str, dict[str, float | None]]]) -> None:
        """A line for each sample, null where there was no reading."""
        for at, host, values in samples:
            self._line({"time": instant(at), "host": host, "values": values})

    def steps(self, host: str, answer: SeriesAnswer) -> None:
        """A line for each metric and step that has readings."""
        for row in step_rows(host, answer):
            self._line(dict(zip(STEP_HEADS, row, strict=True)))

    def records(self, rows: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
        """A line for each record."""
        for at, subject, fields in rows:
            self._line({"time": instant(at), "subject": subject, **fields})

    def _line(self, one: dict[str, Any]) -> None:
        self._stream.write(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n")
        self.lines += 1


FORMS: dict[str, type[Csv | JsonLines]] = {"csv": Csv, "jsonl": JsonLines}


def heads(kind: str, *, stepped: bool) -> tuple[str, ...]:
    """The heads of a CSV file of a kind."""
    if kind == "sample":
        return STEP_HEADS if stepped else SAMPLE_HEADS
    return ("time", "subject", *(field.name for field in dataclasses.fields(KINDS[kind].message)))


def samples_of(
    past: Past, rows: Sequence[Row], globs: Sequence[str]
) -> Iterator[tuple[int, str, dict[str, float | None]]]:
    """(time, host, readings that match) of stored samples; what cannot be read is left out."""
    found = []
    for at, _, record in rows:
        try:
            told = read(record)[0]
            sample = told.message()
        except Malformed:
            continue
        if isinstance(sample, Sample):
            found.append((at, told.subject, sample))
    layouts = past.layouts(tuple({sample.layout for _, _, sample in found}))
    chosen = {one: frozenset(matching(names, globs)) for one, names in layouts.items()}
    for at, host, sample in found:
        names = layouts.get(sample.layout, ())
        if len(names) != len(sample.values):
            continue
        pairs = zip(names, sample.values, strict=True)
        values = {name: value for name, value in pairs if name in chosen[sample.layout]}
        if values:
            yield at, host, values


def records_of(rows: Iterable[Row]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(time, subject, fields) of stored records of any other kind; what cannot be read is left out."""
    for at, _, record in rows:
        try:
            told = read(record)[0]
            yield at, told.subject, plain(told.message())
        except (Malformed, Unfit):
            continue


def step_rows(host: str, answer: SeriesAnswer) -> Iterator[tuple[Any, ...]]:
    """The steps of an answer that have readings, as ``STEP_HEADS``."""
    for column in answer.columns:
        for place, count in enumerate(column.count):
            if count:
                values = (column.mean[place], column.min[place], column.max[place], column.last[place])
                yield instant(answer.times[place]), host, column.metric, *values, count


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
