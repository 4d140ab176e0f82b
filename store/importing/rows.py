"""A row of the first Guardia's SQLite file as our messages. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from bus.messages import Check, Facts, is_metric

Readings = dict[str, float | None]
MILLISECOND = 1_000_000
MOST_CORES = 1024
_LAST_NUMBER = re.compile(r"(\d{1,4})\Z")
_NUMBERS = (float, int)
_NO_INSTANCE = re.compile(r"[\[\]\x00-\x1f\x7f]")


def readings(row: Mapping[str, Any]) -> tuple[Readings, Facts | None]:
    """The numbers of a row of ``metrics`` under our names, and what it tells of the host.

    A number that is missing or none stays away; where ``metadata`` cannot be read, the columns stand for it.
    """
    details = _details(row["metadata"])
    memory, cpus = _map(details.get("memory")), _map(details.get("cpus"))
    components, system = _map(details.get("components")), _map(details.get("system"))
    found: Readings = {
        "cpu.percent": _first(row["cpu_avg"], cpus.get("average_usage")),
        "cpu.count": _number(cpus.get("total")),
    }
    _add_cores(found, cpus.get("cpus"))
    total, used = _first(row["memory_total"], memory.get("total")), _first(row["memory_used"], memory.get("used"))
    found["memory.total"], found["memory.used"], found["memory.percent"] = total, used, _percent(total, used)
    total, used = _number(memory.get("total_swap")), _number(memory.get("used_swap"))
    found["swap.total"], found["swap.used"], found["swap.percent"] = total, used, _percent(total, used)
    sensors = components.get("components")
    if isinstance(sensors, list) and any(isinstance(sensor, dict) for sensor in sensors):
        _add_sensors(found, sensors)
    else:
        found["temperature[average].celsius"] = _first(row["temp_avg"], components.get("average_temperature"))
    told: Readings = {name: value for name, value in found.items() if value is not None and _is_metric(name)}
    return told, _facts(system, cpus, told) if system else None


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


# Each row names the same things: what was found out of a name is kept.
_is_metric = lru_cache(4096)(is_metric)


def _details(raw: Any) -> Mapping[str, Any]:
    """What ``metadata`` says; nothing where it cannot be read."""
    try:
        return _map(orjson.loads(raw or "{}"))
    except (ValueError, TypeError, RecursionError):
        pass
    try:
        return _map(json.loads(raw or "{}"))  # takes NaN and half of a surrogate pair too
    except (ValueError, TypeError, RecursionError):
        return {}


def _percent(total: float | None, used: float | None) -> float | None:
    return 100.0 * used / total if total and used is not None else None


def _add_cores(found: Readings, raw: Any) -> None:
    for place, core in enumerate(raw[:MOST_CORES] if isinstance(raw, list) else []):
        if isinstance(core, dict):
            percent, mhz = _core(str(core.get("name", "")), place)
            found[percent] = _number(core.get("usage"))
            found[mhz] = _number(core.get("frequency")) or None


@lru_cache(4096)
def _core(name: str, place: int) -> tuple[str, str]:
    number = _LAST_NUMBER.search(name)
    name = number[1] if number else str(place)
    return f"cpu[{name}].percent", f"cpu[{name}].mhz"


def _add_sensors(found: Readings, raw: list[Any]) -> None:
    for sensor in raw:
        if isinstance(sensor, dict):
            name = str(sensor.get("name") or "sensor")
            key, number = _sensor(name, 1), 1
            while key in found:
                number += 1
                key = _sensor(name, number)
            found[key] = _number(sensor.get("temperature"))


@lru_cache(4096)
def _sensor(name: str, number: int) -> str:
    name = _NO_INSTANCE.sub("_", name)[:150].encode("utf-8", "replace").decode()
    return f"temperature[{name} {number}].celsius" if number > 1 else f"temperature[{name}].celsius"


def _facts(system: Mapping[str, Any], cpus: Mapping[str, Any], found: Readings) -> Facts:
    texts = (system.get("host_name"), system.get("name"), system.get("os_version"), system.get("kernel_version"))
    plain = [text if type(text) is str else "" for text in (*texts, cpus.get("arch"))]
    return _known(*plain, int(found.get("cpu.count") or 0), int(found.get("memory.total") or 0))


@lru_cache(1024)
def _known(host: str, system: str, version: str, kernel: str, arch: str, cpu_count: int, memory_total: int) -> Facts:
    return Facts(
        host_name=_text(host),
        os_name=_text(system),
        os_version=_text(version),
        kernel=_text(kernel),
        arch=_text(arch) or "",
        cpu_count=cpu_count,
        memory_total=memory_total,
    )


def _map(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _text(raw: str) -> str | None:
    return raw[:200].encode("utf-8", "replace").decode() or None


def _number(raw: Any) -> float | None:
    if type(raw) not in _NUMBERS:
        return None
    return float(raw) if abs(raw) < 2**63 else None  # not so of NaN


def _first(one: Any, other: Any) -> float | None:
    number = _number(one)
    return _number(other) if number is None else number
