"""The hub's JSON, turned into events; what does not fit is left out, never believed. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from viewer.events import (
    AlertTold,
    Check,
    ChecksTold,
    CheckTold,
    Event,
    FactsTold,
    Garbage,
    HostEntry,
    HostTold,
    Missed,
    Process,
    SampleTold,
    SeriesTold,
    ServiceEntry,
    ServicesTold,
    Values,
)
from viewer.history import Reading
from viewer.wishes import AskChecks, AskSeries

MAX_TEXT = 400
_ID = re.compile(r'[{,]\s*"id"\s*:\s*"([^"\\]{1,100})"')
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


def stream_event(message: str | bytes) -> Event | None:
    """The event that a stream message is; None for a type that is not ours, ``Garbage`` for no event at all."""
    try:
        found = _DECODER.decode(message if isinstance(message, str) else message.decode())
    except (ValueError, RecursionError):
        return Garbage()
    make = _MAKERS.get(text(found.get("type"))) if isinstance(found, dict) else None
    if make is None:
        return None if isinstance(found, dict) else Garbage()
    return make(found) or Garbage()


def event_id(text: str | bytes) -> str | None:
    """The id in a stream message, found near its end or its beginning without decoding it."""
    for piece, place in ((text[-200:], -1), (text[:200], 0)):
        found = _ID.findall(piece if isinstance(piece, str) else piece.decode(errors="replace"))
        if found:
            return str(found[place])
    return None


def hosts(body: str) -> Iterator[HostEntry]:
    """The entries of the list of hosts, decoded one by one, since the list may be of many megabytes."""
    seen = known = 0
    for found in _items(body, "servers"):
        entry = _host(found)
        seen += 1
        if entry is not None:
            known += 1
            yield entry
    if seen and not known:
        raise ValueError("no host in the list of servers")


def host(body: str) -> HostTold | None:
    """The answer about one host."""
    found = load(body)
    entry = _host(found)
    if entry is None:
        return None
    values = numbers(found.get("values")) or entry.values
    facts, rows = found.get("facts"), found.get("processes")
    return HostTold(
        HostEntry(entry.name, entry.display, entry.state, entry.error, entry.sampled, values),
        seconds(found.get("values_at")),
        _told(facts) if isinstance(facts, dict) else None,
        tuple(_process(row) for row in rows[:200] if isinstance(row, dict)) if isinstance(rows, list) else None,
    )


def series(body: str, wish: AskSeries) -> SeriesTold | None:
    """The answer about a host's past."""
    found = load(body)
    step, times = number(found.get("step_seconds")), found.get("times")
    if not isinstance(times, list):
        return None
    at = tuple((number(time) or 0.0) / 1000 for time in times)
    rows = found.get("series")
    columns = {
        text(one.get("metric")): _readings(one, len(at))
        for one in (rows if isinstance(rows, list) else [])
        if isinstance(one, dict)
    }
    return SeriesTold(wish, step if step and step > 0 else 1.0, at, columns)


def services(body: str) -> ServicesTold:
    """The list of services."""
    return ServicesTold(tuple(entry for found in _items(body, "services") if (entry := _service(found))))


def checks(body: str, uptime_body: str | None, wish: AskChecks) -> ChecksTold:
    """The answers about a service's past."""
    found = [check for row in _items(body, "checks") if isinstance(row, dict) and (check := _check(row))]
    told = load(uptime_body) if uptime_body else {}
    total = number(told.get("total_checks"))
    share = number(told.get("uptime_percentage")) if total else None
    return ChecksTold(wish, tuple(found), share, int(total or 0))


