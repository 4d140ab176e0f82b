"""The drawer of a host's panels: one file, one entry. Pure.

A panel says how many rows it needs and would like for a host (0: it has nothing to show), and draws itself.
"""

from __future__ import annotations

from viewer.panels import (
    alarms,
    batteries,
    containers,
    cpu,
    disks,
    gpus,
    io,
    memory,
    network,
    own,
    pressure,
    processes,
    temperatures,
    units,
)
from viewer.panels.base import Panel

PANELS: dict[str, Panel] = {
    "alarms": alarms.PANEL,
    "cpu": cpu.PANEL,
    "memory": memory.PANEL,
    "disks": disks.PANEL,
    "network": network.PANEL,
    "io": io.PANEL,
    "temperatures": temperatures.PANEL,
    "gpus": gpus.PANEL,
    "batteries": batteries.PANEL,
    "containers": containers.PANEL,
    "units": units.PANEL,
    "own": own.PANEL,
    "processes": processes.PANEL,
    "pressure": pressure.PANEL,
}
