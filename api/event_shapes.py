"""The shapes of the stream's events, as types. Pure. See ``api.shapes``."""

# No "from __future__ import annotations" here: as text, NotRequired would not be seen by __required_keys__.

from typing import Annotated, Literal, NotRequired, TypedDict

from api.shapes import CheckStatus, FactsShape, ProcessRow, ServerMetrics, StateWord, Time


class Event(TypedDict):
    """What all events of the stream have."""

    id: NotRequired[Annotated[str, "give the last one seen as ?after= when connecting again"]]


class MetricEvent(Event):
    """A host was measured."""

    type: Literal["metric"]
    server_id: str
    display_name: str
    metrics: ServerMetrics
    timestamp: Time
    values: NotRequired[Annotated[dict[str, float | None], "with ?values=true"]]


class ServiceCheckEvent(Event):
    """A service was checked."""

    type: Literal["service_check"]
    service_name: str
    url: str
    timestamp: Time
    status: CheckStatus
    response_time_ms: int | None
    http_status_code: int | None
    ssl_expiry_days: int | None
    error_message: str | None
    place: str
    state: Annotated[StateWord, "by all checks from this place"]


class FactsEvent(Event):
    """A host told its facts."""

    type: Literal["facts"]
    server_id: str
    timestamp: Time
    facts: FactsShape


class ProcessesEvent(Event):
    """A host told its processes."""

    type: Literal["processes"]
    server_id: str
    timestamp: Time
    processes: list[ProcessRow]


class AlertEvent(Event):
    """An alert changed its state, or what its rule says of it."""

    type: Literal["alert"]
    subject: str
    timestamp: Time
    rule: str
    state: str
    severity: str
    incident: str
    value: float | None
    threshold: float | None
    started_at: Time | None
    reason: str


class LossEvent(Event):
    """Messages of a producer will never come, or came after all where ``reason`` is found."""

    type: Literal["loss"]
    subject: Annotated[str, "the producer"]
    timestamp: Time
    epoch: Annotated[str, "one start of the producer, 16 hexadecimal digits"]
    first: int
    last: int
    count: int
    reason: str


class GapEvent(Event):
    """Events are missing here."""

    type: Literal["gap"]
    missed: Annotated[int | None, "messages of the bus that did not come; null when nobody knows"]
    reason: str
