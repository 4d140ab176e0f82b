"""A host's flat numbers, turned into ``ServerMetrics`` and back into names. Pure.

Which number goes where depends on the layout alone, so it is worked out once per layout (``Plan``) and a sample
then costs a look-up per field. Counts, bytes and MHz leave as integers, since typed clients refuse ``2400.0``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from api.shapes import Component, Cpu, Disk, MetricRow, Network, ServerMetrics, System
from bus.messages import Facts

Values = Sequence[float | None]
TOO_MANY = 2.0**63
"""The first number that is none of the integers which typed clients read."""

_METRIC = re.compile(r"([A-Za-z0-9_]+)\[(.*)\]\.(.+)\Z", re.DOTALL)


class _Disk(NamedTuple):
    name: str
    total: int
    used: int
    free: int
    percent: int


_DISK_FIELDS = _Disk._fields[1:]


class _Network(NamedTuple):
    name: str
    rx: int
    tx: int


class Plan:
    """Where each field of ``ServerMetrics`` stands in the samples of one layout; -1 where it has no place."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        place = {name: index for index, name in enumerate(names)}
        self._cpu = place.get("cpu.percent", -1)
        self._count = place.get("cpu.count", -1)
        self._mhz = place.get("cpu.mhz", -1)
        self._memory = [place.get(name, -1) for name in ("memory.total", "memory.used", "swap.total", "swap.used")]
        self._load = [place.get(f"load.{span}", -1) for span in ("1m", "5m", "15m")]
        self._uptime = place.get("system.uptime_seconds", -1)
        instances = _instances(names)
        self._cores = [
            (f"cpu{core}", fields["percent"], fields.get("mhz", self._mhz))
            for core, fields in sorted(instances.get("cpu", {}).items(), key=_by_number)
            if "percent" in fields
        ]
        self._sensors = [
            (sensor.replace("/", " "), fields["celsius"])
            for sensor, fields in instances.get("temperature", {}).items()
            if "celsius" in fields
        ]
        self._disks = [
            _Disk(name, *(fields.get(field, -1) for field in _DISK_FIELDS))
            for name, fields in instances.get("disk", {}).items()
            if not fields.keys().isdisjoint(_DISK_FIELDS)
        ]
        self._networks = [
            _Network(name, fields.get("rx_bytes_per_s", -1), fields.get("tx_bytes_per_s", -1))
            for name, fields in instances.get("net", {}).items()
        ]

    def average_usage(self, values: Values) -> float | None:
        """The host's CPU in percent; None in a first sample, since a rate needs two."""
        return _share(_at(values, self._cpu))

    def memory(self, values: Values) -> tuple[int | None, int | None]:
        """(used, total) in bytes."""
        return _whole(_at(values, self._memory[1])), _whole(_at(values, self._memory[0]))

    def average_temperature(self, values: Values) -> float | None:
        """The mean over the sensors that gave a reading; None without one."""
        readings = [value for _, index in self._sensors if (value := values[index]) is not None]
        return round(sum(readings) / len(readings), 3) if readings else None

    def server_metrics(self, values: Values, facts: Facts | None) -> ServerMetrics | None:
        """The nested form; None when the CPU has no reading, for which the contract has no word.

        Memory and swap are 0 where the host measures none, as the contract asks for integers. A core without a
        reading is left out.
        """
        average = self.average_usage(values)
        if average is None:
            return None
        total, used, total_swap, used_swap = (_whole(_at(values, index)) for index in self._memory)
        count = _whole(_at(values, self._count))
        metrics: ServerMetrics = {
            "system": _system(facts),
            "memory": {
                "total": total or (_whole(facts.memory_total) if facts else 0) or 0,
                "used": used or 0,
                "total_swap": total_swap or 0,
                "used_swap": used_swap or 0,
            },
            "cpus": {
                "total": count or (_whole(facts.cpu_count) if facts else 0) or len(self._cores),
                "arch": facts.arch if facts else "",
                "average_usage": average,
                "cpus": self._cpus(values),
            },
            "components": {
                "average_temperature": self.average_temperature(values),
                "components": [
                    Component(name=name, temperature=_rounded(values[index])) for name, index in self._sensors
                ],
            },
        }
        if self._disks:
            metrics["disks"] = [_disk(disk, values) for disk in self._disks]
        if self._networks:
            metrics["networks"] = [
                Network(
                    name=network.name,
                    rx_bytes_per_s=_rounded(_at(values, network.rx)),
                    tx_bytes_per_s=_rounded(_at(values, network.tx)),
                )
                for network in self._networks
            ]
        if self._load != [-1, -1, -1]:
            metrics["load"] = [_rounded(_at(values, index)) for index in self._load]
        if self._uptime >= 0:
            metrics["uptime_seconds"] = _rounded(values[self._uptime])
        return metrics

    def row(
        self, server_id: str, display: str, timestamp: str, values: Values, facts: Facts | None
    ) -> MetricRow | None:
        """One row of a host's history; None when there is no ``ServerMetrics`` for it."""
        metrics = self.server_metrics(values, facts)
        if metrics is None:
            return None
        used, total = self.memory(values)
        return {
            "timestamp": timestamp,
            "server_id": server_id,
            "display_name": display,
            "metric_type": "resource",
            "cpu_avg": metrics["cpus"]["average_usage"],
            "memory_used": used,
            "memory_total": total,
            "temp_avg": metrics["components"]["average_temperature"],
            "metadata": metrics,
        }

    def _cpus(self, values: Values) -> list[Cpu]:
        return [
            {"name": name, "frequency": _whole(_at(values, mhz)) or 0, "usage": usage}
            for name, index, mhz in self._cores
            if (usage := _share(values[index])) is not None
        ]


@lru_cache(maxsize=4096)
def plan(names: tuple[str, ...]) -> Plan:
    """The plan of a layout; hosts of one make share it."""
    return Plan(names)


def _instances(names: tuple[str, ...]) -> dict[str, dict[str, dict[str, int]]]:
    found: dict[str, dict[str, dict[str, int]]] = {}
    for index, name in enumerate(names):
        match = _METRIC.match(name)
        if match:
            group, instance, field = match.groups()
            found.setdefault(group, {}).setdefault(instance, {})[field] = index
    return found


def _by_number(item: tuple[str, dict[str, int]]) -> tuple[int, str]:
    core = item[0]
    return (int(core) if core.isdecimal() else 1_000_000, core)


def _system(facts: Facts | None) -> System:
    if facts is None:
        return {"name": None, "kernel_version": None, "os_version": None, "host_name": None}
    return {
        "name": facts.os_name,
        "kernel_version": facts.kernel,
        "os_version": facts.os_version,
        "host_name": facts.host_name,
    }


def _disk(disk: _Disk, values: Values) -> Disk:
    return {
        "name": disk.name,
        "total": _whole(_at(values, disk.total)),
        "used": _whole(_at(values, disk.used)),
        "free": _whole(_at(values, disk.free)),
        "percent": _rounded(_at(values, disk.percent)),
    }


def _at(values: Values, index: int) -> float | None:
    return values[index] if index >= 0 else None


def _whole(value: float | None) -> int | None:
    # One that is negative, or of more than 64 bits, would cost typed clients the list of all hosts.
    return round(value) if value is not None and 0 <= value < TOO_MANY else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _share(value: float | None) -> float | None:
    # Ticks are counted at slightly different instants: 100.02 percent is a reading, but not one clients take.
    return None if value is None else round(min(100.0, max(0.0, value)), 3)
