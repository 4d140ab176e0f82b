"""The hub's own health and statistics as clients read them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from api.directory import Directory
from api.encoding import to_time
from api.health import overall
from api.live import Live
from api.shapes import Health, Labels, Part, RoomRow, Rooms, Stats
from bus.questions import StoreStatistics

LEAP = 1 << 32
"""A store that was restored goes on counting so much further, which nobody committed."""


def health(now: int, parts: Mapping[str, Part], *, detailed: bool) -> Health:
    """The answer to ``GET /health``; without ``detailed`` the reasons stay inside."""
    shown = {name: part if detailed else Part(status=part["status"]) for name, part in parts.items()}
    return {"status": overall(parts), "timestamp": to_time(now), "checks": shown}


def stats(now: int, store: StoreStatistics, live: Live, directory: Directory, burning: int) -> Stats:
    """The answer to ``GET /stats``, with how many alarms are ``burning``."""
    hosts = len(directory.host_names(live.hosts))
    services = len(directory.service_names(live.checks))
    samples, checks = store.records.get("sample", 0), store.records.get("check", 0)
    cleaned = None if store.last_cleanup is None else to_time(store.last_cleanup)
    answer: Stats = {
        "timestamp": to_time(now),
        "storage": {
            "total_metrics": samples,
            "buffer_size": sum(host.newest is not None for host in live.hosts.values()),
            "flush_count": store.commits % LEAP,
            "total_metrics_deleted": store.deleted.get("sample", 0),
            "total_service_checks_deleted": store.deleted.get("check", 0),
        },
        "collectors": hosts,
        "service_monitors": services,
        "servers_monitored": hosts,
        "services_monitored": services,
        "active_alerts": burning,
        "storage_metrics": {
            "last_cleanup_time": cleaned,
            "total_metrics": samples,
            "total_service_checks": checks,
        },
    }
    if cleaned is not None:
        answer["storage"]["last_cleanup"] = cleaned
    return answer


def rooms(live: Live) -> Rooms:
    """The answer to ``GET /rooms``: the programs that are to run, by name."""
    rows = [
        RoomRow(program=name, heard_at=to_time(room.heard) if room.heard else None, values=values)
        for name, room, values in live.programs()
    ]
    return {"rooms": rows, "count": len(rows)}


def labels(directory: Directory) -> Labels:
    """The answer to ``GET /labels``."""
    return {
        "hosts": {name: dict(host.labels) for name, host in directory.hosts.items() if host.labels},
        "services": {name: dict(service.labels) for name, service in directory.services.items() if service.labels},
    }
