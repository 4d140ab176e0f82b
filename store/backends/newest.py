"""The newest record of each series on its way to the state, and when the first one was. A writer's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import lmdb

from bus.messages import BY_CODE
from bus.timing import SECOND
from bus.wire import measured_at
from store.backends.values import pack_latest, pack_series, unpack_latest, unpack_series
from store.batch import Group, is_newer
from store.keys import NUMBER, SAMPLE_CODE, series_key

LATEST_EVERY = SECOND
"""ns between two writings of the hosts' newest samples: a page a host with each commit would cost more than the rows.
After a crash the newest sample of a host may be a second behind its rows, until the host's next one."""

Numbered = list[tuple[int, bytes, Group]]
"""Groups of one kind, with the number and the subject of their series."""
First = dict[int, int]
"""When the first record of a series was, by its number."""


class NewestRecords:
    """Gathers them over commits; ``db`` are the state's databases."""

    def __init__(self, db: Mapping[str, Any]) -> None:
        self._db = db
        self._at: dict[int, int] = {}
        self._waiting: dict[int, tuple[int, bytes]] = {}
        """By number: when the newest record was received, and the record."""
        self._unwritten: set[int] = set()
        self._written = 0
        self._first: First = {}

    def __bool__(self) -> bool:
        """Whether some wait."""
        return bool(self._waiting)

    def gather(self, txn: lmdb.Transaction, code: int, groups: Numbered) -> None:
        """Remember the newest of each series; what is not a sample, or is a series' first, is written at once."""
        known, waiting, later = self._at, self._waiting, dict[int, Group]()
        for number, _, group in groups:
            at, received = group.at, group.last
            before = known.get(number)
            if before is None:
                stored = unpack_latest(txn.get(NUMBER.pack(number), db=self._db["latest"]))
                before = None if stored is None else measured_at(stored.record)
            if before is None or is_newer(at, before, received):
                known[number] = at
                if group.mixed or group.more:
                    # Which record that is, is looked for once a series, and not for each of its minutes.
                    later[number] = group
                else:
                    waiting[number] = received, group.pieces[-1]
                    later.pop(number, None)
                if before is None or code != SAMPLE_CODE:
                    self._unwritten.add(number)
            else:
                known[number] = before
        for number, group in later.items():
            _, received, record = group.newest()
            waiting[number] = received, record

    def put(self, txn: lmdb.Transaction, now: int) -> bool:
        """Write what may not wait, or all when it is time; returns whether it was all. Then comes ``committed``."""
        due = not 0 <= now - self._written < LATEST_EVERY  # a clock that was set back keeps nothing waiting
        with txn.cursor(self._db["latest"]) as cursor:
            numbers = self._waiting if due else self._unwritten
            cursor.putmulti([(NUMBER.pack(number), pack_latest(*self._waiting[number])) for number in sorted(numbers)])
        return due

    def committed(self, now: int | None, *, all_of_it: bool) -> None:
        """What was put is on the disk, at ``now`` if it is to be reckoned from then."""
        self._unwritten.clear()
        if all_of_it:
            self._waiting.clear()
            self._written = self._written if now is None else now

    def put_first(self, txn: lmdb.Transaction, told: Iterable[tuple[int, Numbered]]) -> First:
        """Write of each series when its first record was, where one of the batch is older; see ``began``."""
        found: First = {}
        before = self._first
        for code, groups in told:
            for number, subject, group in groups:
                known = found.get(number) or before.get(number)
                if known is not None and group.first >= known:
                    continue
                key = series_key(BY_CODE[code].name, subject)
                value = txn.get(key, db=self._db["series"])
                series = unpack_series(key, value) if value else None
                if series is None:
                    continue
                found[number] = min(series[1], group.first)
                if group.first < series[1]:
                    txn.put(key, pack_series(key, series[0], group.first), db=self._db["series"])
        return found

    def began(self, found: First) -> None:
        """What ``put_first`` gave is on the disk."""
        self._first.update(found)
