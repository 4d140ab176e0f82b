"""Partitions of rows that are about to go: what the state says of them before, so that each is counted once.

The state counts what leaves the rows (``sealed``, ``deleted``, ``moved``) in the transaction that names the partition
as ``leaving``: its kind, its name, when it was last written to, its last transaction, and as what it was counted. Who
dies before it is gone is followed by a writer that removes it. One that cannot be removed is counted no more. A
partition of the same name that was made for late rows meanwhile is another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lmdb

from bus.timing import DAY
from store.backends import StoreBroken
from store.backends.partitions import Partitions
from store.keys import partition_start, period

LEAVING = "leaving"
FAR_AHEAD = DAY
"""What is dated so much further, ns, than when it was told comes from a clock that is wrong."""
Meta = dict[str, Any]


def counted(meta: Meta, what: str, kind: str, records: int) -> Meta:
    """The state's record of itself with so many more records of a kind ``deleted`` or ``sealed``."""
    before = meta.get(what, {})
    return {**meta, what: {**before, kind: int(before.get(kind, 0)) + records}}


class Leaving:
    """A writer's: ``meta`` is the state's record of itself, ``keep`` writes another and says whether it could."""

    def __init__(self, rows: Partitions, meta: Callable[[], Meta], keep: Callable[[Meta], bool]) -> None:
        self._rows = rows
        self._meta = meta
        self._keep = keep
        self._before: Meta = {}

    def note(self, what: str, kind: str, path: Path) -> bool:
        """Write down that a partition is about to leave the rows; False when that cannot be."""
        self._before = self._meta()
        found = counted(self._before, what, kind, self._rows.count(path))
        try:
            whose = [kind, path.name, self._rows.changed(path), self._rows.transaction(path), what]
            return self._keep({**found, LEAVING: whose})
        except (StoreBroken, lmdb.Error):
            return self._keep({**found, LEAVING: None})  # it cannot be read: then it is doubted, not counted

    def stays(self) -> None:
        """What was noted last could not be removed: it is not counted."""
        if self._meta() is not self._before:
            self._keep(self._before)

    def dropped(self, keep: Mapping[str, int], now: int, *, short: bool = False) -> tuple[int, Counter[str]]:
        """Drop what is older than ``keep`` says of its kind (ns); how many records, and which are not counted yet."""
        dropped, uncounted = 0, Counter[str]()
        for kind, age in keep.items():
            for path in self._rows.between(kind):
                if not self._is_over(kind, path, now, age, short=short) or self._rows.stuck.waits(path):
                    continue
                records, noted = self._rows.count(path), self.note("deleted", kind, path)
                if not self._rows.remove(path):
                    self.stays()
                    continue
                dropped += records
                if not noted:
                    uncounted[kind] += records  # on a full disk there is room afterwards
            self._rows.drop_put_aside(kind, now - age)
        self._rows.tidy()
        return dropped, uncounted

    def _is_over(self, kind: str, path: Path, now: int, age: int, *, short: bool) -> bool:
        """Whether a partition is past its time.

        What a clock that is wrong dated far ahead, as a host's may do for years, is kept for as long as all else, from
        when it was told: till its own time it would be rows that nobody seals, and take the room of everything else.
        """
        start = partition_start(path.name)
        if start + period(kind) <= now:
            return start + period(kind) <= now - age
        try:
            told = self._rows.changed(path)
        except StoreBroken:
            return False
        # While room is short all of it goes: where a clock stands still, or is beyond all reason, one hour grows on.
        return start - told > FAR_AHEAD and told <= now - (0 if short else age)

    def go_on(self) -> None:
        """Remove what the last writer was about to; when that cannot be, it is not counted."""
        meta = self._meta()
        try:
            kind, name, changed, transaction, *what = meta[LEAVING]
            path = self._rows.path(kind, name)
            if self._rows.changed(path) != changed or self._rows.transaction(path) != transaction:
                return
            if not self._rows.remove(path) and what:
                self._keep({**counted(meta, what[0], kind, -self._rows.count(path)), LEAVING: None})
        except (KeyError, TypeError, ValueError, StoreBroken, lmdb.Error):
            return
