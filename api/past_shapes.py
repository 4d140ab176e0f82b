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


class StateSeconds(TypedDict):
    """How long each state held; their sum is the period."""

    up: float
    degraded: float
    down: float
    unknown: float
    maintenance: float


class PlaceAvailability(TypedDict):
    """A service as it was seen from one place; empty: the hub."""

    place: str
    availability: Annotated[float | None, "percent; null where nothing is known"]
    seconds: StateSeconds


class Outage(TypedDict):
    """A stretch in which most places saw the service down."""

    start: Time
    end: Time
    seconds: float


class AvailabilityRow(TypedDict):
    """What a service kept of a period."""

    service_name: str
    period: Annotated[str, "a month, as 2026-10, or range"]
    start: Time
    end: Time
    availability: Annotated[float | None, "percent of the known time in which it answered; null: nothing is known"]
    up_percentage: Annotated[float | None, "the same without the time in which it was degraded"]
    coverage: Annotated[float, "the share of the time outside of maintenance of which something is known"]
    seconds: StateSeconds
    checks: int
    outages: int
    longest_outage_seconds: float
    newest_outages: list[Outage]
    places: list[PlaceAvailability]


class Sla(TypedDict):
    """What services kept of months, a page of rows."""

    zone: str
    count: int
    rows: list[AvailabilityRow]
    next: Annotated[str | None, "the cursor of the next page; null on the last one"]
