"""Services and their checks as clients read them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.directory import Directory
from api.encoding import to_time
from api.health import Limits, check_status, service_health
from api.live import Live
from api.shapes import ServiceCheckRow, ServiceInfo, Services, Uptime
from api.told import Told
from bus.messages import Check


def services(now: int, live: Live, directory: Directory, limits: Limits) -> Services:
    """The answer to ``GET /services``."""
    rows = [_service(now, name, live, directory, limits) for name in directory.service_names(live.checks)]
    return {"services": rows, "count": len(rows)}


def is_told(check: Check) -> bool:
    """Whether clients hear of it: a check that could not be made says nothing about the service."""
    return check_status(check.status) is not None


def check_row(told: Told, check: Check) -> ServiceCheckRow:
    """One check; its status must be one that ``is_told``."""
    return {
        "service_name": told.subject,
        "timestamp": to_time(told.at),
        "url": check.url,
        "status": check_status(check.status) or "down",
        "response_time_ms": milliseconds(check.response_ms),
        "http_status_code": check.http_status,
        "error_message": check.error,
        "ssl_expiry_days": check.tls_days,
    }


def milliseconds(value: float | None) -> int | None:
    """Whole milliseconds, as clients insist."""
    return None if value is None else round(value)


def uptime(name: str, since: int, end: int, checks: Sequence[Check]) -> Uptime:
    """The share of checks that found the service up, and how fast those with an answer were."""
    told = [check for check in checks if is_told(check)]
    good = sum(check.status == "up" for check in told)
    times = [check.response_ms for check in told if check.response_ms is not None]
    return {
        "service_name": name,
        "since": to_time(since),
        "start": to_time(since),
        "end": to_time(end),
        "uptime_percentage": round(100.0 * good / len(told), 4) if told else 0.0,
        "total_checks": len(told),
        "successful_checks": good,
        "avg_response_time_ms": round(sum(times) / len(times), 3) if times else None,
    }


def _service(now: int, name: str, live: Live, directory: Directory, limits: Limits) -> ServiceInfo:
    newest = live.checks.get(name)
    health, status = service_health(now, newest, limits)
    return {
        "name": name,
        "url": directory.url(name) or (newest.check.url if newest else ""),
        "monitoring_status": "active",
        "health_status": health,
        "last_check": to_time(newest.told.at) if newest else None,
        "last_status": status,
        "response_time_ms": milliseconds(newest.check.response_ms) if newest else None,
    }
