"""Gather records between two commits into the groups that one commit writes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bus.messages import BY_CODE, KINDS
from bus.wire import HEADER, walk
from store.keys import EARLIEST, MINUTE, dated, period

LAYOUT = KINDS["layout"].code
AHEAD = 600 * 1_000_000_000
"""A record this far in the future, ns, comes from a clock that is wrong."""


def is_newer(at: int, newest_at: int, received: int) -> bool:
    """Whether a record of ``at`` takes the place of the newest; one from the future does not keep it for ever."""
    return at >= newest_at or newest_at > received + AHEAD


class Group:
    """Records of one series and minute, and the newest of them.

    ``received`` is of the first; ``changes`` are (number of records before it, when the next ones were received).
    """

    __slots__ = ("at", "changes", "newest", "received", "received_last", "received_newest", "records")

    def __init__(self, at: int, received: int, record: bytes) -> None:
        self.received = self.received_last = self.received_newest = received
        self.changes: list[tuple[int, int]] = []
        self.records = [record]
        self.at = at
        self.newest = record

    @property
    def minute(self) -> int:
        """When its minute begins, ns."""
        return self.at - self.at % MINUTE

    def first_at(self) -> int:
        """The time of its oldest record."""
        return min(dated(fields[9]) for record in self.records for _, _, fields in walk(record))

    def dated(self) -> Iterator[tuple[int, bytes]]:
        """(received, record) of each."""
        later, received = dict(self.changes), self.received
        for number, record in enumerate(self.records):
            received = later.get(number, received)
            yield received, record


@dataclass(slots=True)
class Newest:
    """The newest record of a series within the batch."""

    at: int
    received: int
    record: bytes


Latest = dict[tuple[int, bytes], Newest]
"""The newest record of each series of a batch, by (kind code, subject)."""


class Batch:
    """What has come since the last commit.

    ``groups`` maps (kind code, start of the partition) to {(subject, minute): group}; ``layouts`` holds the records
    of layouts, which are kept for ever.
    """

    def __init__(self) -> None:
        self.groups: dict[tuple[int, int], dict[tuple[bytes, int], Group]] = {}
        self.layouts: list[bytes] = []
        self.records = 0
        self.bytes = 0
        self.misdated = 0
        self._code = self._start = self._end = -1
        self._partition: dict[tuple[bytes, int], Group] = {}

    def add(self, frame: bytes, start: int, received: int) -> None:
        """Take the records of a bus frame, from ``start`` on; raises ``Malformed``."""
        for begin, end, fields in walk(frame, start):
            self.add_record(fields, frame[begin:end], received)

    def add_record(self, fields: tuple[int, ...], record: bytes, received: int) -> None:
        """Take one record, whose header ``fields`` are as ``bus.wire.walk`` gives them."""
        code, at, size = fields[1], fields[9], len(record)
        self.records += 1
        self.bytes += size
        if code == LAYOUT:
            self.layouts.append(record)
            return
        if not EARLIEST <= at <= received + AHEAD:
            # The sender's clock is wrong. Kept under its own time all the same: a resend must fall on it.
            self.misdated += 1
            at = dated(at)
        names = HEADER.size
        if fields[4]:
            subject = record[names + fields[3] : names + fields[3] + fields[4]]
        else:
            subject = record[names : names + fields[3]]
        if code != self._code or not self._start <= at < self._end:
            self._open_partition(code, at)
        key = (subject, at // MINUTE)
        group = self._partition.get(key)
        if group is None:
            self._partition[key] = Group(at, received, record)
            return
        if received != group.received_last:
            group.changes.append((len(group.records), received))
            group.received_last = received
        group.records.append(record)
        if at >= group.at:
            group.at, group.newest, group.received_newest = at, record, received

    def latest(self) -> dict[tuple[int, bytes], Newest]:
        """The newest record of each series, by (kind code, subject)."""
        found: dict[tuple[int, bytes], Newest] = {}
        for (code, _), groups in self.groups.items():
            for (subject, _), group in groups.items():
                known = found.get((code, subject))
                if known is None or is_newer(group.at, known.at, group.received_newest):
                    found[code, subject] = Newest(group.at, group.received_newest, group.newest)
        return found

    def earliest(self) -> dict[tuple[int, bytes], Group]:
        """The oldest group of each series, by (kind code, subject)."""
        found: dict[tuple[int, bytes], Group] = {}
        for (code, _), groups in self.groups.items():
            for (subject, _), group in groups.items():
                known = found.get((code, subject))
                if known is None or group.at < known.at:
                    found[code, subject] = group
        return found

    def _open_partition(self, code: int, at: int) -> None:
        # Records come in the order of time, by and large: the partition of the last one is the next one's too.
        length = _PERIODS[code]
        self._code, self._start = code, at - at % length
        self._end = self._start + length
        self._partition = self.groups.setdefault((code, self._start), {})

    def __bool__(self) -> bool:
        return self.records > 0


_PERIODS = {code: period(kind.name) for code, kind in BY_CODE.items()}
