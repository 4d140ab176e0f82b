"""Gather records between two commits into the groups that one commit writes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from bus.messages import BY_CODE, KINDS, MAX_BODY
from bus.wire import HEADER, PLAIN, PLAIN_SAMPLE, walk
from store.dates import AHEAD, PAST
from store.keys import EARLIEST, MINUTE, dated, period

LAYOUT, SAMPLE = KINDS["layout"].code, KINDS["sample"].code


def is_newer(at: int, newest_at: int, received: int) -> bool:
    """Whether a record of ``at`` takes the place of the newest; one from the future does not keep it for ever."""
    return at >= newest_at or newest_at > received + AHEAD


class Newest(NamedTuple):
    """The newest record of a series within the batch."""

    at: int
    received: int
    record: bytes


class Group:
    """Records of one series and minute, and when each was received.

    It takes records of times from ``begin`` until before ``end``; ``first`` is the time of the oldest, ``at`` that of
    the newest. ``mixed``: not each was as new as those before it.
    """

    __slots__ = ("at", "begin", "end", "first", "mixed", "records", "times")

    def __init__(self, minute: int) -> None:
        self.begin = self.at = minute * MINUTE
        self.end = self.first = self.begin + MINUTE
        self.records: list[bytes] = []
        self.times: list[int] = []
        self.mixed = False

    def take(self, at: int, received: int, record: bytes) -> None:
        """One more record, of the time ``at``."""
        self.records.append(record)
        self.times.append(received)
        if at < self.first:
            self.first = at
        if at >= self.at:
            self.at = at
        else:
            self.mixed = True

    def newest(self) -> Newest:
        """Its newest record; of several the one that came last."""
        place = len(self.records) - 1
        while self.mixed and dated(_measured_at(self.records[place])) != self.at:
            place -= 1
        return Newest(self.at, self.times[place], self.records[place])

    @property
    def changes(self) -> list[tuple[int, int]]:
        """(number of records before it, when the next ones were received), as ``store.rows`` has them."""
        times = self.times
        if times.count(times[0]) == len(times):
            return []
        return [(n, after) for n, (before, after) in enumerate(pairwise(times), 1) if before != after]

    def dated(self) -> Iterator[tuple[int, bytes]]:
        """(received, record) of each."""
        return zip(self.times, self.records, strict=True)


Latest = dict[tuple[int, bytes], Newest]
"""The newest record of each series of a batch, by (kind code, subject)."""


def _measured_at(record: bytes) -> int:
    at: int = PLAIN.unpack_from(record)[4]
    return at


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
        self._samples: dict[bytes, Group] = {}
        """By subject, the groups that took the last samples: the next ones mostly go there too."""
        self._begin = self._end = 0
        self._hour: dict[tuple[bytes, int], Group] = {}
        """The partition of the last sample, and from when until before when it takes them."""

    def add(self, frame: bytes, start: int, received: int) -> None:
        """Take the records of a bus frame, from ``start`` on; raises ``Malformed``."""
        for begin, end, fields in walk(frame, start):
            self.add_record(fields, frame[begin:end], received)

    def gather(
        self, frame: bytes, start: int, received: int, follow: Callable[[bytes, int, int, float], bool]
    ) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
        """Take the records of a bus frame that are told once, and those numbered ones that ``follow``.

        The others, and those whose times are far from ``received``, are the caller's to decide on: they are given as
        ``bus.wire.walk`` gives them. Raises ``Malformed``.
        """
        size, now = len(frame), received / 1e9
        oldest, latest = max(EARLIEST, received - PAST), received + AHEAD
        unpack, bodies, samples, header = PLAIN.unpack_from, PLAIN_SAMPLE.get, self._samples.get, HEADER.size
        while start < size:
            if start + header <= size:
                form, length, epoch, number, at, _ = unpack(frame, start)
                body = bodies(form)
                if body is not None and length <= MAX_BODY and (end := start + body + length) <= size:
                    source = frame[start + header : start + body]
                    group = samples(source)
                    if oldest <= at <= latest and (not epoch or follow(source, epoch, number, now)):
                        self.records += 1
                        self.bytes += end - start
                        if group is None or not group.begin <= at < group.end:
                            group = self._sample_group(source, at)
                            if at < group.first:
                                group.first = at
                        # As ``Group.take`` does it; a call would cost as much as all that is done here.
                        group.records.append(frame[start:end])
                        group.times.append(received)
                        if at >= group.at:
                            group.at = at
                        else:
                            group.mixed = True
                            if at < group.first:
                                group.first = at
                        start = end
                        continue
            begin, start, fields = next(walk(frame, start))
            names = begin + header
            near = oldest <= fields[9] <= latest
            if not near or (fields[7] and not follow(frame[names : names + fields[3]], fields[7], fields[8], now)):
                yield begin, start, fields
            else:
                self.add_record(fields, frame[begin:start], received)

    def add_record(self, fields: tuple[Any, ...], record: bytes, received: int) -> None:
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
        if code == SAMPLE:
            self._sample_group(subject, at).take(at, received, record)
        else:
            self._group(code, subject, at).take(at, received, record)

    def _sample_group(self, subject: bytes, at: int) -> Group:
        hour = self._hour
        if not self._begin <= at < self._end:
            self._begin = at - at % SAMPLES_PERIOD
            self._end = self._begin + SAMPLES_PERIOD
            hour = self._hour = self.groups.setdefault((SAMPLE, self._begin), {})
        minute = at // MINUTE
        found = hour.get((subject, minute))
        if found is None:
            found = hour[subject, minute] = Group(minute)
        self._samples[subject] = found
        return found

    def _group(self, code: int, subject: bytes, at: int) -> Group:
        minute = at // MINUTE
        start = at - at % _PERIODS[code]
        partition = self.groups.get((code, start))
        if partition is None:
            partition = self.groups[code, start] = {}
        group = partition.get((subject, minute))
        if group is None:
            group = partition[subject, minute] = Group(minute)
        return group

    def latest(self) -> dict[tuple[int, bytes], Newest]:
        """The newest record of each series, by (kind code, subject)."""
        found: dict[tuple[int, bytes], Newest] = {}
        for (code, _), groups in self.groups.items():
            for (subject, _), group in groups.items():
                known, newest = found.get((code, subject)), group.newest()
                if known is None or is_newer(newest.at, known.at, newest.received):
                    found[code, subject] = newest
        return found

    def earliest(self) -> dict[tuple[int, bytes], Group]:
        """The oldest group of each series, by (kind code, subject)."""
        found: dict[tuple[int, bytes], Group] = {}
        for (code, _), groups in self.groups.items():
            for (subject, _), group in groups.items():
                known = found.get((code, subject))
                if known is None or group.begin < known.begin:
                    found[code, subject] = group
        return found

    def __bool__(self) -> bool:
        return self.records > 0


SAMPLES_PERIOD = period("sample")
_PERIODS = {code: period(kind.name) for code, kind in BY_CODE.items()}
