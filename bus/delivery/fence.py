"""Which message kills the store (rule R9). Pure.

Before the store works on a batch it writes ``around(...)`` to its marker file, without fsync: a killed process
leaves the page cache as it is. When the batch is committed it writes ``cleared(...)``. A marker that tells of
something at the next start means that the store died over it:

    fence = Fence(marker found at the start, b"" for none)
    fence.verdict(source, epoch, number)      BULK: in a batch; ALONE: not with others; QUARANTINE: do not touch it
    fence.parts(runs)                         which of several that are to be ALONE are worked on together
    marker = fence.around(runs)               before a batch, which may be of a single message
    marker = fence.cleared(runs)              after its commit; b"" when there is nothing to remember. Of runs with
                                              holes in them ``fence.settled(receiver.held)`` before, and of none here

The messages of a batch that was under the marker are worked on one by one. Of a large batch they are worked on in
parts, and after another death those of the part under the marker in smaller ones: nearly always chance ended the
process, and a commit for each of ten thousand messages takes a minute, in which chance may end it again. One that was
under the marker by itself twice is put into quarantine undecoded: once may be chance, since anything may end a process.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

from bus.delivery.ranges import Ranges, Span

Run = tuple[str, int, int, int]
"""Source, epoch, first and last number."""
STRIKES = 2
FEW, PARTS = 256, 16
"""Of so few messages that were under the marker each is worked on by itself, and of more so many parts."""
OTHERS = 1024
"""So many suspects that were not under it at the last death are worked on at a time."""
_ROW = struct.Struct(">BBQQQ")
_UNDER, _SUSPECT, _STRUCK = 0, 1, 16


class Handling(Enum):
    """How a message is to be worked on."""

    BULK = "bulk"
    ALONE = "alone"
    QUARANTINE = "quarantine"


class Fence:
    """Suspects, and how often each was worked on when the store died."""

    def __init__(self, marker: bytes = b"") -> None:
        self._suspects: dict[tuple[str, int], Ranges] = {}
        self._strikes: dict[tuple[str, int, int], int] = {}
        under: list[Run] = []
        for code, run in _parse(marker):
            if code == _UNDER:
                under.append(run)
            elif code == _SUSPECT:
                self._suspect(run)
            else:
                self._strikes[run[:3]] = code - _STRUCK
        self._closely: dict[tuple[str, int], Ranges] = {}
        """What was under the marker at the last death."""
        for source, epoch, first, last in under:
            self._closely.setdefault((source, epoch), Ranges()).add(first, last)
        count = sum(ranges.count for ranges in self._closely.values())
        self._part = 1 if count <= FEW else count // PARTS
        lonely = len(under) == 1 and under[0][2] == under[0][3] and self._is_suspect(*under[0][:3])
        for run in under:
            self._suspect(run)
            if lonely:
                self._strikes[run[:3]] = self._strikes.get(run[:3], 0) + 1

    def verdict(self, source: str, epoch: int, number: int) -> Handling:
        """How to work on this message."""
        if not self._suspects or not self._is_suspect(source, epoch, number):
            return Handling.BULK
        struck = self._strikes.get((source, epoch, number), 0) >= STRIKES
        return Handling.QUARANTINE if struck else Handling.ALONE

    def parts(self, runs: Sequence[Run]) -> list[slice]:
        """Which of these suspects, each a run of one message, are worked on together: under one marker."""
        most = [self._together(*run[:3]) for run in runs]
        found, begin = [], 0
        for end in range(1, len(runs) + 1):
            if end == len(runs) or end - begin >= most[begin] or most[end] != most[begin]:
                found.append(slice(begin, end))
                begin = end
        return found

    def around(self, runs: Iterable[Run]) -> bytes:
        """The marker for a batch."""
        pack = _ROW.pack
        under = [
            pack(_UNDER, len(source), epoch, first, last) + source.encode()  # names are ASCII
            for source, epoch, first, last in runs
        ]
        return b"".join((self._memory(), *under))

    def cleared(self, runs: Iterable[Run]) -> bytes:
        """The marker after these were committed, or put into quarantine: they are suspects no more."""
        if self._suspects:
            for source, epoch, first, last in runs:
                ranges = self._suspects.get((source, epoch))
                if ranges is None:
                    continue
                ranges.discard(first, last)
                if not ranges:
                    del self._suspects[source, epoch]
            self._strikes = {one: n for one, n in self._strikes.items() if self._is_suspect(*one)}
        return self._memory()

    def settled(self, held: Callable[[str, int, int, int], list[Span]]) -> None:
        """Forget the suspects that the store has after all: ``held`` of (source, epoch, first, last)."""
        for (source, epoch), ranges in list(self._suspects.items()):
            spans = [span for first, last in ranges for span in held(source, epoch, first, last)]
            self.cleared((source, epoch, *span) for span in spans)

    @property
    def suspects(self) -> int:
        """How many messages are to be worked on a few at a time."""
        return sum(ranges.count for ranges in self._suspects.values())

    def _together(self, source: str, epoch: int, number: int) -> int:
        """With how many of its like a suspect may be worked on, itself among them."""
        if (source, epoch, number) in self._strikes:
            return 1
        closely = self._closely.get((source, epoch))
        return self._part if closely is not None and number in closely else OTHERS

    def _suspect(self, run: Run) -> None:
        self._suspects.setdefault(run[:2], Ranges()).add(run[2], run[3])

    def _is_suspect(self, source: str, epoch: int, number: int) -> bool:
        ranges = self._suspects.get((source, epoch))
        return ranges is not None and number in ranges

    def _memory(self) -> bytes:
        rows = [
            _row(_SUSPECT, (source, epoch, first, last))
            for (source, epoch), ranges in self._suspects.items()
            for first, last in ranges
        ]
        rows += [
            _row(_STRUCK + min(n, STRIKES), (source, epoch, number, number))
            for (source, epoch, number), n in self._strikes.items()
        ]
        return b"".join(rows)


def _row(code: int, run: Run) -> bytes:
    source, epoch, first, last = run
    name = source.encode()
    return _ROW.pack(code, len(name), epoch, first, last) + name


def _parse(marker: bytes) -> list[tuple[int, Run]]:
    """The rows of a marker; one that was cut short by the death ends it."""
    rows, at = [], 0
    while at + _ROW.size <= len(marker):
        code, length, epoch, first, last = _ROW.unpack_from(marker, at)
        at += _ROW.size
        if at + length > len(marker) or first > last:
            break
        rows.append((code, (marker[at : at + length].decode("ascii", "replace"), epoch, first, last)))
        at += length
    return rows
