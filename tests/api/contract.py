"""The contract once more, as checks of what came over the wire: exact keys, exact types, closed sets.

Written from the contract's text and not from ``api.shapes``, so that a mistake there is found here. Typed clients
refuse ``2400.0`` for an integer, a null where none is allowed, an unknown word, a time without offset.
"""

from __future__ import annotations

from typing import Any

from tests.api.forms import (
    Broken,
    Check,
    _fail,
    all_of,
    boolean,
    counted,
    integer,
    list_of,
    nullable,
    number,
    one_of,
    percent,
    rising,
    server_id,
    shape,
    signed,
    text,
    time,
    values_of,
)

server_metrics = shape(
    {
        "system": shape(dict.fromkeys(("name", "kernel_version", "os_version", "host_name"), nullable(text))),
        "memory": shape(dict.fromkeys(("total", "used", "total_swap", "used_swap"), integer)),
        "cpus": shape(
            {
                "total": integer,
                "arch": text,
                "average_usage": percent,
                "cpus": list_of(shape({"name": text, "frequency": integer, "usage": percent})),
            }
        ),
        "components": shape(
            {
                "average_temperature": nullable(number),
                "components": list_of(shape({"name": text, "temperature": nullable(number)})),
            }
        ),
    },
    {
        "disks": list_of(
            shape(
                {
                    "name": text,
                    "total": nullable(integer),
                    "used": nullable(integer),
                    "free": nullable(integer),
                    "percent": nullable(number),
                }
            )
        ),
        "networks": list_of(
            shape({"name": text, "rx_bytes_per_s": nullable(number), "tx_bytes_per_s": nullable(number)})
        ),
        "load": list_of(nullable(number)),
        "uptime_seconds": nullable(number),
    },
)

error = shape({"error": text, "code": text}, {"parameter": text})

_part = shape({"status": one_of("ok", "degraded", "down")}, {"reason": nullable(text)})


def health(value: Any) -> None:
    """``GET /health``."""
    shape(
        {
            "status": one_of("ok", "degraded", "down"),
            "timestamp": time,
            "checks": values_of(_part),
        }
    )(value)
    if not value["checks"].keys() >= {"store", "collector"}:
        raise Broken("store and collector are always told")
    if not value["checks"].keys() <= {"store", "collector", "alerter", "prober"}:
        raise Broken(f"unknown parts: {sorted(value['checks'])}")


stats = shape(
    {
        "timestamp": time,
        "storage": shape(
            dict.fromkeys(
                (
                    "total_metrics",
                    "buffer_size",
                    "flush_count",
                    "total_metrics_deleted",
                    "total_service_checks_deleted",
                ),
                integer,
            ),
            {"last_cleanup": time},
        ),
        "collectors": integer,
        "service_monitors": integer,
        "servers_monitored": integer,
        "services_monitored": integer,
        "active_alerts": integer,
        "storage_metrics": shape(
            {"last_cleanup_time": nullable(time), "total_metrics": integer, "total_service_checks": integer}
        ),
    }
)

_server = {
    "server_id": server_id,
    "display_name": text,
    "monitoring_status": one_of("active", "paused", "disabled"),
    "health_status": one_of("up", "down", "stale", "unknown"),
}
_server_optional = {
    "last_seen": nullable(time),
    "last_poll_success": nullable(time),
    "last_poll_error": nullable(text),
    "latest_metrics": nullable(server_metrics),
}
server_info = shape(_server, _server_optional)
servers = all_of(shape({"servers": list_of(server_info), "count": integer}), counted("servers"))

metric_row = shape(
    {
        "timestamp": time,
        "server_id": server_id,
        "display_name": text,
        "metric_type": one_of("resource", "system", "custom"),
        "cpu_avg": nullable(percent),
        "memory_used": nullable(integer),
        "memory_total": nullable(integer),
        "temp_avg": nullable(number),
        "metadata": server_metrics,
    }
)
metrics = all_of(
    shape({"server_id": text, "start": time, "end": time, "count": integer, "metrics": list_of(metric_row)}),
    counted("metrics"),
    rising("metrics"),
)
latest = all_of(
    shape({"server_id": text, "count": integer, "metrics": list_of(metric_row)}),
    counted("metrics"),
    rising("metrics"),
)

_word = one_of("up", "degraded", "down", "unknown")
service_info = shape(
    {
        "name": text,
        "url": text,
        "monitoring_status": one_of("active", "paused", "disabled"),
        "health_status": one_of("up", "down", "degraded", "stale", "unknown"),
        "response_time_ms": nullable(integer),
        "state": _word,
        "reason": nullable(text),
        "ssl_expiry_days": nullable(signed),
        "flapping": boolean,
        "places": list_of(
            shape(
                {
                    "place": text,
                    "timestamp": time,
                    "status": _word,
                    "state": _word,
                    "response_time_ms": nullable(integer),
                    "reason": nullable(text),
                }
            )
        ),
    },
    {"last_check": nullable(time), "last_status": nullable(one_of("up", "down", "degraded"))},
)
services = all_of(shape({"services": list_of(service_info), "count": integer}), counted("services"))

