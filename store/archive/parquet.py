"""One day of one kind as Parquet, which DuckDB, pandas and others read, and from which each row comes back bit for bit.

Samples are long: ``time``, ``host``, ``metric``, ``value``. Records have a column for each of their fields, and their
``body`` as it came. What belongs to a whole message stands once, on the row of its first metric: ``source``,
``received``, ``stream_epoch``, ``stream_number``; on the others these are null.

The index, in the file's metadata, says where what is (``store.archive.index``). Rows have checksums of their own in it,
and the file as a whole has one (``store.archive.whole``).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bus.messages import KINDS
from bus.wire import Malformed
from store.archive import whole
from store.archive.index import KEY, Index, LaterVersion, Piece, Place, packed, path_of, unpacked
from store.blocks.gather import Origin, Told, records
from store.blocks.pressing import Damaged, Newer
from store.blocks.scaled import Floats, Integers
from store.exporting.parquet import TIME, WORD, schema_of, tabled
from store.exporting.text import records_of
from store.keys import SAMPLE

AT_ONCE = 1 << 18
"""So many numbers are in a row group: one metric is found without reading them all."""
FACTS = {"received": pa.int64(), "stream_epoch": pa.uint64(), "stream_number": pa.uint64()}
"""What is told of a whole message."""
EXTRA = pa.schema([("source", WORD), *FACTS.items(), ("body", pa.binary())])
TIMES = ("time", *FACTS)
LEVEL = 9
PAGE_BYTES = 8 << 20
"""A page is compressed alone: the times, which are the same for each metric, have to be on one."""
ROWS_IN_PAGE = {"max_rows_per_page": AT_ONCE} if "max_rows_per_page" in signature(pq.ParquetWriter).parameters else {}
"""Later versions of pyarrow end a page after 20,000 rows unless they are told, earlier ones never do."""
DICTIONARY_BYTES = 4 << 20
"""A day of readings each second has that many different times."""
BROKEN = (pa.ArrowException, OSError, ValueError, KeyError, IndexError, TypeError, EOFError)
"""What reading a damaged file may raise."""


class Archived:
    """An open file. Opening and reading raise ``Damaged`` for what is not as it was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source = path.open("rb")
        try:
            self._file = pq.ParquetFile(self._source, page_checksum_verification=True)
            self.index = unpacked((self._file.metadata.metadata or {})[KEY])
        except BaseException as error:
            self._source.close()
            if isinstance(error, LaterVersion):
                raise Newer(f"{error}, and is left alone") from None
            if isinstance(error, BROKEN):
                raise Damaged(f"it cannot be opened: {_first_line(error)}") from None
            raise
        self._of: dict[str, list[Place]] = {}
        for place in self.index.places:
            self._of.setdefault(place.subject, []).append(place)

    def misplaced(self) -> str:
        """Which file it is, when it is not the one that its folders say; else empty."""
        if self.path.parts[-3:-1] == path_of(Path(), self.index.kind, self.index.start).parts[-3:-1]:
            return ""
        return f"it is {path_of(Path(), self.index.kind, self.index.start)} under another name"

    def subjects(self) -> list[str]:
        """Whose rows are here, by name."""
        return list(self._of)

    def places(self, subject: str) -> list[Place]:
        """The places of a subject."""
        return self._of.get(subject, [])

    def times(self, place: Place) -> Integers:
        """When the messages of a place were told."""
        return self._facts(place)[0]

    def numbers(self, place: Place, wanted: Sequence[int]) -> dict[int, Floats]:
        """The numbers of these metrics of a place, by the metric's position."""
        found: dict[int, Floats] = {}
        for piece in place.pieces:
            here = [metric for metric in wanted if piece.first <= metric < piece.first + piece.metrics]
            if here:
                values = self._values(place, piece)
                found.update({metric: values[metric - piece.first] for metric in here})
        return found

    def told(self, place: Place) -> Told:
        """All rows of a place."""
        times, received, epoch, number, bodies = self._facts(place)
        if place.layout is None:
            return Told(times, received, epoch, number, None, bodies)
        values = np.empty((place.values, place.rows))
        for piece in place.pieces if place.values else ():
            values[piece.first : piece.first + piece.metrics] = self._values(place, piece)
        return Told(times, received, epoch, number, values)

    def rows_of(self, subject: str) -> dict[Origin, Told]:
        """All rows of a subject."""
        return {place.origin: self.told(place) for place in self.places(subject)}

    def verify(self) -> list[str]:
        """Read everything; a sentence for each place that is not as it was written, else for the file, if it is not.

        Raises ``OSError``.
        """
        found = []
        for place in self.index.places:
            try:
                self.told(place)
                for piece in place.pieces:
                    # The columns that we do not answer from have the pages' own checksums.
                    self._columns(piece.group, None)
            except (Damaged, OSError) as error:
                found.append(f"{self.path}: {place.subject}: {error}")
        # A file that is damaged elsewhere answers here as before, and other programs may read it otherwise.
        promised = whole.KEY in (self._file.metadata.metadata or {})
        if not found and not whole.is_whole(self.path, promised=promised):
            found.append(f"{self.path}: its rows are whole, the rest of it is not as it was written")
        return found

    def close(self) -> None:
        """Give the file back; twice is no fault."""
        self._source.close()

    def _facts(self, place: Place) -> tuple[Integers, Integers, Integers, Integers, tuple[bytes, ...]]:
        names = [*TIMES, *(["body"] if place.layout is None else [])]
        table = self._columns(place.pieces[0].group, names).slice(0, place.rows)
        try:
            columns = [_integers(table.column(name)) for name in TIMES]
            bodies = tuple(table.column("body").to_pylist()) if place.layout is None else ()
            whole = _checksum(columns, bodies)
        except BROKEN as error:
            raise Damaged(_first_line(error)) from None
        if table.num_rows != place.rows or whole != place.checksum:
            raise Damaged("the checksum of the messages does not hold")
        return columns[0], columns[1], columns[2], columns[3], bodies

    def _values(self, place: Place, piece: Piece) -> Floats:
        table = self._columns(piece.group, ["value"])
        try:
            column = table.column("value")
            values = np.concatenate([part.to_numpy() for part in column.chunks]).reshape(piece.metrics, place.rows)
        except BROKEN as error:
            raise Damaged(_first_line(error)) from None
        if crc32(np.ascontiguousarray(values, "<f8").tobytes()) != piece.checksum:
            raise Damaged("the checksum of the numbers does not hold")
        return values

    def _columns(self, group: int, names: Sequence[str] | None) -> Any:
        try:
            return self._file.read_row_group(group, columns=list(names) if names else None, use_threads=False)
        except BROKEN as error:
            raise Damaged(_first_line(error)) from None


