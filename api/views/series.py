"""A host's series as clients read them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.encoding import to_bytes, to_time
from bus.questions import AGGREGATES, SeriesTextAnswer
from bus.timing import SECOND

__all__ = ["AGGREGATES", "USUAL", "fleet_bytes", "series_bytes"]

USUAL = frozenset({"mean", "min", "max"})


def series_bytes(name: str, start: int, end: int, answer: SeriesTextAnswer) -> bytes:
    """The answer to ``GET /servers/{id}/series``, a ``SeriesShape``; its numbers are as the store wrote them."""
    head = {
        "server_id": name,
        "start": to_time(start),
        "end": to_time(end),
        "step_seconds": answer.step / SECOND,
        "tier": answer.tier,
        "coverage": answer.coverage,
    }
    return to_bytes(head)[:-1] + b"," + answer.text[1:]


def fleet_bytes(start: int, end: int, servers: Sequence[bytes], follows: str | None) -> bytes:
    """The answer to ``GET /series``, a ``FleetSeries``; ``follows`` is the cursor of the next page."""
    head = to_bytes({"start": to_time(start), "end": to_time(end), "count": len(servers)})
    return b"".join((head[:-1], b',"servers":[', b",".join(servers), b'],"next":', to_bytes(follows), b"}"))
