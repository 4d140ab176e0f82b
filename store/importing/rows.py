"""A row of the first Guardia's SQLite file as our messages. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bus.messages import Check, Facts, is_metric

Readings = dict[str, float | None]
MILLISECOND = 1_000_000
MOST_CORES = 1024
_LAST_NUMBER = re.compile(r"(\d{1,4})\Z")
_NO_INSTANCE = re.compile(r"[\[\]\x00-\x1f\x7f]")


def readings(row: Mapping[str, Any]) -> tuple[Readings, Facts | None]:
    """The numbers of a row of ``metrics`` under our names, and what it tells of the host.

    A number that is missing or none stays away; where ``metadata`` cannot be read, the columns stand for it.
    """
    try:
        details = json.loads(row["metadata"] or "{}")
    except (ValueError, TypeError, RecursionError):
        details = {}
    details = details if isinstance(details, dict) else {}
    memory, cpus, components, system = (_map(details.get(name)) for name in ("memory", "cpus", "components", "system"))
    found: Readings = {}
    found["cpu.percent"] = _first(row["cpu_avg"], cpus.get("average_usage"))
    found["cpu.count"] = _number(cpus.get("total"))
    found |= _cores(cpus.get("cpus"))
    total, used = _first(row["memory_total"], memory.get("total")), _first(row["memory_used"], memory.get("used"))
    found |= _share("memory", total, used)
    found |= _share("swap", _number(memory.get("total_swap")), _number(memory.get("used_swap")))
    sensors = _sensors(components.get("components"))
    if not sensors:
        sensors = {"temperature[average].celsius": _first(row["temp_avg"], components.get("average_temperature"))}
    found |= sensors
    told: Readings = {name: value for name, value in found.items() if value is not None and is_metric(name)}
    return told, _facts(system, cpus, told)


def check(row: Mapping[str, Any]) -> Check:
    """A row of ``service_checks``."""
    status = row["status"] if row["status"] in Check.STATUSES else "unknown"
    code = row["http_status_code"]
    error = row["error_message"]
    return Check(
        status,
        url=str(row["url"] or "")[:2000],
        response_ms=_number(row["response_time_ms"]),
        http_status=code if type(code) is int and 0 <= code < 1000 else None,
        error=None if error is None else str(error)[:2000],
    )


def _share(group: str, total: float | None, used: float | None) -> Readings:
    percent = 100.0 * used / total if total and used is not None else None
    return {f"{group}.total": total, f"{group}.used": used, f"{group}.percent": percent}


def _cores(raw: Any) -> Readings:
    found: Readings = {}
    for place, core in enumerate(raw[:MOST_CORES] if isinstance(raw, list) else []):
        if isinstance(core, dict):
            number = _LAST_NUMBER.search(str(core.get("name", "")))
            name = number[1] if number else str(place)
            found[f"cpu[{name}].percent"] = _number(core.get("usage"))
            found[f"cpu[{name}].mhz"] = _number(core.get("frequency")) or None
    return found


def _sensors(raw: Any) -> Readings:
    found: Readings = {}
    for sensor in raw if isinstance(raw, list) else []:
        if isinstance(sensor, dict):
            name = _NO_INSTANCE.sub("_", str(sensor.get("name") or "sensor"))[:150].encode("utf-8", "replace").decode()
            key, number = f"temperature[{name}].celsius", 1
            while key in found:
                number += 1
                key = f"temperature[{name} {number}].celsius"
            found[key] = _number(sensor.get("temperature"))
    return found


def _facts(system: Mapping[str, Any], cpus: Mapping[str, Any], found: Readings) -> Facts | None:
    if not system:
        return None
    return Facts(
        host_name=_text(system.get("host_name")),
        os_name=_text(system.get("name")),
        os_version=_text(system.get("os_version")),
        kernel=_text(system.get("kernel_version")),
        arch=_text(cpus.get("arch")) or "",
        cpu_count=int(found.get("cpu.count") or 0),
        memory_total=int(found.get("memory.total") or 0),
    )


def _map(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _text(raw: Any) -> str | None:
    return raw[:200].encode("utf-8", "replace").decode() if isinstance(raw, str) and raw else None


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return float(raw) if abs(raw) < 2**63 else None  # not so of NaN


def _first(*raw: Any) -> float | None:
    return next((number for one in raw if (number := _number(one)) is not None), None)
