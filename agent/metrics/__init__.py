"""The drawer of metrics: one file, one line. Each line names a class of ``agent.readings.Metric``.

Classes are named by text, so that the configuration knows the metrics without loading them. Their order is that of
the numbers in a sample.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.readings import Metric

METRICS = {
    "cpu": "agent.metrics.cpu:Cpu",
    "frequency": "agent.metrics.frequency:Frequency",
    "load": "agent.metrics.load:Load",
    "memory": "agent.metrics.memory:Memory",
    "swap": "agent.metrics.swap:Swap",
    "oom": "agent.metrics.oom:Oom",
    "pressure": "agent.metrics.pressure:Pressure",
    "ecc": "agent.metrics.ecc:Ecc",
    "disk": "agent.metrics.disk:Disk",
    "filesystem": "agent.metrics.filesystem:Filesystem",
    "io": "agent.metrics.io:Io",
    "raid": "agent.metrics.raid:Raid",
    "net": "agent.metrics.net:Net",
    "bond": "agent.metrics.bond:Bond",
    "tcp": "agent.metrics.tcp:Tcp",
    "conntrack": "agent.metrics.conntrack:Conntrack",
    "temperature": "agent.metrics.temperature:Temperature",
    "fan": "agent.metrics.fan:Fan",
    "gpu": "agent.metrics.gpu:Gpu",
    "battery": "agent.metrics.battery:Battery",
    "system": "agent.metrics.system:System",
    "clock": "agent.metrics.clock:Clock",
    "tasks": "agent.metrics.tasks:Tasks",
    "handles": "agent.metrics.handles:Handles",
    "unit": "agent.metrics.unit:Unit",
    "container": "agent.metrics.container:Container",
    "agent": "agent.metrics.own:Own",
}


def found(name: str) -> type[Metric]:
    """The class of the metric ``name``."""
    module, _, kind = METRICS[name].partition(":")
    return getattr(importlib.import_module(module), kind)  # type: ignore[no-any-return]
