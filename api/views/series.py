"""A host's series as clients read them. Pure."""

from __future__ import annotations

from collections.abc import Collection

from api.encoding import SECOND, to_time
from api.past_shapes import FleetSeries
from api.shapes import OneSeries, SeriesShape
from bus.messages import units
from bus.questions import AGGREGATES, Column, SeriesAnswer

__all__ = ["AGGREGATES", "USUAL", "fleet", "series"]

USUAL = frozenset({"mean", "min", "max"})


def series(name: str, start: int, end: int, answer: SeriesAnswer, aggregates: Collection[str]) -> SeriesShape:
    """The answer to ``GET /servers/{id}/series`` with the ``aggregates`` asked for."""
    names = [column.metric for column in answer.columns]
    return {
        "server_id": name,
        "start": to_time(start),
        "end": to_time(end),
        "step_seconds": answer.step / SECOND,
        "tier": answer.tier,
        "coverage": answer.coverage,
        "times": [time // 1_000_000 for time in answer.times],
        "series": [_one(column, unit, aggregates) for column, unit in zip(answer.columns, units(names), strict=True)],
    }


def fleet(start: int, end: int, servers: list[SeriesShape], follows: str | None) -> FleetSeries:
    """The answer to ``GET /series``; ``follows`` is the cursor of the next page."""
    return {
        "start": to_time(start),
        "end": to_time(end),
        "count": len(servers),
        "servers": servers,
        "next": follows,
    }


def _one(column: Column, unit: str, aggregates: Collection[str]) -> OneSeries:
    one: OneSeries = {"metric": column.metric, "unit": unit}
    if "mean" in aggregates:
        one["mean"] = list(column.mean)
    if "min" in aggregates:
        one["min"] = list(column.min)
    if "max" in aggregates:
        one["max"] = list(column.max)
    if "last" in aggregates:
        one["last"] = list(column.last)
    if "count" in aggregates:
        one["count"] = list(column.count)
    return one
