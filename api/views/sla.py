"""A service's availability as clients read it. Pure."""

from __future__ import annotations

from api.encoding import to_time
from api.past_shapes import AvailabilityRow, Outage, StateSeconds
from bus.availability import Kept, available, coverage, fully_up
from bus.questions import Held
from bus.timing import SECOND

MOST_OUTAGES = 100
"""Outages that a row lists; all are counted."""


def row(kept: Kept) -> AvailabilityRow:
    """One row of ``GET /sla``."""
    return {
        "service_name": kept.service,
        "period": kept.period,
        "start": to_time(kept.start),
        "end": to_time(kept.end),
        "availability": _rounded(available(kept.whole)),
        "up_percentage": _rounded(fully_up(kept.whole)),
        "coverage": round(coverage(kept.whole), 6),
        "seconds": _seconds(kept.whole),
        "checks": kept.checks,
        "outages": len(kept.outages),
        "longest_outage_seconds": kept.longest / SECOND,
        "newest_outages": [_outage(*one) for one in kept.outages[-MOST_OUTAGES:]],
        "places": [
            {"place": held.place, "availability": _rounded(available(held)), "seconds": _seconds(held)}
            for held in kept.places
        ],
    }


def _outage(start: int, end: int) -> Outage:
    return {"start": to_time(start), "end": to_time(end), "seconds": (end - start) / SECOND}


def _seconds(held: Held) -> StateSeconds:
    return {
        "up": held.up / SECOND,
        "degraded": held.degraded / SECOND,
        "down": held.down / SECOND,
        "unknown": held.unknown / SECOND,
        "maintenance": held.maintenance / SECOND,
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