def seconds(text: object) -> float | None:
    """The time that an RFC 3339 text means."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def numbers(found: object) -> dict[str, float | None]:
    """Metrics by name; what is no finite number is no reading."""
    if not isinstance(found, dict):
        return {}
    return {name: number(value) for name, value in found.items()}


def flat(metrics: object) -> dict[str, float | None]:
    """``ServerMetrics`` as metrics by name, for hubs and answers that do not give those."""
    if not isinstance(metrics, dict):
        return {}
    cpus, memory, components = (_map(metrics.get(key)) for key in ("cpus", "memory", "components"))
    values = {
        "cpu.percent": number(cpus.get("average_usage")),
        "cpu.count": number(cpus.get("total")),
        "memory.total": number(memory.get("total")),
        "memory.used": number(memory.get("used")),
        "swap.total": number(memory.get("total_swap")),
        "swap.used": number(memory.get("used_swap")),
        "system.uptime_seconds": number(metrics.get("uptime_seconds")),
    }
    for kind in ("memory", "swap"):
        total, used = values[f"{kind}.total"], values[f"{kind}.used"]
        values[f"{kind}.percent"] = 100 * used / total if total and used is not None else None
    for place, core in enumerate(_maps(cpus.get("cpus"))):
        values[f"cpu[{place}].percent"] = number(core.get("usage"))
    for sensor in _maps(components.get("components")):
        values[f"temperature[{text(sensor.get('name'))}].celsius"] = number(sensor.get("temperature"))
    for group, key in (("disk", "disks"), ("net", "networks")):
        for row in _maps(metrics.get(key)):
            name = text(row.get("name"))
            values.update({f"{group}[{name}].{k}": number(v) for k, v in row.items() if k != "name"})
    load = metrics.get("load")
    if isinstance(load, list):
        spans = zip(("1m", "5m", "15m"), load, strict=False)
        values.update({f"load.{span}": number(value) for span, value in spans})
    return {name: value for name, value in values.items() if value is not None}


def _host(found: object) -> HostEntry | None:
    if not isinstance(found, dict) or not isinstance(found.get("server_id"), str):
        return None
    name = text(found["server_id"])
    return HostEntry(
        name,
        text(found.get("display_name")) or name,
        text(found.get("health_status")) or "unknown",
        text(found.get("last_poll_error")),
        seconds(found.get("last_poll_success")),
        flat(found.get("latest_metrics")),
    )


def _service(found: object) -> ServiceEntry | None:
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return None
    return ServiceEntry(
        text(found["name"]),
        text(found.get("url")),
        text(found.get("health_status")) or "unknown",
        number(found.get("response_time_ms")),
        seconds(found.get("last_check")),
        text(found.get("reason")),
        None if (days := number(found.get("ssl_expiry_days"))) is None else int(days),
    )


def _process(row: Mapping[str, Any]) -> Process:
    return Process(
        int(number(row.get("pid")) or 0),
        text(row.get("name")),
        text(row.get("user")),
        number(row.get("cpu_percent")),
        number(row.get("memory_bytes")),
    )


def _readings(one: Mapping[str, Any], size: int) -> list[Reading | None]:
    means, lows, highs, counts = (_row(one.get(key), size) for key in ("mean", "min", "max", "count"))
    found: list[Reading | None] = []
    for place in range(size):
        mean = number(means[place])
        if mean is None:
            found.append(None)
            continue
        low, high, count = number(lows[place]), number(highs[place]), number(counts[place])
        # Where nobody says how many readings there were, there was at least one.
        found.append((mean, mean if low is None else low, mean if high is None else high, max(1, int(count or 1))))
    return found


def _row(found: object, size: int) -> list[Any]:
    row = found if isinstance(found, list) else []
    return row[:size] + [None] * (size - len(row))


def _sample(found: Mapping[str, Any]) -> Event | None:
    name, at = found.get("server_id"), seconds(found.get("timestamp"))
    if not isinstance(name, str) or at is None:
        return None
    values: Values = numbers(found.get("values")) or flat(found.get("metrics"))
    return SampleTold(text(name), text(found.get("display_name")) or text(name), at, values)


def _facts(found: Mapping[str, Any]) -> Event | None:
    name, facts = found.get("server_id"), found.get("facts")
    return FactsTold(text(name), _told(facts)) if isinstance(name, str) and isinstance(facts, dict) else None


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A host's facts without numbers that are none, or have hundreds of digits."""
    return {key: one for key, one in facts.items() if type(one) not in (int, float) or number(one) is not None}


def _check(found: Mapping[str, Any]) -> Check | None:
    name, at = found.get("service_name"), seconds(found.get("timestamp"))
    if not isinstance(name, str) or at is None:
        return None
    code, days = number(found.get("http_status_code")), number(found.get("ssl_expiry_days"))
    return Check(
        name=text(name),
        at=at,
        status=text(found.get("status")) or "unknown",
        response_ms=number(found.get("response_time_ms")),
        code=None if code is None else int(code),
        tls_days=None if days is None else int(days),
        error=text(found.get("error_message")),
        url=text(found.get("url")),
    )


def _checked(found: Mapping[str, Any]) -> Event | None:
    check = _check(found)
    return CheckTold(check) if check else None


def _missed(found: Mapping[str, Any]) -> Event:
    count = number(found.get("missed"))
    return Missed(None if count is None else int(count))


_MAKERS: dict[str, Callable[[Mapping[str, Any]], Event | None]] = {
    "metric": _sample,
    "facts": _facts,
    "service_check": _checked,
    "alert": lambda found: AlertTold(),
    "gap": _missed,
}


def load(body: str) -> dict[str, Any]:
    """The object in ``body``; raises ``ValueError`` where there is none."""
    try:
        found = _DECODER.decode(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        raise ValueError("no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _items(body: str, key: str) -> Iterator[Any]:
    """The items of the list under ``key``, each decoded on its own; raises ``ValueError`` for other text.

    One long decoding would keep every other thread waiting for as long as it takes.
    """
    place = body.find(f'"{key}"')
    place = body.find("[", place) + 1 if place >= 0 else 0
    if not place:
        if not isinstance(load(body).get(key), list):
            raise ValueError(f"no list of {key}")
        return
    size = len(body)
    while True:
        while place < size and body[place] in " \t\r\n,":
            place += 1
        if place >= size:
            raise ValueError("the answer ends too early")
        if body[place] == "]":
            return
        try:
            item, place = _DECODER.raw_decode(body, place)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        except ValueError:
            raise ValueError("no JSON") from None
        yield item


def text(found: object) -> str:
    """The text that it is, no longer than anybody reads; empty where it is none."""
    return found[:MAX_TEXT] if isinstance(found, str) else ""


def number(found: object) -> float | None:
    """The finite number that it is."""
    if type(found) is float:
        return found if math.isfinite(found) else None
    return float(found) if type(found) is int and abs(found) < 2**1000 else None


def _map(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _maps(found: object) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
