"""What became of each producer's messages, as clients read it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from api.encoding import to_time
from api.shapes import Account, GapRow, Gaps
from bus.questions import Accounted, GapEntry, GapsAnswer

Line = tuple[str, str, float]
"""Family, label's value, value."""


def gaps(start: int | None, end: int, answer: GapsAnswer) -> Gaps:
    """The answer to ``GET /gaps``."""
    return {
        "start": None if start is None else to_time(start),
        "end": to_time(end),
        "count": len(answer.producers),
        "lost": sum(one.lost + one.rejected for one in answer.producers),
        "producers": [_account(one) for one in answer.producers],
    }


def counters(answer: GapsAnswer) -> Iterator[Line]:
    """The same for Prometheus: (family, producer, value); what is lost may be found."""
    for one in answer.producers:
        yield "guardia_messages_sent_total", one.source, one.sent
        yield "guardia_messages_stored_total", one.source, one.stored
        yield "guardia_messages_duplicate_total", one.source, one.duplicates
        yield "guardia_messages_rejected_total", one.source, one.rejected
        yield "guardia_messages_lost", one.source, one.lost
        yield "guardia_messages_waiting", one.source, one.waiting


def _account(one: Accounted) -> Account:
    return {
        "source": one.source,
        "since": to_time(one.since) if one.since else None,
        "last_seen": to_time(one.seen) if one.seen else None,
        "sent": one.sent,
        "stored": one.stored,
        "duplicates": one.duplicates,
        "rejected": one.rejected,
        "lost": one.lost,
        "waiting": one.waiting,
        "reasons": one.reasons,
        "gaps": [_gap(entry) for entry in one.entries],
    }


def _gap(entry: GapEntry) -> GapRow:
    return {
        "timestamp": to_time(entry.at),
        "epoch": f"{entry.epoch:016x}",
        "first": entry.first,
        "last": entry.last,
        "count": entry.last - entry.first + 1,
        "reason": entry.reason,
    }