_check = {
    "service_name": text,
    "timestamp": time,
    "url": text,
    "status": one_of("up", "down", "degraded"),
    "response_time_ms": nullable(integer),
    "http_status_code": nullable(integer),
    "error_message": nullable(text),
    "ssl_expiry_days": nullable(signed),
}
_row = {**_check, "place": text, "attempts": integer, "phases": values_of(number)}
checks = all_of(
    shape({"service_name": text, "start": time, "end": time, "count": integer, "checks": list_of(shape(_row))}),
    counted("checks"),
    rising("checks"),
)
uptime = shape(
    {
        "service_name": text,
        "since": time,
        "start": time,
        "end": time,
        "uptime_percentage": percent,
        "total_checks": integer,
        "successful_checks": integer,
        "avg_response_time_ms": nullable(number),
        "coverage": number,
        "up_seconds": number,
        "degraded_seconds": number,
        "down_seconds": number,
        "unknown_seconds": number,
        "uptime_of_known": nullable(percent),
    }
)

facts = shape(
    {
        "host_name": nullable(text),
        "os_name": nullable(text),
        "os_version": nullable(text),
        "kernel": nullable(text),
        "arch": text,
        "cpu_model": nullable(text),
        "cpu_count": integer,
        "memory_total": integer,
        "boot_time": nullable(number),
        "interval": nullable(number),
        "version": text,
        "python": text,
    }
)
processes = list_of(shape({"pid": integer, "name": text, "user": text, "cpu_percent": number, "memory_bytes": integer}))


def values(value: Any) -> None:
    """All metrics of a sample, flat."""
    for name, reading in value.items():
        text(name)
        nullable(number)(reading)


detail = shape(
    _server
    | _server_optional
    | {"facts": nullable(facts), "values": values, "values_at": nullable(time), "processes": nullable(processes)}
)


def series(value: Any) -> None:
    """``GET /servers/{id}/series``."""
    column = list_of(nullable(number))
    shape(
        {
            "server_id": server_id,
            "start": time,
            "end": time,
            "step_seconds": number,
            "tier": text,
            "coverage": number,
            "times": list_of(integer),
            "series": list_of(
                shape(
                    {"metric": text, "unit": text},
                    {"mean": column, "min": column, "max": column, "last": column, "count": list_of(integer)},
                )
            ),
        }
    )(value)
    for one in value["series"]:
        for name in one.keys() - {"metric", "unit"}:
            if len(one[name]) != len(value["times"]):
                raise Broken(f"{name} of {one['metric']} has another length than times")


def fleet_series(value: Any) -> None:
    """``GET /series``."""
    shape(
        {"start": time, "end": time, "count": integer, "servers": list_of(series), "next": nullable(text)},
    )(value)


def top(value: Any) -> None:
    """``GET /top``."""
    row = shape(
        {"server_id": server_id, "display_name": text, "metric": text, "unit": text, "value": number},
        {"at": time, "coverage": number},
    )
    shape({"start": nullable(time), "end": time, "agg": text, "hosts": integer, "count": integer, "top": list_of(row)})(
        value
    )


def sla(value: Any) -> None:
    """``GET /sla``."""
    seconds = shape(dict.fromkeys(("up", "degraded", "down", "unknown", "maintenance"), number))
    row = shape(
        {
            "service_name": text,
            "period": text,
            "start": time,
            "end": time,
            "availability": nullable(percent),
            "up_percentage": nullable(percent),
            "coverage": number,
            "seconds": seconds,
            "checks": integer,
            "outages": integer,
            "longest_outage_seconds": number,
            "newest_outages": list_of(shape({"start": time, "end": time, "seconds": number})),
            "places": list_of(shape({"place": text, "availability": nullable(percent), "seconds": seconds})),
        }
    )
    shape({"zone": text, "count": integer, "rows": list_of(row), "next": nullable(text)})(value)


def status(value: Any) -> None:
    """``GET /status``."""
    word = one_of("up", "degraded", "down", "unknown", "maintenance")
    share = nullable(percent)
    day = shape({"date": text, "availability": share, "down_seconds": number, "maintenance": boolean})
    service = {"name": text, "group": nullable(text), "state": word, "availability": share, "days": list_of(day)}
    shape(
        {
            **dict.fromkeys(("title", "text", "summary"), text),
            "timestamp": time,
            "state": word,
            "services": list_of(shape(service)),
            "maintenance": list_of(shape({"names": list_of(text), "start": time, "end": time})),
            "outages": list_of(shape({"name": text, "start": time, "end": nullable(time), "seconds": number})),
        }
    )(value)


EVENTS: dict[str, Check] = {
    "metric": shape(
        {"type": text, "server_id": server_id, "display_name": text, "metrics": server_metrics, "timestamp": time},
        {"id": text, "values": values},
    ),
    "service_check": shape({"type": text, **_check, "place": text, "state": _word}, {"id": text}),
    "facts": shape({"type": text, "server_id": server_id, "timestamp": time, "facts": facts}, {"id": text}),
    "processes": shape({"type": text, "server_id": server_id, "timestamp": time, "processes": processes}, {"id": text}),
    "alert": shape(
        {
            "type": text,
            "subject": server_id,
            "timestamp": time,
            "rule": text,
            "state": text,
            "severity": text,
            "incident": text,
            "value": nullable(number),
            "threshold": nullable(number),
            "started_at": nullable(time),
            "reason": text,
        },
        {"id": text},
    ),
    "loss": shape(
        {
            "type": text,
            "subject": text,
            "timestamp": time,
            "epoch": text,
            "first": integer,
            "last": integer,
            "count": integer,
            "reason": text,
        },
        {"id": text},
    ),
    "gap": shape({"type": text, "missed": nullable(integer), "reason": text}),
}


def event(value: Any) -> None:
    """One message of the stream: an object, never an array."""
    if type(value) is not dict or value.get("type") not in EVENTS:
        _fail(value, "an event")
    EVENTS[value["type"]](value)
