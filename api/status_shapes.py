"""The shapes of what anybody may see of services, as types. Pure. See ``api.shapes``."""

from typing import Annotated, Literal, TypedDict

from api.shapes import Time

StatusWord = Literal["up", "degraded", "down", "unknown", "maintenance"]
Available = Annotated[float | None, "percent of the known time outside of maintenance; null: nothing is known"]


class StatusDay(TypedDict):
    """A day of a service."""

    date: str
    availability: Available
    down_seconds: float
    maintenance: Annotated[bool, "whether nothing is known of it but that it was maintained for the most part"]


class StatusService(TypedDict):
    """A service as anybody may see it."""

    name: str
    group: str | None
    state: StatusWord
    availability: Available
    days: Annotated[list[StatusDay], "today the last"]


class StatusOutage(TypedDict):
    """A time in which a service was down."""

    name: str
    start: Time
    end: Annotated[Time | None, "null: it is down"]
    seconds: float


class StatusMaintenance(TypedDict):
    """A window of maintenance that is open or will be."""

    names: list[str]
    start: Time
    end: Time


class Status(TypedDict):
    """What the page of the status shows."""

    title: str
    text: str
    timestamp: Time
    state: StatusWord
    summary: str
    services: list[StatusService]
    maintenance: Annotated[list[StatusMaintenance], "of the next seven days"]
    outages: Annotated[list[StatusOutage], "of the last fourteen days, the newest first"]
