"""The shapes of answers about the past of many: series of several hosts, the highest, availability."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from api.shapes import SeriesShape, Time


class FleetSeries(TypedDict):
    """Metrics of several hosts in the same steps of time, a page of hosts."""

    start: Time
    end: Time
    count: int
    servers: list[SeriesShape]
    next: Annotated[str | None, "the cursor of the next page; null on the last one"]


class TopRow(TypedDict):
    """A metric of a host, and how high it is."""

    server_id: str
    display_name: str
    metric: str
    unit: str
    value: float
    at: NotRequired[Annotated[Time, "when it was measured; not of a range"]]
    coverage: NotRequired[Annotated[float, "the share of the range that was measured; of a range only"]]


class Top(TypedDict):
    """The highest first, or the lowest."""

    start: Annotated[Time | None, "null: the newest values"]
    end: Time
    agg: Literal["mean", "min", "max", "last"]
    hosts: Annotated[int, "how many hosts were looked at"]
    count: int
    top: list[TopRow]
