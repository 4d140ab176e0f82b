"""The unit of a metric is told from its name."""

from __future__ import annotations

from bus.units import units


def test_units_are_told_from_names() -> None:
    names = {
        "cpu.percent": "percent",
        "net[eth0].rx_bytes_per_s": "bytes/s",
        "io[sda].reads_per_s": "1/s",
        "memory.used": "bytes",
        "temperature[x].celsius": "celsius",
        "fan[x].rpm": "rpm",
        "cpu.mhz": "MHz",
        "system.uptime_seconds": "seconds",
        "agent.rss_bytes": "bytes",
        "system.processes": "",
    }
    assert units(list(names)) == list(names.values())
