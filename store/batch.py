"""Gather records between two commits into the groups that one commit writes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from bus.messages import BY_CODE, KINDS
from bus.wire import HEADER, walk
from store.keys import EARLIEST, FAR, MINUTE, period

LAYOUT = KINDS["layout"].code
AHEAD = 600 * 1_000_000_000
"""A record this far in the future, ns, comes from a clock that is wrong."""


def is_newer(at: int, newest_at: int, received: int) -> bool:
    """Whether a record of ``at`` takes the place of the newest; one from the future does not keep it for ever."""
    return at >= newest_at or newest_at > received + AHEAD


@dataclass(slots=True)
class Group:
    """Records of one series and minute."""

    received: int
    records: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Newest:
    """The newest record of a series within the batch."""

    at: int
    received: int
    record: bytes


class Batch:
    """What has come since the last commit.

    ``groups`` maps (kind code, start of the partition) to {(subject, minute): group}; ``latest`` maps (kind code,
    subject) to the newest record; ``layouts`` holds the records of layouts, which are kept for ever.
    """

    def __init__(self) -> None:
        self.groups: dict[tuple[int, int], dict[tuple[bytes, int], Group]] = {}
        self.latest: dict[tuple[int, bytes], Newest] = {}
        self.layouts: list[bytes] = []
        self.records = 0
        self.bytes = 0
        self.misdated = 0

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
            # The sender's clock is wrong. Stored under its own time all the same: a resend must fall on it.
            self.misdated += 1
            at = min(max(at, EARLIEST), FAR)
        names = HEADER.size
        if fields[4]:
            subject = record[names + fields[3] : names + fields[3] + fields[4]]
        else:
            subject = record[names : names + fields[3]]
        length = _PERIODS[code]
        try:
            partition = self.groups[code, at - at % length]
        except KeyError:
            partition = self.groups[code, at - at % length] = {}
        key = (subject, at // MINUTE)
        try:
            partition[key].records.append(record)
        except KeyError:
            partition[key] = Group(received, [record])
        newest = self.latest.get((code, subject))
        if newest is None:
            self.latest[code, subject] = Newest(at, received, record)
        elif is_newer(at, newest.at, received):
            newest.at, newest.received, newest.record = at, received, record

    def __bool__(self) -> bool:
        return self.records > 0


_PERIODS = {code: period(kind.name) for code, kind in BY_CODE.items()}
