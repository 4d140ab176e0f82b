"""The first Guardia's SQLite file, read in the order of time and in small pieces; never written."""

from __future__ import annotations

import heapq
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

COLUMNS = {
    "metrics": ("server_id", "timestamp", "cpu_avg", "memory_used", "memory_total", "temp_avg", "metadata"),
    "service_checks": (
        *("service_name", "timestamp", "url", "status", "response_time_ms", "http_status_code", "error_message"),
    ),
}
"""Its tables; the first column names the host or the service."""
AT_ONCE = 1000
"""Rows that are read with one question, and..."""
MERGED = 20_000
"""...of all names together, where each is read for itself."""
Position = tuple[int, str]
"""(timestamp in ms, name) of the last row that was taken."""
START: Position = (-(2**63), "")
DAY_MS = 86_400_000
LAST_MS = (2**63 - 1) // 1_000_000
"""The last time that we can tell, in 2262."""
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands for what is no UTF-8: nobody is found by such a name."""
NO_NAME, NO_TIME = "no name in it", "a time that is none, or outside 1970 to 2262"


class NotASource(Exception):
    """The file is none of the first Guardia's; the text says why."""


@dataclass(frozen=True, slots=True)
class Held:
    """How many rows a table has of a host or service on a day (UTC), and from when to when (ms)."""

    name: str
    rows: int
    measured: int
    """Of these, rows with a CPU reading that is a number; of checks all."""
    first: int
    last: int


class Source:
    """The file, open for reading; raises ``NotASource`` when it cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise NotASource(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        if not os.access(path, os.R_OK):
            raise NotASource(f"{path}: permission denied")
        try:
            self._file = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
            self._file.row_factory = sqlite3.Row
            self.tables = tuple(table for table in COLUMNS if self._has(table))
        except sqlite3.Error as error:
            raise NotASource(_said(path, error)) from None
        if not self.tables:
            self.close()
            raise NotASource(f"{path}: found neither a table metrics nor service_checks, expected the first Guardia's")

    def _has(self, table: str) -> bool:
        there = {row["name"] for row in self._file.execute(f"PRAGMA table_info({table})")}
        missing = set(COLUMNS[table]) - there
        if there and missing:
            raise NotASource(f"{self.path}: the table {table} has no column {', '.join(sorted(missing))}")
        return bool(there)

    def held(self, table: str, since: int) -> list[Held]:
        """What there is from ``since`` (ms) on, by name and day."""
        name, *_ = COLUMNS[table]
        # What is no number of ours, as an infinite one, is not told either.
        number = "typeof(cpu_avg) IN ('integer', 'real') AND abs(cpu_avg) < 9.2e18"
        measured = f"COUNT(CASE WHEN {number} THEN 1 END)" if table == "metrics" else "COUNT(*)"
        question = (
            f"SELECT {name}, COUNT(*), {measured}, MIN(timestamp), MAX(timestamp) FROM {table} "  # noqa: S608, our names
            f"WHERE {_fit(name)} GROUP BY {name}, timestamp / {DAY_MS} ORDER BY {name}, timestamp / {DAY_MS}"
        )
        return [Held(*row) for row in self._asked(question, (max(since, 0), LAST_MS))]

    def unfit(self, table: str) -> dict[str, int]:
        """How many rows can never be told, by the reason."""
        name, *_ = COLUMNS[table]
        nameless = f"(typeof({name}) <> 'text' OR {name} = '')"
        question = (
            f"SELECT COUNT(CASE WHEN {nameless} THEN 1 END), COUNT(CASE WHEN NOT {nameless} THEN 1 END) FROM {table} "  # noqa: S608
            f"WHERE {nameless} OR typeof(timestamp) <> 'integer' OR timestamp < 0 OR timestamp > ?"
        )
        ((names, times),) = self._asked(question, (LAST_MS,))
        return {why: count for why, count in ((NO_NAME, names), (NO_TIME, times)) if count}

    def rows(self, table: str, after: Position, since: int) -> Iterator[sqlite3.Row]:
        """The rows after ``after`` and from ``since`` (ms) on, by time and name; without those that are unfit."""
        name, *_ = COLUMNS[table]
        names = None if self._has_index(table, "timestamp") else self._names(table)
        if names is None:
            # One index gives the times, and those of one instant are few: the file is never sorted as a whole.
            yield from self._paged(table, f"(timestamp > ? OR {name} > ?)", after, since, AT_ONCE)
            return
        # Each page by time would read all of the file; those of one name are found by the index that there is.
        most = max(10, min(AT_ONCE, MERGED // (len(names) or 1)))
        each = [self._of_name(table, one, after, since, most) for one in names]
        yield from heapq.merge(*each, key=lambda row: (row["timestamp"], row[name]))

    def _names(self, table: str) -> list[str] | None:
        """The hosts or services of a table; None where rows cannot be found by their names."""
        name, *_ = COLUMNS[table]
        if not self._has_index(table, name):
            return None
        names = [one for (one,) in self._asked(f"SELECT DISTINCT {name} FROM {table}", ())]  # noqa: S608, our names
        names = [one for one in names if isinstance(one, str) and one]
        return None if any(UNREADABLE in one for one in names) else names

    def _of_name(self, table: str, one: str, after: Position, since: int, most: int) -> Iterator[sqlite3.Row]:
        name, *_ = COLUMNS[table]
        at, last = after
        begin = (at, "") if one > last else (at + 1, "")
        return self._paged(table, f"(timestamp > ? OR {name} > ?) AND {name} = ?", begin, since, most, one)

    def _paged(
        self, table: str, which: str, after: Position, since: int, most: int, *more: str
    ) -> Iterator[sqlite3.Row]:
        """What is ``which``, in pieces; ``more`` stands for its places behind the position."""
        name, *_ = COLUMNS[table]
        question = (
            f"SELECT {', '.join(COLUMNS[table])} FROM {table} "  # noqa: S608, our names
            f"WHERE {_fit(name)} AND {which} ORDER BY timestamp, {name} LIMIT {most}"
        )
        while True:
            page = self._asked(question, (max(after[0], since, 0), LAST_MS, *after, *more))
            yield from page
            if len(page) < most:
                return
            after = page[-1]["timestamp"], page[-1][name]

    def _has_index(self, table: str, column: str) -> bool:
        """Whether rows are found by this column."""
        for index in self._asked(f"PRAGMA index_list({table})", ()):
            columns = self._asked(f'PRAGMA index_info("{index["name"]}")', ())
            if not index["partial"] and columns and columns[0]["name"] == column:
                return True
        return False

    def _asked(self, question: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        try:
            try:
                return self._file.execute(question, values).fetchall()
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
                # A text that is no UTF-8. From now on each is decoded here, which takes longer.
                self._file.text_factory = lambda raw: raw.decode("utf-8", "replace")
                return self._file.execute(question, values).fetchall()
        except sqlite3.Error as error:
            raise NotASource(_said(self.path, error)) from None

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _fit(name: str) -> str:
    """The condition on a row that can be told: two places, for the first and the last time."""
    time = "timestamp >= ? AND timestamp <= ? AND typeof(timestamp) = 'integer'"
    return f"{time} AND typeof({name}) = 'text' AND {name} <> ''"


def _said(path: Path, error: sqlite3.Error) -> str:
    """What is the matter, and what to do about it."""
    text = str(error)
    if "locked" in text or "unable to open" in text:
        text += "; stop the first Guardia, or import a copy: sqlite3 OLD '.backup COPY'"
    elif "malformed" in text:
        text += "; sqlite3 OLD '.recover' | sqlite3 NEW saves what can be read"
    return f"{path}: {text}"
