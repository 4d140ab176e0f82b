"""Records as a collector published them, their headers read and their bodies not decoded yet. Pure.

The collector verified every checksum at the door and the stair is a socket of the hub's own, so a record is
taken apart here by its lengths alone: 2 µs, where a decoded sample costs 20.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from bus.fields import Unfit
from bus.messages import BY_CODE, HUB, KINDS
from bus.questions import Stored
from bus.timing import SECOND
from bus.wire import HEADER, Field, Malformed, Stamp, read, unstamped, walk

AHEAD = 2 * SECOND
"""So much later than now (ns) nothing is received."""


class Told(NamedTuple):
    """One record: what it is about, when, and its body as it came."""

    kind: str
    subject: str
    at: int
    """ns, by the clock of whoever measured it."""
    received: int
    """ns, by the hub's clock."""
    sent: int
    """ns, by the sender's clock; 0 when it does not say."""
    place: int
    """Its place among the records that were received together."""
    body: bytes
    source: str = ""
    """Who told it."""
    moment: int = 0
    """ns: as ``received``, and what of a millisecond came first; 0 where only the millisecond is known."""

    @property
    def born(self) -> int:
        """When it was measured, by the hub's clock: the sender's own clock only tells how old it was when sent."""
        return self.received - max(0, self.sent - self.at) if self.sent else self.received

    @property
    def hub(self) -> bool:
        """Whether it is about a room of the hub itself."""
        return self.subject.startswith(HUB)

    def message(self) -> Any:
        """The body as the kind's type; raises ``Malformed``."""
        try:
            return KINDS[self.kind].decode(self.body)
        except Unfit as fault:
            raise Malformed("body", f"{self.kind} of {self.subject}: {fault}") from None


_subjects: dict[bytes, str] = {}
"""Names seen, by their bytes: decoding one again costs more than looking it up."""
_MOST_SUBJECTS = 100_000


def told(frame: bytes) -> tuple[Stamp, list[Told]]:
    """The records of a bus frame; raises ``Malformed``."""
    stamp, start = unstamped(frame)
    found = []
    for place, (begin, end, fields) in enumerate(walk(frame, start)):
        _, code, _, source_length, subject_length, *_ = fields
        names = begin + HEADER.size
        body = names + source_length + subject_length
        source = frame[names : names + source_length]
        subject = frame[names + source_length : body] or source
        found.append(
            Told(
                BY_CODE[code].name if code in BY_CODE else stamp.kind,
                _subjects.get(subject) or _named(subject),
                fields[Field.AT],
                stamp.received,
                fields[Field.SENT],
                place,
                frame[body:end],
                _subjects.get(source) or _named(source),
                stamp.moment,
            )
        )
    return stamp, found


def stored(record: bytes, received: int) -> Told:
    """A record as the store keeps it; raises ``Malformed``."""
    found = read(record)[0]
    return Told(found.kind, found.subject, found.at, received, found.sent, 0, found.body, found.source)


def decoded(records: Iterable[Stored]) -> list[tuple[Told, Any]]:
    """What the store answered, with the bodies as their kind's type; what cannot be read is left out."""
    found = []
    for record in records:
        try:
            told = stored(record.record, record.received)
            found.append((told, told.message()))
        except Malformed:
            continue
    return found


def _named(subject: bytes) -> str:
    if len(_subjects) >= _MOST_SUBJECTS:
        _subjects.clear()
    return _subjects.setdefault(subject, subject.decode("ascii", "replace"))
