"""What anybody may see of services: their names and how they are and were, and nothing else of them. Pure.

No address, no reason, no place and no name of a window: these are the operator's.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.config import StatusPage
from api.daily import Daily
from api.directory import Directory
from api.encoding import to_time
from api.filters import matcher
from api.service_shapes import ServiceInfo
from api.status_shapes import Status, StatusDay, StatusMaintenance, StatusOutage, StatusService, StatusWord
from api.views.services import state_word
from bus import calendar
from bus.availability import Kept, available, concerns
from bus.faults import listed
from bus.questions import Held
from bus.timing import HOUR, SECOND

DAY = 24 * HOUR
AHEAD = 7 * DAY
BACK = 14 * DAY
MOST_OUTAGES = 50
MOST_WINDOWS = 10
MOST_NAMED = 3
_SUMMARY: dict[StatusWord, str] = {
    "down": "{who} {is} down",
    "degraded": "{who} {is} degraded",
    "unknown": "nothing is known of {who}",
    "maintenance": "{who} {is} under maintenance",
}
"""The gravest first."""


def public(rows: Sequence[ServiceInfo], page: StatusPage) -> list[ServiceInfo]:
    """Those that anybody may see."""
    fits = matcher(page.services)
    return [row for row in rows if page.services and fits(row["name"])]


def status(now: int, page: StatusPage, rows: Sequence[ServiceInfo], directory: Directory, daily: Daily) -> Status:
    """The answer to ``GET /status``; ``rows`` are of those that anybody may see."""
    services = [_service(now, row, page, directory, daily) for row in rows]
    state, summary = _together(services)
    outages = [one for row in services for one in _outages(now, row, daily)]
    return {
        "title": page.title,
        "text": page.text,
        "timestamp": to_time(now),
        "state": state,
        "summary": summary,
        "services": services,
        "maintenance": _maintenance(now, [row["name"] for row in rows], directory),
        "outages": sorted(outages, key=lambda one: one["start"], reverse=True)[:MOST_OUTAGES],
    }


def state_now(now: int, row: ServiceInfo, directory: Directory) -> StatusWord:
    """How the service is."""
    if any(calendar.ends(window, now) is not None for window in _windows(row["name"], directory)):
        return "maintenance"
    return state_word(row["health_status"])


def known(now: int, name: str, daily: Daily, days: int | None = None) -> float | None:
    """The availability over the last ``days``, or all that are shown, as far as it is known."""
    found = [kept.whole for _, kept in daily.of(name, now)[-days if days else None :] if kept is not None]
    up, degraded, down = (sum(getattr(held, word) for held in found) for word in ("up", "degraded", "down"))
    return _shown(Held(up=up, degraded=degraded, down=down))


def _windows(name: str, directory: Directory) -> list[calendar.Window]:
    service = directory.services.get(name)
    labels = service.labels if service else {}
    return [window for window in directory.maintenance if concerns(window, name, labels)]


def _service(now: int, row: ServiceInfo, page: StatusPage, directory: Directory, daily: Daily) -> StatusService:
    name = row["name"]
    service = directory.services.get(name)
    return {
        "name": name,
        "group": service.labels.get(page.group) if service and page.group else None,
        "state": state_now(now, row, directory),
        "availability": known(now, name, daily),
        "days": [_day(date, kept) for date, kept in daily.of(name, now)],
    }


def _day(date: str, kept: Kept | None) -> StatusDay:
    held = kept.whole if kept else Held()
    return {
        "date": date,
        "availability": _shown(held),
        "down_seconds": held.down / SECOND,
        "maintenance": held.maintenance > held.unknown and available(held) is None,
    }


def _shown(held: Held) -> float | None:
    """Percent with four digits, of which 100 is none where it was down."""
    share = available(held)
    return share if share is None else min(round(share, 4), 99.9999) if held.down else 100.0


def _together(services: Sequence[StatusService]) -> tuple[StatusWord, str]:
    for state, form in _SUMMARY.items():
        names = [row["name"] for row in services if row["state"] == state]
        if names:
            more = len(names) - MOST_NAMED
            who = listed([*names[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])], "and")
            told = form.format(who=who, **{"is": "is" if len(names) == 1 else "are"})
            return state, told[:1].upper() + told[1:] if form.startswith("nothing") else told
    if not services:
        return "unknown", "There are no services here yet"
    return "up", "All services are up" if len(services) > 1 else f"{services[0]['name']} is up"


def _outages(now: int, row: StatusService, daily: Daily) -> list[StatusOutage]:
    joined: list[tuple[int, int]] = []
    kept = [one for _, one in daily.of(row["name"], now) if one is not None and one.end > now - BACK]
    for start, end in (pair for one in kept for pair in one.outages):
        if joined and joined[-1][1] == start:  # it went on at midnight
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    told_until = kept[-1].end if kept else 0
    return [
        {
            "name": row["name"],
            "start": to_time(start),
            "end": None if end == told_until and row["state"] == "down" else to_time(end),
            "seconds": (end - start) / SECOND,
        }
        for start, end in joined
    ]


def _maintenance(now: int, names: Sequence[str], directory: Directory) -> list[StatusMaintenance]:
    found: dict[tuple[int, int], list[str]] = {}
    for name in names:
        for window in _windows(name, directory):
            lasts = int(window.lasts * SECOND)
            for start, end in calendar.between(window, now - lasts, now + AHEAD + lasts):
                if now < end and start < now + AHEAD:
                    found.setdefault((start, end), []).append(name)
    return [
        {"names": who, "start": to_time(start), "end": to_time(end)}
        for (start, end), who in sorted(found.items())[:MOST_WINDOWS]
    ]
