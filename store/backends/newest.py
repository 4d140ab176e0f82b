"""The newest record of each series on its way to the state, and when the first one was. A writer's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lmdb

from bus.messages import BY_CODE, KINDS
from store.backends.values import measured_at, pack_latest, pack_series, unpack_latest, unpack_series
from store.batch import Batch, Latest, Newest, is_newer
from store.keys import NUMBER, series_key

SAMPLE = KINDS["sample"].code
LATEST_EVERY = 1_000_000_000
"""ns between two writings of the hosts' newest samples: a page a host with each commit would cost more than the rows.
After a crash the newest sample of a host may be a second behind its rows, until the host's next one."""

First = dict[tuple[int, bytes], int]
"""When the first record of a series was, by (kind code, subject)."""


class NewestRecords:
    """Gathers them over commits; ``db`` are the state's databases."""

    def __init__(self, db: Mapping[str, Any]) -> None:
        self._db = db
        self._at: dict[int, int] = {}
        self._waiting: dict[int, Newest] = {}
        self._unwritten: set[int] = set()
        self._written = 0
        self._first: First = {}

    def __bool__(self) -> bool:
        """Whether some wait."""
        return bool(self._waiting)

    def gather(self, txn: lmdb.Transaction, latest: Latest, series: Mapping[bytes, int]) -> None:
        """Remember the newest of each series; what is not a sample, or is a series' first, is written at once."""
        for (code, subject), newest in latest.items():
            number = series[series_key(BY_CODE[code].name, subject)]
            before = self._at.get(number)
            if before is None:
                stored = unpack_latest(txn.get(NUMBER.pack(number), db=self._db["latest"]))
                before = None if stored is None else measured_at(stored.record)
            if before is None or is_newer(newest.at, before, newest.received):
                self._at[number] = newest.at
                self._waiting[number] = newest
                if before is None or code != SAMPLE:
                    self._unwritten.add(number)
            else:
                self._at[number] = before

    def put(self, txn: lmdb.Transaction, now: int) -> bool:
        """Write what may not wait, or all when it is time; returns whether it was all. Then comes ``committed``."""
        due = now - self._written >= LATEST_EVERY
        for number in list(self._waiting) if due else self._unwritten:
            newest = self._waiting[number]
            txn.put(NUMBER.pack(number), pack_latest(newest.received, newest.record), db=self._db["latest"])
        return due

    def committed(self, now: int, *, all_of_it: bool) -> None:
        """What was put is on the disk."""
        self._unwritten.clear()
        if all_of_it:
            self._waiting.clear()
            self._written = max(self._written, now)

    def put_first(self, txn: lmdb.Transaction, batch: Batch) -> First:
        """Write of each series when its first record was, where one of the batch is older; see ``began``."""
        found: First = {}
        for (code, subject), group in batch.earliest().items():
            known = self._first.get((code, subject))
            if known is not None and (group.begin >= known or group.first_at() >= known):
                continue
            key = series_key(BY_CODE[code].name, subject)
            value = txn.get(key, db=self._db["series"])
            series = unpack_series(value) if value else None
            if series is None:
                continue
            first = found[code, subject] = min(series[1], group.first_at())
            if first < series[1]:
                txn.put(key, pack_series(series[0], first), db=self._db["series"])
        return found

    def began(self, found: First) -> None:
        """What ``put_first`` gave is on the disk."""
        self._first.update(found)
