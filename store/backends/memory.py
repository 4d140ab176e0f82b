"""Records in memory: for trying things out, and for a hub that shall remember nothing.

History ends at the process's end and is bounded by ``MOST_RECORDS``; the oldest records go first.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bus.messages import BY_CODE, layout_id
from bus.questions import Stored, Subject
from bus.wire import HEADER, read
from store.backends import Streams, busy, pieces_of_rows
from store.backends.values import told_of
from store.batch import Batch, Newest, is_newer
from store.columns import Steps
from store.keys import kept_at, period
from store.layouts import Ledger
from store.pieces import Piece
from store.rows import Row

MOST_RECORDS = 1_000_000


class MemoryBackend:
    """See ``store.backends.Backend``."""

    shared = False

    def __init__(self, path: Path | None = None, *, write: bool = True) -> None:
        self._rows: dict[tuple[str, str], list[Row]] = {}
        self._seen: dict[tuple[str, str], set[tuple[int, bytes]]] = {}
        self._first: dict[tuple[str, str], int] = {}
        self._latest: dict[tuple[str, str], Newest] = {}
        self._layouts: dict[int, tuple[str, ...]] = {}
        self._ledger = Ledger()
        self._records: Counter[str] = Counter()
        self._deleted: Counter[str] = Counter()
        self._streams: dict[bytes, bytes] = {}
        # What is forgotten at the end is another store after it: its producers offer again what they keep.
        self.generation = time.time_ns() // 1_000_000 << 16
        self._commits = 0
        self._cleaned: int | None = None
        self._committed: int | None = None

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        """Keep the batch."""
        puts, deletes = streams
        for stream in deletes:
            self._streams.pop(stream, None)
        self._streams.update(puts)
        for record in batch.layouts:
            names = read(record)[0].message().names
            self._layouts[layout_id(names)] = names
        for (code, _), groups in batch.groups.items():
            kind = BY_CODE[code].name
            for (subject, _), group in groups.items():
                for received, record in group.dated():
                    self._keep(kind, subject.decode(), received, record)
        for (code, name), newest in batch.latest().items():
            key = (BY_CODE[code].name, name.decode())
            known = self._latest.get(key)
            if known is None or is_newer(newest.at, known.at, newest.received):
                self._latest[key] = newest
        self._commits += 1
        self._committed = now
        while sum(len(rows) for rows in self._rows.values()) > MOST_RECORDS:
            self._drop_oldest()

    def streams(self) -> list[tuple[bytes, bytes]]:
        """None are older than this process."""
        return list(self._streams.items())

    def subjects(self, kind: str) -> list[Subject]:
        return [
            told_of(subject, self._first[kind, subject], Stored(newest.received, newest.record))
            for (of, subject), newest in sorted(self._latest.items())
            if of == kind
        ]

    def latest(self, kind: str, subjects: tuple[str, ...] | None) -> list[Stored]:
        wanted = sorted(s for k, s in self._latest if k == kind and (subjects is None or s in subjects))
        return [Stored(self._latest[kind, s].received, self._latest[kind, s].record) for s in wanted]

    def rows(self, kind: str, subject: str, start: int, end: int) -> list[Row]:
        rows = self._rows.get((kind, subject), [])
        first = bisect_left(rows, start, key=lambda row: row[0])
        return rows[first : bisect_right(rows, end, key=lambda row: row[0])]

    def newest_rows(self, kind: str, subject: str, start: int, end: int, limit: int) -> list[Row]:
        return self.rows(kind, subject, start, end)[-limit:] if limit > 0 else []

    def finest(self, subject: str, at: int) -> int:
        """Rows, always."""
        return 0

    def pieces(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """From rows; see ``Backend``."""
        return pieces_of_rows(self, subject, globs, grid, start, end)

    def layouts(self, ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        return {i: self._layouts[i] for i in ids if i in self._layouts}

    def may_learn(self, source: str, names: tuple[str, ...], now: int, most: int) -> bool:
        return self._ledger.learn(layout_id(names), source, sum(map(len, names)), now, most)

    def retain(self, keep: dict[str, int], now: int, *, short: bool = False) -> int:
        dropped = 0
        for (kind, subject), rows in self._rows.items():
            if kind in keep:
                cut = now - keep[kind]
                old = bisect_left(rows, cut - cut % period(kind), key=lambda row: row[0])
                dropped += old
                self._forget(kind, subject, old)
        self._cleaned = now
        return dropped

    def statistics(self) -> dict[str, Any]:
        return {
            "records": dict(self._records),
            "deleted": dict(self._deleted),
            "commits": self._commits,
            "bytes": sum(len(row[2]) for rows in self._rows.values() for row in rows),
            "partitions": 0,
            "last_cleanup": self._cleaned,
            "last_commit": self._committed,
        }

    def damage(self) -> dict[str, float]:
        """Nothing, ever."""
        return {}

    def refresh(self, idle: Callable[[], bool] = busy) -> None:
        """Nothing: no other process sees this memory."""

    def close(self) -> None:
        """Nothing to give back that the process's end would not."""

    def _keep(self, kind: str, subject: str, received: int, record: bytes) -> None:
        at = kept_at(record)
        identity = (at, record[HEADER.size :])
        seen = self._seen.setdefault((kind, subject), set())
        if identity in seen:
            return
        seen.add(identity)
        rows = self._rows.setdefault((kind, subject), [])
        rows.insert(bisect_right(rows, (at, received), key=lambda row: row[:2]), (at, received, record))
        first = self._first.get((kind, subject), at)
        self._first[kind, subject] = min(first, at)
        self._records[kind] += 1

    def _drop_oldest(self) -> None:
        (kind, subject), _ = min(
            ((key, rows[0][0]) for key, rows in self._rows.items() if rows), key=lambda item: item[1]
        )
        self._forget(kind, subject, max(1, len(self._rows[kind, subject]) // 10))

    def _forget(self, kind: str, subject: str, count: int) -> None:
        rows = self._rows[kind, subject]
        for at, _, record in rows[:count]:
            self._seen[kind, subject].discard((at, record[HEADER.size :]))
        del rows[:count]
        self._deleted[kind] += count
