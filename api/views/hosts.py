"""Hosts as clients list them. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from api.encoding import to_json, to_time
from api.health import host_health
from api.live import HostNow
from api.present import Present
from api.shapes import FactsShape, ProcessRow, ServerDetail, ServerInfo
from bus.messages import Facts, Process


def servers_text(present: Present) -> Generator[None, None, str]:
    """The answer to ``GET /servers`` as JSON, host by host; of readings the text is taken that is there already."""
    entries = []
    for name in present.directory.host_names(present.live.hosts):
        entries.append(_with_metrics(to_json(server_info(present, name)), present.live.latest_text(name)))
        yield
    return f'{{"servers":[{",".join(entries)}],"count":{len(entries)}}}'


def server_info(present: Present, name: str) -> ServerInfo:
    """One host, its reading left out (``latest_metrics`` is null)."""
    host = present.live.hosts.get(name)
    health, error = host_health(present.now, host, present.limits)
    return {
        "server_id": name,
        "display_name": present.directory.display(name),
        "monitoring_status": present.paused.host(name),
        "health_status": health,
        "last_seen": to_time(host.heard) if host else None,
        "last_poll_success": to_time(host.newest.received) if host and host.newest else None,
        "last_poll_error": error,
        "latest_metrics": None,
    }


def detail_text(present: Present, name: str) -> str:
    """The answer to ``GET /servers/{id}`` as JSON."""
    live = present.live
    host = live.hosts.get(name) or HostNow()
    values = live.values(host.newest) if host.newest else None
    detail: ServerDetail = {
        **server_info(present, name),
        "facts": facts_shape(host.facts) if host.facts else None,
        "values": values or {},
        "values_at": to_time(host.newest.at) if host.newest and values is not None else None,
        "processes": None if host.processes is None else process_rows(host.processes),
    }
    return _with_metrics(to_json(detail), live.latest_text(name))


def facts_shape(facts: Facts) -> FactsShape:
    """A host's facts."""
    return {
        "host_name": facts.host_name,
        "os_name": facts.os_name,
        "os_version": facts.os_version,
        "kernel": facts.kernel,
        "arch": facts.arch,
        "cpu_model": facts.cpu_model,
        "cpu_count": facts.cpu_count,
        "memory_total": facts.memory_total,
        "boot_time": facts.boot_time,
        "interval": facts.interval,
        "version": facts.version,
        "python": facts.python,
    }


def process_rows(rows: Iterable[Process]) -> list[ProcessRow]:
    """A host's top processes."""
    return [
        {
            "pid": row.pid,
            "name": row.name,
            "user": row.user,
            "cpu_percent": row.cpu_percent,
            "memory_bytes": row.memory_bytes,
        }
        for row in rows
    ]


def _with_metrics(text: str, metrics: str | None) -> str:
    return text if metrics is None else text.replace('"latest_metrics":null', f'"latest_metrics":{metrics}', 1)
