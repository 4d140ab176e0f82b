"""Records, frames and batches for the store's tests: host ``web-1``, noon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bus.messages import Check, Facts, Layout, Message, Sample
from bus.wire import Record, pack, record, stamped, unstamped
from store.batch import Batch

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_769_860_800 * SECOND
"""2026-01-31T12:00:00Z"""
LAYOUT = Layout(("cpu.percent", "memory.used"))


def told(message: Message, number: int, *, host: str = "web-1", at: int = NOON, subject: str | None = None) -> Record:
    """A record of ``message``."""
    return record(message, source=host, subject=subject, at=at, epoch=7, number=number, sent=at)


def sample(number: int, *, host: str = "web-1", at: int | None = None, cpu: float | None = None) -> Record:
    """The sample of second ``number`` after noon, with that number as CPU and a hundred times it as memory."""
    values = (float(number) if cpu is None else cpu, 100.0 * number)
    return told(Sample(LAYOUT.id, values), number, host=host, at=NOON + number * SECOND if at is None else at)


def layout(host: str = "web-1") -> Record:
    """The layout of all samples here."""
    return told(LAYOUT, 1, host=host)


def check(number: int, status: str = "up", *, at: int | None = None) -> Record:
    """A check of the shop, minute ``number`` after noon."""
    moment = NOON + number * MINUTE if at is None else at
    return told(Check(status), number, host="guardia.prober", subject="shop", at=moment)


def facts(number: int, kernel: str, *, host: str = "web-1") -> Record:
    """A host's facts."""
    return told(Facts(kernel=kernel), number, host=host, at=NOON + number)


def batch(records: Iterable[Record], received: int = NOON) -> Batch:
    """What the writer makes of these records."""
    made = Batch()
    for one in records:
        frame = stamped(one.kind, 1, 1, received, [pack(one)])
        stamp, start = unstamped(frame)
        made.add(frame, start, stamp.received)
    return made


def numbers(rows: Sequence[tuple[int, int, bytes]]) -> list[int]:
    """The seconds after noon of rows."""
    return [(row[0] - NOON) // SECOND for row in rows]
