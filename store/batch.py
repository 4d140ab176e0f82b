"""Gather records between two commits into the groups that one commit writes. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from bus.messages import BY_CODE, KINDS, MAX_BODY
from bus.timing import MINUTE
from bus.wire import ALIKE, HEADER, LENGTHS, PLAIN, PLAIN_SAMPLE, walk
from store.dates import AHEAD, PAST
from store.keys import EARLIEST, SAMPLE_CODE, dated, kept_at, period

RUN = 64
"""So many of them are taken apart at once, at most."""
OF_RECORD, OF_GROUP = 150, 550
"""Bytes that a record and a group take in memory besides what came, at most: small records take more so."""
LAYOUT = KINDS["layout"].code


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

    __slots__ = ("at", "begin", "changes", "end", "first", "last", "mixed", "more", "pieces", "received")

    def __init__(self, minute: int) -> None:
        self.begin = self.at = minute * MINUTE
        self.end = self.first = self.begin + MINUTE
        self.pieces: list[bytes] = []
        """The records as they came; some of one length stand back to back in one piece."""
        self.more = 0
        """Records beyond one for each piece."""
        self.received = self.last = 0
        """When the first and the last of them were received."""
        self.changes: list[tuple[int, int]] = []
        """(number of records before it, when the next ones were received), as ``store.rows`` has them."""
        self.mixed = False

    @property
    def count(self) -> int:
        """How many records it has."""
        return len(self.pieces) + self.more

    def take(self, at: int, received: int, record: bytes) -> None:
        """One more record, of the time ``at``."""
        self._add(at, at, received, record, 1)

    def take_run(self, times: Sequence[int], received: int, records: bytes) -> None:
        """Several more of one length, back to back; their times ascend."""
        self._add(times[0], times[-1], received, records, len(times))

    def _add(self, first: int, last: int, received: int, piece: bytes, count: int) -> None:
        if received != self.last:
            if self.pieces:
                self.changes.append((len(self.pieces) + self.more, received))
            else:
                self.received = received
            self.last = received
        self.pieces.append(piece)
        self.more += count - 1
        if first < self.first:
            self.first = first
        if first < self.at:
            self.mixed = True
        if last >= self.at:
            self.at = last

    def newest(self) -> Newest:
        """Its newest record; of several the one that came last."""
        if not self.mixed:
            record = self.pieces[-1]
            return Newest(self.at, self.last, _last(record) if self.more else record)
        found = [one for one in self.dated() if kept_at(one[1]) == self.at]
        return Newest(self.at, *found[-1])

    def dated(self) -> Iterator[tuple[int, bytes]]:
        """(received, record) of each."""
        later, received, number = dict(self.changes), self.received, 0
        for piece in self.pieces:
            for begin, end, _ in walk(piece):
                received = later.get(number, received)
                number += 1
                yield received, piece[begin:end]


def _run(frame: bytes, start: int, body: int, length: int) -> list[int]:
    """The times of the samples from ``start`` on that their source told one after the other, in ascending order."""
    size = body + length
    most = min((len(frame) - start) // size, RUN)
    rows = _heads(body, length).iter_unpack(memoryview(frame)[start : start + most * size])
    alike, number, last, source = next(rows)
    times = [last]
    for head, following, at, name in rows:
        number += 1
        if head != alike or following != number or at < last or name != source:
            break
        times.append(last := at)
    return times


@lru_cache(256)
def _heads(body: int, length: int) -> Struct:
    """Of a sample whose body begins there and is so long: what is alike, number, time and source."""
    return Struct(f">{ALIKE}sQq{HEADER.size - ALIKE - 16}x{body - HEADER.size}s{length}x")


Latest = dict[tuple[int, bytes], Newest]
"""The newest record of each series of a batch, by (kind code, subject)."""


def _last(piece: bytes) -> bytes:
    """The last record of a piece."""
    source, subject, body = LENGTHS.unpack_from(piece)
    return piece[-HEADER.size - source - subject - body :]


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
        self._made = 0
        """Groups that were made."""
        self._samples: dict[bytes, Group] = {}
        """By subject, the groups that took the last samples: the next ones mostly go there too."""
        self._begin = self._end = 0
        self._hour: dict[tuple[bytes, int], Group] = {}
        """The partition of the last sample, and from when until before when it takes them."""

    @property
    def memory(self) -> int:
        """Bytes of memory that it takes, about; ``bytes`` are those of its records."""
        return self.bytes + OF_RECORD * self.records + OF_GROUP * self._made

    def hosts(self) -> set[bytes]:
        """The names of the hosts that it has samples of."""
        return {subject for (code, _), groups in self.groups.items() if code == SAMPLE_CODE for subject, _ in groups}

    def add(self, frame: bytes, start: int, received: int) -> None:
        """Take the records of a bus frame, from ``start`` on; raises ``Malformed``."""
        for begin, end, fields in walk(frame, start):
            self.add_record(fields, frame[begin:end], received)

    def gather(
        self, frame: bytes, start: int, received: int, follow: Callable[[bytes, int, int, int, float], bool]
    ) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
        """Take the records of a bus frame that are told once, and those numbered ones that ``follow``.

        ``follow`` (source, epoch, first number, last number, now in s) takes all of these numbers or none. The others,
        and those whose times are far from ``received``, are the caller's to decide on: they are given as
        ``bus.wire.walk`` gives them. Raises ``Malformed``.
        """
        size, now = len(frame), received / 1e9
        oldest, latest = max(EARLIEST, received - PAST), received + AHEAD
        before, untried = b"", 0
        unpack, bodies, samples, header = PLAIN.unpack_from, PLAIN_SAMPLE.get, self._samples.get, HEADER.size
        enough = size - header
        records = volume = 0
        try:
            while start < size:
                if start <= enough:
                    form, length, epoch, number, at, _ = unpack(frame, start)
                    body = bodies(form)
                    if body is not None and length <= MAX_BODY and (end := start + body + length) <= size:
                        source = frame[start + header : start + body]
                        if source == before and end < size and start >= untried:
                            times = _run(frame, start, body, length)
                            last = number + len(times) - 1
                            if (
                                oldest <= times[0]
                                and times[-1] <= latest
                                and (not epoch or follow(source, epoch, number, last, now))
                            ):
                                self._take_run(source, times, frame, start, end - start, received)
                                start += len(times) * (end - start)
                                continue
                            untried = start + len(times) * (end - start)
                        before = source
                        if oldest <= at <= latest and (not epoch or follow(source, epoch, number, number, now)):
                            records += 1
                            volume += end - start
                            group = samples(source)
                            if group is None or not group.begin <= at < group.end:
                                group = self._sample_group(source, at)
                                if at < group.first:
                                    group.first = at
                            # As ``Group.take`` does it; a call would cost as much as all that is done here.
                            if received != group.last:
                                if group.pieces:
                                    group.changes.append((len(group.pieces) + group.more, received))
                                else:
                                    group.received = received
                                group.last = received
                            group.pieces.append(frame[start:end])
                            if at >= group.at:
                                group.at = at
                            else:
                                group.mixed = True
                                if at < group.first:
                                    group.first = at
                            start = end
                            continue
                begin, start, fields = next(walk(frame, start))
                _, _, _, length, _, _, _, epoch, number, at, _, _, _, _ = fields
                source = frame[begin + header : begin + header + length]
                if not oldest <= at <= latest or (epoch and not follow(source, epoch, number, number, now)):
                    yield begin, start, fields
                else:
                    self.add_record(fields, frame[begin:start], received)
        finally:
            self.records += records
            self.bytes += volume

    def _take_run(
        self, source: bytes, times: Sequence[int], frame: bytes, start: int, length: int, received: int
    ) -> None:
        """Take samples of one source that stand one after the other, each so long, of these ascending times."""
        count = len(times)
        self.records += count
        self.bytes += count * length
        group, place = self._samples.get(source), 0
        while place < count:
            at = times[place]
            if group is None or not group.begin <= at < group.end:
                group = self._sample_group(source, at)
            end = count if times[-1] < group.end else bisect_left(times, group.end, place)
            group.take_run(times[place:end], received, frame[start + place * length : start + end * length])
            place = end

    def add_record(self, fields: tuple[Any, ...], record: bytes, received: int) -> None:
        """Take one record, whose header ``fields`` are as ``bus.wire.walk`` gives them."""
        _, code, _, source_length, subject_length, _, _, _, _, at, _, _, _, _ = fields
        size, names = len(record), HEADER.size + source_length
        self.records += 1
        self.bytes += size
        if code == LAYOUT:
            self.layouts.append(record)
            return
        if not EARLIEST <= at <= received + AHEAD:
            # The sender's clock is wrong. Kept under its own time all the same: a resend must fall on it.
            self.misdated += 1
            at = dated(at)
        subject = record[names : names + subject_length] if subject_length else record[HEADER.size : names]
        if code == SAMPLE_CODE:
            self._sample_group(subject, at).take(at, received, record)
        else:
            self._group(code, subject, at).take(at, received, record)

    def _sample_group(self, subject: bytes, at: int) -> Group:
        hour = self._hour
        if not self._begin <= at < self._end:
            self._begin = at - at % SAMPLES_PERIOD
            self._end = self._begin + SAMPLES_PERIOD
            hour = self._hour = self.groups.setdefault((SAMPLE_CODE, self._begin), {})
        minute = at // MINUTE
        found = hour.get((subject, minute))
        if found is None:
            found = hour[subject, minute] = Group(minute)
            self._made += 1
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
            self._made += 1
        return group

    def latest(self) -> Latest:
        """The newest record of each series."""
        found: Latest = {}
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
