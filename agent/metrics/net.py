"""What passes the network interfaces, from /proc/net/dev."""

from __future__ import annotations

from typing import ClassVar

from agent.files import LINE, Kept
from agent.names import instance, skipped
from agent.readings import Count, Ground, Reading, Readings

_COLUMNS = (
    (0, "rx_bytes_per_s"),
    (8, "tx_bytes_per_s"),
    (1, "rx_packets_per_s"),
    (9, "tx_packets_per_s"),
    (2, "rx_errors_per_s"),
    (10, "tx_errors_per_s"),
    (3, "rx_drops_per_s"),
    (11, "tx_drops_per_s"),
)


class Net:
    """Traffic of each interface that ``skip_interfaces`` does not leave out."""

    fields: ClassVar = {
        "net[*].rx_bytes_per_s": "received",
        "net[*].tx_bytes_per_s": "sent",
        "net[*].rx_packets_per_s": "packets received",
        "net[*].tx_packets_per_s": "packets sent",
        "net[*].rx_errors_per_s": "packets that came broken",
        "net[*].tx_errors_per_s": "packets that could not be sent",
        "net[*].rx_drops_per_s": "packets received and thrown away",
        "net[*].tx_drops_per_s": "packets thrown away instead of sent",
    }
    slow = False

    def __init__(self, ground: Ground) -> None:
        # /proc/net leads to the network of the task that opens it: the agent's own.
        self._dev = Kept(f"{ground.proc}/net/dev", LINE)
        self._skip = ground.config.skip_interfaces
        self._names: dict[bytes, tuple[tuple[int, str], ...]] = {}

    def read(self) -> Readings:
        """The counters of all interfaces."""
        return self.parsed(self._dev.read())

    def parsed(self, text: bytes) -> Readings:
        """The readings in the text of /proc/net/dev: ``eth0: 8 columns received, 8 columns sent``."""
        readings: dict[str, Reading] = {}
        for line in text.splitlines()[2:]:
            label, _, counters = line.rpartition(b":")
            names = self._names.get(label)
            if names is None:
                names = self._learnt(label)
            if names:
                columns = counters.split()
                for column, name in names:
                    readings[name] = Count(int(columns[column]))
        return readings

    def _learnt(self, label: bytes) -> tuple[tuple[int, str], ...]:
        if len(self._names) > 10_000:  # containers come and go, each with an interface of a new name
            self._names.clear()
        interface = label.strip().decode("utf-8", "replace")
        names: tuple[tuple[int, str], ...] = ()
        if not skipped(interface, self._skip):
            names = tuple((column, f"net[{instance(interface)}].{field}") for column, field in _COLUMNS)
        self._names[label] = names
        return names
