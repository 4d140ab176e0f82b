"""The past as Parquet: ``DIR/kind=sample/day=2026-01-31/part.parquet``, as DuckDB, pandas, Spark and others read it.

A file is written beside its place and renamed when it is whole, so that a day is there whole or not at all; the same
export again replaces it. Samples are long: ``time``, ``host``, ``metric``, ``value``; each text is stored once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import types
import typing
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bus.messages import KINDS
from bus.timing import DAY
from store.columns import columns
from store.exporting.beside import beside
from store.exporting.past import Extent, Past
from store.exporting.text import records_of

TIME = pa.timestamp("ns", tz="UTC")
WORD = pa.dictionary(pa.int32(), pa.string())
SAMPLES = pa.schema([("time", TIME), ("host", WORD), ("metric", WORD), ("value", pa.float64())])
ROWS = 500_000
"""In a group of rows: what is held in memory before it is written."""
_PLAIN = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_RANDOM = frozenset({"epoch"})
"""Fields that are 64 random bits: half of them are no signed number."""
_RANGES = {pa.int64(): range(-(2**63), 2**63), pa.uint64(): range(2**64)}


def place_of(folder: Path, kind: str, day: int) -> Path:
    """The file of a kind and day."""
    named = datetime.fromtimestamp(day // 1_000_000_000, UTC).strftime("%Y-%m-%d")
    return folder / f"kind={kind}" / f"day={named}" / "part.parquet"


def write_day(
    folder: Path, kind: str, day: int, past: Past, extents: Iterable[Extent], globs: tuple[str, ...]
) -> Iterator[int]:
    """Write one day; yields how many rows were written so far, after each host. A day of nothing makes no file."""
    path = place_of(folder, kind, day)
    schema = SAMPLES if kind == "sample" else schema_of(kind)
    kept: list[pa.Table] = []
    rows = waiting = 0
    new = [one for one in path.parents if not one.exists()]
    writer: pq.ParquetWriter | None = None
    try:
        with contextlib.ExitStack() as opened:
            for extent in extents:
                part = Extent(extent.subject, max(extent.start, day), min(extent.end, day + DAY - 1))
                for table in _tables(kind, past, part, schema, globs) if part.start <= part.end else ():
                    kept.append(table)
                    waiting += table.num_rows
                    if waiting < ROWS:
                        continue
                    writer = writer or _opened(opened, path, schema)
                    rows += _written(writer, kept)
                    kept, waiting = [], 0
                yield rows + waiting
            if kept:
                writer = writer or _opened(opened, path, schema)
                rows += _written(writer, kept)
    finally:
        for one in new:
            with contextlib.suppress(OSError):  # it has something in it, or was never made
                one.rmdir()


def _tables(kind: str, past: Past, extent: Extent, schema: pa.Schema, globs: tuple[str, ...]) -> Iterator[pa.Table]:
    for _, rows in past.pieces(extent):
        if kind != "sample":
            table = tabled(records_of(rows), schema)
            if table.num_rows:
                yield table
            continue
        found = columns(rows, globs, past.layouts)
        for metric, values in found.values.items():
            there = ~np.isnan(values)
            count = int(there.sum())
            if count:
                times = pa.array(found.times[there], type=pa.int64()).cast(TIME)
                host, name = _word(extent.subject, count), _word(metric, count)
                yield pa.Table.from_arrays([times, host, name, pa.array(values[there])], schema=schema)


def tabled(records: Iterable[tuple[int, str, dict[str, Any]]], schema: pa.Schema) -> pa.Table:
    """(time, subject, fields) of records as a table; a whole number that its column cannot hold is null there."""
    ranges = {field.name: _RANGES[field.type] for field in schema if field.type in _RANGES}
    rows = [
        {"time": at, "subject": subject, **{name: _value(value, ranges.get(name)) for name, value in fields.items()}}
        for at, subject, fields in records
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _word(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text]))


def _value(value: Any, held: range | None) -> Any:
    if held is not None and type(value) is int and value not in held:
        return None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def schema_of(kind: str) -> pa.Schema:
    """The columns of a kind's records; what is no plain value is JSON text."""
    message = KINDS[kind].message
    hints = typing.get_type_hints(message)
    fields = [
        (field.name, pa.uint64() if field.name in _RANDOM else _type(hints[field.name]))
        for field in dataclasses.fields(message)
    ]
    return pa.schema([("time", TIME), ("subject", pa.string()), *fields])


def _type(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    return _PLAIN.get(hint, pa.string())


def _opened(until: contextlib.ExitStack, path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = until.enter_context(beside(path))
    return until.enter_context(pq.ParquetWriter(fresh, schema, compression="zstd"))


def _written(writer: pq.ParquetWriter, tables: list[pa.Table]) -> int:
    table = pa.concat_tables(tables).unify_dictionaries()
    writer.write_table(table)
    return int(table.num_rows)