class Writing:
    """A file that is being written at ``path``; ``finish`` makes it durable there. Raises ``OSError``."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._kind = kind
        self._code = KINDS[kind].code
        self.schema = SAMPLES if kind == SAMPLE else pa.schema([*schema_of(kind), *EXTRA])
        samples = kind == SAMPLE
        self._file = path.open("wb")
        self._sink = whole.Sink(self._file)
        self._writer = pq.ParquetWriter(
            self._sink,
            self.schema,
            compression="zstd",
            compression_level=LEVEL,
            data_page_size=PAGE_BYTES,
            **ROWS_IN_PAGE,
            # Arrow's dictionary of numbers holds one NaN: what is to come back bit for bit is not in one.
            use_dictionary=["time", "host", "metric", "source"] if samples else ["subject", "source"],
            column_encoding={"value": "BYTE_STREAM_SPLIT"} if samples else None,
            dictionary_pagesize_limit=DICTIONARY_BYTES,
            write_page_checksum=True,
        )
        self._groups = 0
        self._places: list[Place] = []

    def add(self, subject: str, origin: Origin, told: Told, names: Sequence[str]) -> None:
        """Append the rows of one origin; ``names`` are those of its layout, if they are known."""
        pieces = []
        if told.values is not None and len(told.values):
            step = max(1, AT_ONCE // max(len(told), 1))
            for first in range(0, len(told.values), step):
                some = told.values[first : first + step]
                checksum = crc32(np.ascontiguousarray(some, "<f8").tobytes())
                pieces.append(Piece(self._groups, first, len(some), checksum))
                named = list(names[first : first + step]) if len(names) == len(told.values) else None
                self._write(self._samples(subject, origin, told, some, named, facts=first == 0))
        else:
            pieces.append(Piece(self._groups, 0, 0, 0))
            self._write(self._bare(subject, origin, told) if self._kind == SAMPLE else self._records(origin, told))
        kept = told.kept
        columns = [told.at, told.received, told.epoch, told.number]
        self._places.append(
            Place(
                subject,
                origin.source,
                origin.subject,
                origin.layout,
                origin.values,
                len(told),
                int(kept[0]),
                int(kept[-1]),
                _checksum(columns, told.bodies),
                tuple(pieces),
            )
        )

    def finish(
        self,
        span: tuple[int, int],
        layouts: Mapping[int, tuple[str, ...]],
        sources: Iterable[tuple[int, int, int]],
    ) -> None:
        """Write the index, and have it all on the disk."""
        index = Index(self._kind, *span, tuple(self._places), layouts, frozenset(sources))
        self._writer.add_key_value_metadata({KEY.decode(): packed(index), whole.KEY.decode(): "1"})
        self._sink.hold()
        self._writer.close()
        self._sink.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Give up what was not finished."""
        if not self._file.closed:
            with contextlib.suppress(*BROKEN):
                self._writer.close()
            self._file.close()

    def _write(self, columns: Mapping[str, Any]) -> None:
        count = len(columns["time"])
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(count, field.type) for field in self.schema
        ]
        table = pa.Table.from_arrays(arrays, schema=self.schema)
        self._writer.write_table(table, row_group_size=max(count, 1))
        self._groups += 1

    def _samples(
        self, subject: str, origin: Origin, told: Told, values: Floats, names: list[str] | None, *, facts: bool
    ) -> dict[str, Any]:
        rows, metrics = len(told), len(values)
        count = rows * metrics
        columns = {
            "time": pa.array(np.tile(told.at, metrics), pa.int64()).cast(TIME),
            "host": _word(subject, count),
            "value": pa.array(np.ascontiguousarray(values).reshape(-1)),
        }
        if names is not None:
            places = pa.array(np.repeat(np.arange(metrics, dtype=np.int32), rows))
            columns["metric"] = pa.DictionaryArray.from_arrays(places, pa.array(names, pa.string()))
        if facts:
            more = count - rows
            for name, array in _facts(origin, told).items():
                columns[name] = pa.concat_arrays([array, pa.nulls(more, array.type)]) if more else array
        return columns

    def _bare(self, subject: str, origin: Origin, told: Told) -> dict[str, Any]:
        """Samples without numbers of ours."""
        columns = {
            "time": pa.array(told.at, pa.int64()).cast(TIME),
            "host": _word(subject, len(told)),
            **_facts(origin, told),
        }
        return columns if told.values is not None else {**columns, "body": pa.array(told.bodies, pa.binary())}

    def _records(self, origin: Origin, told: Told) -> dict[str, Any]:
        rows = records(origin, told, self._code)
        plain = []
        for row in rows:
            try:
                plain += list(records_of([row])) or [(row[0], "", {})]
            except (Malformed, ValueError):
                plain.append((row[0], "", {}))
        schema = pa.schema([field for field in self.schema if field.name not in EXTRA.names])
        try:
            table = tabled(plain, schema)
        except BROKEN:  # a field that is no value of its column: the bodies have all
            table = tabled([(at, "", {}) for at, _, _ in plain], schema)
        columns = {name: table.column(name).combine_chunks() for name in schema.names}
        subject = (origin.subject or origin.source).decode()
        return {
            **columns,
            "time": pa.array(told.at, pa.int64()).cast(TIME),
            "subject": pa.array([subject] * len(told), pa.string()),
            **_facts(origin, told),
            "body": pa.array(told.bodies, pa.binary()),
        }


SAMPLES = pa.schema([("time", TIME), ("host", WORD), ("metric", WORD), ("value", pa.float64()), *EXTRA])


def _facts(origin: Origin, told: Told) -> dict[str, Any]:
    return {
        "source": _word(origin.source.decode(), len(told)),
        "received": pa.array(told.received, pa.int64()),
        "stream_epoch": pa.array(told.epoch.view(np.uint64)),
        "stream_number": pa.array(told.number.view(np.uint64)),
    }


def _word(text: str, count: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text]))


def _integers(column: Any) -> Integers:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    parts = [part.to_numpy(zero_copy_only=True).view(np.int64) for part in column.chunks]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _checksum(columns: Iterable[Integers], bodies: Iterable[bytes]) -> int:
    found = 0
    for column in columns:
        found = crc32(np.ascontiguousarray(column, "<i8").tobytes(), found)
    for body in bodies:
        found = crc32(body, found)
    return found


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
