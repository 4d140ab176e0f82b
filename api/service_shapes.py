"""The shapes of what is told of services, as types. Pure. See ``api.shapes``."""

from typing import Annotated, TypedDict

from api.shapes import CheckStatus, Monitoring, Percent, ServiceHealth, StateWord, Time


class PlaceSeen(TypedDict):
    """How a service looks from one place; the hub's own is called ``hub``."""

    place: str
    timestamp: Time
    status: StateWord
    state: StateWord
    response_time_ms: int | None
    reason: str | None


class ServiceInfo(TypedDict):
    """A service with its last check."""

    name: str
    url: str
    monitoring_status: Monitoring
    health_status: ServiceHealth
    last_check: Time | None
    last_status: CheckStatus | None
    response_time_ms: int | None
    state: Annotated[StateWord, "by all checks and places, after grace"]
    reason: Annotated[str | None, "what is wrong, by the newest check that found something"]
    ssl_expiry_days: int | None
    flapping: bool
    places: list[PlaceSeen]


class Services(TypedDict):
    """All services."""

    services: list[ServiceInfo]
    count: int


class ServiceCheckRow(TypedDict):
    """One check of a service."""

    service_name: str
    timestamp: Time
    url: str
    status: CheckStatus
    response_time_ms: int | None
    http_status_code: int | None
    error_message: str | None
    ssl_expiry_days: int | None
    place: str
    attempts: int
    phases: Annotated[dict[str, float], "milliseconds: dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms"]


class ServiceChecks(TypedDict):
    """A service's checks between two times."""

    service_name: str
    start: Time
    end: Time
    count: int
    checks: Annotated[list[ServiceCheckRow], "oldest first"]


class Uptime(TypedDict):
    """The share of checks that found a service up."""

    service_name: str
    since: Time
    start: Time
    end: Time
    uptime_percentage: Percent
    total_checks: int
    successful_checks: int
    avg_response_time_ms: float | None
    coverage: Annotated[float, "share of the range of which is known how the service was"]
    up_seconds: float
    degraded_seconds: float
    down_seconds: float
    unknown_seconds: Annotated[float, "neither up nor down: nobody looked, or could"]
    uptime_of_known: Annotated[float | None, "percent of the known time that it was up"]


class Reported(TypedDict):
    """A job's report that is on the hub's disk."""

    service_name: str
    timestamp: Time
    status: Annotated[str, "up or down, as the job says"]
