"""Records, turned into the events of the stream. Pure.

An event is a piece of JSON text, made once for all clients that want it. ``id`` is the same in every worker,
since it is made of what the collector stamped: a client may come back to another worker and go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from api.encoding import to_json, to_time
from api.event_shapes import AlertEvent, FactsEvent, GapEvent, LossEvent, ProcessesEvent, ServiceCheckEvent
from api.live import Live
from api.received import Told
from api.views.hosts import facts_shape, process_rows
from api.views.services import check_row, is_told, state_word
from bus.messages import KINDS, Alert, Check, Facts, Loss, Processes
from bus.wire import Malformed

TYPES = {
    "sample": "metric",
    "check": "service_check",
    "alert": "alert",
    "facts": "facts",
    "processes": "processes",
    "loss": "loss",
}
"""The ``type`` of the event that a record of each kind becomes."""
WORDS = frozenset({*TYPES.values(), "gap"})
USUAL = frozenset({"metric", "service_check", "alert", "gap"})
"""What a client gets that names no kinds: the rest is news only to those who know it."""

_ID = re.compile(r"([0-9a-f]{1,16})\.(\d{1,3})\.(\d{1,9})\Z", re.ASCII)


class Place(NamedTuple):
    """Where an event stands in the order of the stream."""

    moment: int
    code: int
    place: int

    def __str__(self) -> str:
        return f"{self.moment:x}.{self.code}.{self.place}"


def place_of(told: Told) -> Place:
    """Where the event of this record stands."""
    return Place(told.moment or told.received, KINDS[told.kind].code, told.place)


def parse_place(text: str) -> Place | None:
    """The place that an event's ``id`` names; None for a text that is none."""
    match = _ID.match(text)
    return Place(int(match[1], 16), int(match[2]), int(match[3])) if match else None


def event_text(told: Told, live: Live, display: Callable[[str], str], *, values: bool) -> str | None:
    """The event of a record as JSON; None when it makes none, as a first sample without rates."""
    if told.kind == "sample":
        return _metric(told, live, display, values)
    try:
        message = told.message()
    except Malformed:
        return None
    make = _MAKERS.get(type(message))
    event = make(told, message) if make else None
    return None if event is None else to_json(event | {"id": str(place_of(told))})


def gap_text(missed: int | None, reason: str) -> str:
    """The event that says that others are missing."""
    event: GapEvent = {"type": "gap", "missed": missed, "reason": reason}
    return to_json(event)


def _metric(told: Told, live: Live, display: Callable[[str], str], values: bool) -> str | None:
    metrics = live.metrics_text(told.subject, told)
    flat = live.values(told) if values else None
    if metrics is None or (values and flat is None):
        return None
    parts = [
        f'{{"type":"metric","id":"{place_of(told)}","server_id":{to_json(told.subject)},',
        f'"display_name":{to_json(display(told.subject))},"timestamp":"{to_time(told.at)}","metrics":{metrics}',
    ]
    if flat is not None:
        parts.append(f',"values":{to_json(flat)}')
    return "".join((*parts, "}"))


def _check(told: Told, check: Check) -> ServiceCheckEvent | None:
    if not is_told(check):
        return None
    row = check_row(told, check)
    return {
        "type": "service_check",
        "service_name": row["service_name"],
        "url": row["url"],
        "timestamp": row["timestamp"],
        "status": row["status"],
        "response_time_ms": row["response_time_ms"],
        "http_status_code": row["http_status_code"],
        "ssl_expiry_days": row["ssl_expiry_days"],
        "error_message": row["error_message"],
        "place": row["place"],
        "state": state_word(check.state or check.status),
    }


def _facts(told: Told, facts: Facts) -> FactsEvent:
    return {
        "type": "facts",
        "server_id": told.subject,
        "timestamp": to_time(told.at),
        "facts": facts_shape(facts),
    }


def _processes(told: Told, processes: Processes) -> ProcessesEvent:
    return {
        "type": "processes",
        "server_id": told.subject,
        "timestamp": to_time(told.at),
        "processes": process_rows(processes.rows),
    }


def _alert(told: Told, alert: Alert) -> AlertEvent:
    return {
        "type": "alert",
        "subject": told.subject,
        "timestamp": to_time(told.at),
        "rule": alert.rule,
        "state": alert.state,
        "severity": alert.severity,
        "incident": alert.incident,
        "value": alert.value,
        "threshold": alert.threshold,
        "started_at": None if alert.started_at is None else to_time(alert.started_at),
        "reason": alert.reason,
    }


def _loss(told: Told, loss: Loss) -> LossEvent | None:
    if not told.at:
        return None  # a producer's own entry has no time: the store tells it again, under its number
    return {
        "type": "loss",
        "subject": loss.stream,
        "timestamp": to_time(told.at),
        "epoch": f"{loss.epoch:016x}",
        "first": loss.first,
        "last": loss.last,
        "count": loss.last - loss.first + 1,
        "reason": loss.reason,
    }


_MAKERS: dict[type, Callable[..., dict[str, object] | None]] = {
    Check: _check,  # type: ignore[dict-item]
    Facts: _facts,  # type: ignore[dict-item]
    Processes: _processes,  # type: ignore[dict-item]
    Alert: _alert,  # type: ignore[dict-item]
    Loss: _loss,  # type: ignore[dict-item]
}
