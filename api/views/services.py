"""Services and their checks as clients read them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.encoding import to_time
from api.health import check_status, service_health
from api.live import CheckNow
from api.present import Present
from api.received import Told
from api.service_shapes import PlaceSeen, ServiceCheckRow, ServiceInfo, Services, Uptime
from api.shapes import StateWord
from api.views.uptime import seconds_in
from bus.messages import Check, seen_from
from bus.tables import UNNAMED
from bus.verdicts import together

MOST_DAYS, MOST_MILLISECONDS = 2**31 - 1, 2**63 - 1


def services(present: Present) -> Services:
    """The answer to ``GET /services``."""
    names = present.directory.service_names(present.live.checks)
    rows = [_service(present, name) for name in names if not _is_withdrawn(present, name)]
    return {"services": rows, "count": len(rows)}


def _is_withdrawn(present: Present, name: str) -> bool:
    """Whether the hub checked a service as long as its configuration named it, which it does no more."""
    live = present.live
    newest = live.checks.get(name)
    if newest is None or name in present.directory.services or live.places.get(name, {}).keys() - {""}:
        return False
    return present.now - newest.told.born > UNNAMED


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
        "http_status_code": _within(check.http_status, 0, 65_535),
        "error_message": check.error,
        "ssl_expiry_days": _within(check.tls_days, -MOST_DAYS, MOST_DAYS),
        "place": seen_from(told.source, check) or "hub",
        "attempts": check.attempt,
        "phases": check.phases or {},
    }


def milliseconds(value: float | None) -> int | None:
    """Whole milliseconds, as clients insist."""
    return None if value is None else _within(round(value), 0, MOST_MILLISECONDS)


def _within(value: int | None, least: int, most: int) -> int | None:
    """It, unless it is a number which typed clients have no room for: a place may tell any."""
    return value if value is not None and least <= value <= most else None


def uptime(name: str, since: int, end: int, checks: Sequence[tuple[Told, Check]], interval: float | None) -> Uptime:
    """The share of checks that found the service up, how fast those with an answer were, and how long it was up.

    ``interval`` is the configured time between its checks in seconds; None where it is not configured.
    """
    told = [check for _, check in checks if is_told(check)]
    good = sum(check.status == "up" for check in told)
    times = [check.response_ms for check in told if check.response_ms is not None]
    seen = [(record.at, seen_from(record.source, check), check.state or check.status) for record, check in checks]
    spent = seconds_in(seen, since, end, interval)
    known = spent["up"] + spent["degraded"] + spent["down"]
    whole = known + spent["unknown"]
    return {
        "service_name": name,
        "since": to_time(since),
        "start": to_time(since),
        "end": to_time(end),
        "uptime_percentage": round(100.0 * good / len(told), 4) if told else 0.0,
        "total_checks": len(told),
        "successful_checks": good,
        "avg_response_time_ms": round(sum(times) / len(times), 3) if times else None,
        "coverage": round(known / whole, 6) if whole else 0.0,
        "up_seconds": round(spent["up"], 3),
        "degraded_seconds": round(spent["degraded"], 3),
        "down_seconds": round(spent["down"], 3),
        "unknown_seconds": round(spent["unknown"], 3),
        "uptime_of_known": round(100.0 * spent["up"] / known, 4) if known else None,
    }


def _service(present: Present, name: str) -> ServiceInfo:
    now, live, limits = present.now, present.live, present.limits
    newest = live.checks.get(name)
    interval = present.directory.interval(name)
    places = {
        place: seen
        for place, seen in live.places.get(name, {}).items()
        if seen is newest or now - seen.told.born <= limits.stale_ns(interval)
    }
    health, status = service_health(now, places, limits, interval)
    worst = [seen for seen in places.values() if seen.check.status != "up"]
    wrong = max(worst, key=lambda seen: seen.told.at) if worst else None
    return {
        "name": name,
        "url": present.directory.url(name) or (newest.check.url if newest else ""),
        "monitoring_status": present.paused.service(name),
        "health_status": health,
        "last_check": to_time(newest.told.at) if newest else None,
        "last_status": status,
        "response_time_ms": milliseconds(newest.check.response_ms) if newest else None,
        "state": state_word(together(seen.check.state or seen.check.status for seen in places.values())),
        "reason": wrong.check.error if wrong else None,
        "ssl_expiry_days": _within(newest.check.tls_days, -MOST_DAYS, MOST_DAYS) if newest else None,
        "flapping": any((seen.check.metrics or {}).get("flapping") for seen in places.values()),
        "places": [_place(place, seen) for place, seen in sorted(places.items())],
    }


def _place(place: str, seen: CheckNow) -> PlaceSeen:
    check = seen.check
    return {
        "place": place or "hub",
        "timestamp": to_time(seen.told.at),
        "status": state_word(check.status),
        "state": state_word(check.state or check.status),
        "response_time_ms": milliseconds(check.response_ms),
        "reason": check.error,
    }


def state_word(status: str) -> StateWord:
    """The word of the closed set."""
    return check_status(status) or "unknown"
