"""Invented hosts, whose numbers are a function of name and time: the same question has the same answer."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

GIB = 1024.0**3
STEP = 1.0
"""Seconds between two readings."""

Values = dict[str, float | None]


def wobble(seed: str, at: float, period: float) -> float:
    """A number from 0 to 1 that goes up and down, and looks alive."""
    phase = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=4).digest(), "big") / 2**32
    turn = at / period + phase
    slow = 0.5 + 0.5 * math.sin(2 * math.pi * turn)
    quick = 0.5 + 0.5 * math.sin(2 * math.pi * (turn * 7.3 + phase))
    grain = int.from_bytes(hashlib.blake2b(f"{seed}{int(at)}".encode(), digest_size=2).digest(), "big") / 65_535
    return max(0.0, min(1.0, 0.55 * slow + 0.25 * quick + 0.2 * grain))


def rfc(at: float) -> str:
    """RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class InventedHost:
    """One host; ``silent_since`` makes it fall silent, ``gaps`` are times without readings."""

    name: str
    cores: int = 4
    state: str = "up"
    silent_since: float | None = None
    gaps: list[tuple[float, float]] = field(default_factory=list)
    display: str = ""

    def measured(self, at: float) -> bool:
        """Whether there is a reading of this time."""
        if self.state == "unknown" or (self.silent_since is not None and at > self.silent_since):
            return False
        return not any(begin <= at < end for begin, end in self.gaps)

    def value(self, metric: str, at: float) -> float | None:
        """One number."""
        name = self.name
        busy = wobble(f"{name} cpu", at, 180)
        if metric == "cpu.percent":
            return round(4 + 88 * busy**2, 2)
        if metric.startswith("cpu[") and metric.endswith("].percent"):
            return round(100 * wobble(f"{name}{metric}", at, 90) * (0.3 + 0.7 * busy), 2)
        used = 0.3 + 0.5 * wobble(f"{name} memory", at, 900)
        fixed: Values = {
            "cpu.iowait_percent": 3 * busy,
            "cpu.count": float(self.cores),
            "load.1m": round(self.cores * busy * 1.2, 2),
            "load.5m": round(self.cores * 0.6 * busy + 0.3, 2),
            "load.15m": round(self.cores * 0.4, 2),
            "memory.total": 16 * GIB,
            "memory.used": 16 * GIB * used,
            "memory.available": 16 * GIB * (1 - used),
            "memory.percent": 100 * used,
            "swap.total": 2 * GIB,
            "swap.used": 0.14 * GIB,
            "swap.percent": 7.0,
            "system.uptime_seconds": at - 1_700_000_000 if at > 1_700_000_000 else 1.2e6,
            "system.processes": 214.0,
            "system.processes_running": 3.0,
        }
        if metric in fixed:
            return fixed[metric]
        share = wobble(f"{name}{metric}", at, 240)
        if metric.endswith("bytes_per_s"):
            return round(3e6 * share**4, 1)
        if metric.endswith("celsius"):
            return round(38 + 30 * share * (0.5 + busy / 2), 1)
        disk = {"/": (64 * GIB, 0.71), "/var": (200 * GIB, 0.43), "/srv/backup": (2000 * GIB, 0.93)}
        mount, _, what = metric.removeprefix("disk[").partition("].")
        if mount in disk:
            total, full = disk[mount]
            return {"total": total, "used": total * full, "free": total * (1 - full), "percent": 100 * full}[what]
        return None

    def metrics(self) -> list[str]:
        """All that it measures."""
        names = [
            *("cpu.percent", "cpu.iowait_percent", "cpu.count", "load.1m", "load.5m", "load.15m"),
            *(f"cpu[{core}].percent" for core in range(self.cores)),
            *(f"memory.{what}" for what in ("total", "used", "available", "percent")),
            *(f"swap.{what}" for what in ("total", "used", "percent")),
            *("system.uptime_seconds", "system.processes", "system.processes_running"),
        ]
        for mount in ("/", "/var", "/srv/backup"):
            names += [f"disk[{mount}].{what}" for what in ("total", "used", "free", "percent")]
        for interface in ("lo", "eth0", "wg0"):
            names += [f"net[{interface}].{way}_bytes_per_s" for way in ("rx", "tx")]
        for device in ("sda", "nvme0n1"):
            names += [f"io[{device}].{way}_bytes_per_s" for way in ("read", "write")]
        names += [
            f"temperature[{sensor}].celsius" for sensor in ("coretemp/Package id 0", "nvme/Composite", "acpitz/0")
        ]
        return names

    def reading(self, at: float) -> Values:
        """All numbers of one time."""
        return {metric: self.value(metric, at) for metric in self.metrics()}

    def server_metrics(self, at: float) -> dict[str, Any]:
        """The nested form."""
        v = self.reading(at)
        cores = [
            {"name": f"cpu{core}", "frequency": 2400, "usage": v[f"cpu[{core}].percent"]} for core in range(self.cores)
        ]
        return {
            "system": {"name": "Debian", "kernel_version": "6.1.0", "os_version": "12", "host_name": self.name},
            "memory": {
                "total": int(v["memory.total"] or 0),
                "used": int(v["memory.used"] or 0),
                "total_swap": int(v["swap.total"] or 0),
                "used_swap": int(v["swap.used"] or 0),
            },
            "cpus": {"total": self.cores, "arch": "x86_64", "average_usage": v["cpu.percent"], "cpus": cores},
            "components": {
                "average_temperature": 48.0,
                "components": [
                    {
                        "name": "coretemp Package id 0",
                        "temperature": v["temperature[coretemp/Package id 0].celsius"],
                    }
                ],
            },
            "disks": [
                {"name": m, **{w: v[f"disk[{m}].{w}"] for w in ("total", "used", "free", "percent")}}
                for m in ("/", "/var", "/srv/backup")
            ],
            "networks": [
                {"name": i, **{f"{w}_bytes_per_s": v[f"net[{i}].{w}_bytes_per_s"] for w in ("rx", "tx")}}
                for i in ("lo", "eth0", "wg0")
            ],
            "load": [v["load.1m"], v["load.5m"], v["load.15m"]],
            "uptime_seconds": v["system.uptime_seconds"],
        }

    def info(self, now: float) -> dict[str, Any]:
        """As it stands in the list."""
        last = now if self.silent_since is None else self.silent_since
        known = self.state != "unknown"
        return {
            "server_id": self.name,
            "display_name": self.display or self.name,
            "monitoring_status": "active",
            "health_status": self.state,
            "last_seen": rfc(last) if known else None,
            "last_poll_success": rfc(last) if known else None,
            "last_poll_error": None if self.state == "up" else "nothing heard",
            "latest_metrics": self.server_metrics(last) if known else None,
        }

    def detail(self, now: float) -> dict[str, Any]:
        """Everything known of it now."""
        last = now if self.silent_since is None else self.silent_since
        known = self.state != "unknown"
        return {
            **self.info(now),
            "facts": {
                "host_name": self.name,
                "os_name": "Debian GNU/Linux",
                "os_version": "12",
                "kernel": "6.1.0-28-amd64",
                "arch": "x86_64",
                "cpu_model": "AMD EPYC 7313P",
                "cpu_count": self.cores,
                "memory_total": int(16 * GIB),
                "boot_time": 1_700_000_000.0,
                "interval": STEP,
                "version": "0.1.0",
                "python": "3.11.2",
            }
            if known
            else None,
            "values": self.reading(last) if known else {},
            "values_at": rfc(last) if known else None,
            "processes": [
                {
                    "pid": 1000 + place * 37,
                    "name": name,
                    "user": user,
                    "cpu_percent": round(60 * wobble(f"{self.name}{name}", last, 60) / (place + 1), 1),
                    "memory_bytes": int(GIB / (place + 1)),
                }
                for place, (name, user) in enumerate(
                    (
                        ("postgres", "postgres"),
                        ("python3", "shop"),
                        ("nginx", "www-data"),
                        ("redis-server", "redis"),
                        ("node", "shop"),
                        ("systemd-journald", "root"),
                        ("sshd", "root"),
                    )
                )
            ]
            if known
            else None,
        }

    def series(self, globs: list[str], start: float, end: float, points: int, now: float) -> dict[str, Any]:
        """Its past in at most ``points`` steps."""
        step = (end - start) / points
        times = [start + place * step for place in range(points)]
        patterns = [glob.replace("[", "[[]") for glob in globs]
        names = [name for name in self.metrics() if any(fnmatchcase(name, pattern) for pattern in patterns)]
        covered = [at + step / 2 <= now and self.measured(at + step / 2) for at in times]
        rows = []
        for name in names:
            values = [
                self.value(name, at + step / 2) if there else None for at, there in zip(times, covered, strict=True)
            ]
            rows.append(
                {
                    "metric": name,
                    "unit": "percent" if name.endswith("percent") else "",
                    "mean": values,
                    "min": values,
                    "max": [None if v is None else v * (1.1 if step > 5 else 1.0) for v in values],
                    "count": [int(max(1, step / STEP)) if there else 0 for there in covered],
                }
            )
        return {
            "server_id": self.name,
            "start": rfc(start),
            "end": rfc(end),
            "step_seconds": step,
            "tier": "rows",
            "coverage": sum(covered) / max(1, points),
            "times": [int(at * 1000) for at in times],
            "series": rows,
        }


def fleet(count: int, now: float = 0.0) -> dict[str, InventedHost]:
    """So many hosts, some of them in trouble."""
    kinds = ("web", "db", "cache", "queue", "backup")
    hosts: dict[str, InventedHost] = {}
    for place in range(count):
        host = InventedHost(f"{kinds[place % len(kinds)]}-{place // len(kinds) + 1}", cores=(4, 8, 2, 16, 4)[place % 5])
        if place and place % 17 == 0:
            host.state, host.silent_since = "down", now - 600
        elif place and place % 23 == 0:
            host.state = "unknown"
        elif place and place % 29 == 0:
            host.state, host.silent_since = "stale", now - 400
        hosts[host.name] = host
    return hosts


def events(hosts: dict[str, InventedHost], at: float, *, values: bool) -> Iterator[dict[str, Any]]:
    """The stream's events of one moment."""
    for host in hosts.values():
        if not host.measured(at):
            continue
        event: dict[str, Any] = {
            "type": "metric",
            "id": f"{int(at * 1000):x}.1.1",
            "server_id": host.name,
            "display_name": host.display or host.name,
            "timestamp": rfc(at),
            "metrics": host.server_metrics(at),
        }
        if values:
            event["values"] = host.reading(at)
        yield event
