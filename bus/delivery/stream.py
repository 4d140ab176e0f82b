"""What the store knows of one stream, the messages of one epoch of one producer. Pure.

The persisted form of a stream, its value in the store's state (the key is the source, a zero byte, the epoch):

    0  8  watermark: every number up to here is stored, rejected or declared gone
    8  8  once: the highest watermark that any store ever acknowledged, as the producer says
   16  8  last: the highest number given, as the producer says
   24  8  seen: when something was last heard of it, seconds since 1970, double
   32  8  stored, 40 8 duplicates, 48 8 lost, 56 8 rejected: counts of messages
   64  4  number of spans beyond the watermark, 68 4 number of gaps
   72     each span: first, last (8 + 8)
          each gap: first, last, seconds since 1970 (double), reason (8 + 8 + 8 + 1)

all big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import Enum

from bus.delivery.ranges import Ranges

_HEAD = struct.Struct(">QQQdQQQQII")
_SPAN = struct.Struct(">QQ")
_GAP = struct.Struct(">QQdB")


class Reason(Enum):
    """Why numbers will never come."""

    DROPPED = "dropped"
    """The producer's spool had no room for them, or kept them too long."""
    RESTORED = "restored"
    """A store had them once; this one does not, and the producer has trimmed them since."""
    ORPHANED = "orphaned"
    """The producer no longer knows the epoch: its spool was lost with them."""


_REASONS = tuple(Reason)


@dataclass(frozen=True, slots=True)
class Gap:
    """The numbers ``first`` to ``last`` of a stream that nobody can supply; ``at`` in seconds since 1970."""

    first: int
    last: int
    reason: Reason
    at: float

    @property
    def count(self) -> int:
        """How many messages were lost."""
        return self.last - self.first + 1


Before = tuple[tuple[int, int, int, float, int, int, int, int], Ranges | None, list[Gap]]
"""A stream's numbers in the order of the persisted form, what is beyond its watermark, and its gaps."""


class Stream:
    """The state of one stream; only ``Receiver`` changes it."""

    __slots__ = (
        "before",
        "beyond",
        "committed",
        "duplicates",
        "epoch",
        "gaps",
        "key",
        "last",
        "lost",
        "once",
        "rejected",
        "seen",
        "source",
        "stored",
        "touched",
        "watermark",
    )

    def __init__(self, source: str, epoch: int) -> None:
        self.source = source
        self.epoch = epoch
        self.watermark = self.once = self.last = 0
        self.seen = 0.0
        self.stored = self.duplicates = self.lost = self.rejected = 0
        self.beyond = Ranges()
        self.gaps: list[Gap] = []
        self.committed = 0
        self.touched = False
        self.before: Before | None = None
        self.key = stream_key(source, epoch)
        """The stream's name in the store's state."""

    def as_it_is(self) -> Before:
        """All that ``become`` needs to be so again."""
        beyond = self.beyond.copy() if self.beyond else None
        return (
            (self.watermark, self.once, self.last, self.seen, self.stored, self.duplicates, self.lost, self.rejected),
            beyond,
            self.gaps.copy(),
        )

    def become(self, before: Before | None) -> None:
        """Be as it was; as new without that."""
        counts, beyond, gaps = before or ((0, 0, 0, 0.0, 0, 0, 0, 0), None, [])
        self.watermark, self.once, self.last, self.seen = counts[:4]
        self.stored, self.duplicates, self.lost, self.rejected = counts[4:]
        self.beyond = Ranges() if beyond is None else beyond
        self.gaps = gaps

    @property
    def until(self) -> int:
        """The last number of the first hole, 0 when there is none."""
        for first, _ in self.beyond:
            return first - 1
        return 0

    @property
    def highest(self) -> int:
        """The highest number that came or was declared, 0 when none was."""
        return self.beyond.last or self.watermark

    def encode(self) -> bytes:
        """The persisted form."""
        head = _HEAD.pack(
            self.watermark,
            self.once,
            self.last,
            self.seen,
            self.stored,
            self.duplicates,
            self.lost,
            self.rejected,
            len(self.beyond),
            len(self.gaps),
        )
        if not self.beyond and not self.gaps:
            return head
        spans = [_SPAN.pack(first, last) for first, last in self.beyond]
        gaps = [_GAP.pack(gap.first, gap.last, gap.at, _REASONS.index(gap.reason)) for gap in self.gaps]
        return b"".join((head, *spans, *gaps))

    def load(self, value: bytes) -> None:
        """Become what ``encode`` gave; raises ``ValueError`` for bytes that it never gives."""
        try:
            fields = _HEAD.unpack_from(value)
            middle = _HEAD.size + fields[8] * _SPAN.size
            if len(value) != middle + fields[9] * _GAP.size:
                raise ValueError(f"a stream of {len(value)} bytes")
            spans = list(_SPAN.iter_unpack(value[_HEAD.size : middle]))
            gaps = [
                Gap(first, last, _REASONS[reason], at) for first, last, at, reason in _GAP.iter_unpack(value[middle:])
            ]
        except (struct.error, IndexError) as error:
            raise ValueError(f"a stream of {len(value)} bytes: {error}") from None
        self.watermark, self.once, self.last, self.seen = fields[:4]
        self.stored, self.duplicates, self.lost, self.rejected = fields[4:8]
        self.beyond, self.gaps = Ranges(spans), gaps

    def uncover(self, number: int) -> bool:
        """Take this number out of the open gap that it is in; False when it is in none."""
        for place, gap in enumerate(self.gaps):
            if gap.first <= number <= gap.last:
                left = replace(gap, last=number - 1), replace(gap, first=number + 1)
                self.gaps[place : place + 1] = [one for one in left if one.first <= one.last]
                return True
        return False


def stream_key(source: str, epoch: int) -> bytes:
    """The key under which a stream is persisted."""
    return source.encode() + b"\0" + epoch.to_bytes(8, "big")


def read_key(key: bytes) -> tuple[str, int]:
    """The source and the epoch of a key."""
    return key[:-9].decode(), int.from_bytes(key[-8:], "big")
