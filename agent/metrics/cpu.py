"""How busy the cores are, from /proc/stat."""

from __future__ import annotations

from typing import ClassVar

from agent.files import LINE, Kept
from agent.readings import Ground, Reading, Readings, Share


class Cpu:
    """Shares of the time that passed on all cores and on each. Time stolen by a hypervisor counts as busy."""

    fields: ClassVar = {
        "cpu.percent": "time not idle, of all cores",
        "cpu.user_percent": "time in programs, nice ones too",
        "cpu.system_percent": "time in the kernel and its interrupts",
        "cpu.iowait_percent": "idle time while a disk was waited for",
        "cpu.steal_percent": "time that the hypervisor gave to others",
        "cpu.count": "cores that are online",
        "cpu[*].percent": "time not idle, of one core",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        self._stat = Kept(f"{ground.proc}/stat", LINE)
        self._names: dict[bytes, str] = {}

    def read(self) -> Readings:
        """All shares."""
        return self.parsed(self._stat.read())

    def parsed(self, text: bytes) -> Readings:
        """The readings in the text of /proc/stat; its lines are ``cpu0 user nice system idle iowait irq ...``."""
        total, *cores = text[: text.index(b"\nintr")].split(b"\n")
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, total.split()[1:9])
        kernel = system + irq + softirq
        busy = user + nice + kernel + steal  # guests' time is in user and nice already
        whole = busy + idle + iowait
        readings: dict[str, Reading] = {
            "cpu.percent": Share(busy, whole),
            "cpu.user_percent": Share(user + nice, whole),
            "cpu.system_percent": Share(kernel, whole),
            "cpu.iowait_percent": Share(iowait, whole),
            "cpu.steal_percent": Share(steal, whole),
            "cpu.count": float(len(cores)),
        }
        for core in cores:
            label, *ticks = core.split()
            user, nice, system, idle, iowait, irq, softirq, steal = map(int, ticks[:8])
            busy = user + nice + system + irq + softirq + steal
            readings[self._name(label)] = Share(busy, busy + idle + iowait)
        return readings

    def _name(self, label: bytes) -> str:
        name = self._names.get(label)
        if name is None:
            name = self._names[label] = f"cpu[{label[3:].decode()}].percent"
        return name
