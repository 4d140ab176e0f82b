"""How full the firewall's table of connections is, from /proc/sys/net/netfilter."""

from __future__ import annotations

from typing import ClassVar

from agent import rounding
from agent.readings import Ground, Readings


class Conntrack:
    """Where it is full, new connections are dropped without a word to anybody."""

    fields: ClassVar = {
        "conntrack.connections": "connections that the firewall follows",
        "conntrack.percent": "the same in percent of those it has room for",
    }
    slow = True

    def __init__(self, ground: Ground) -> None:
        self._folder = f"{ground.proc}/sys/net/netfilter"

    def read(self) -> Readings:
        """Both; none where no rule wants connections followed."""
        try:
            count, most = self._number("nf_conntrack_count"), self._number("nf_conntrack_max")
        except FileNotFoundError:
            return {}
        return {"conntrack.connections": float(count), "conntrack.percent": rounding.percent(count, most)}

    def _number(self, name: str) -> int:
        # Not kept open: the module may be taken out and put in again.
        with open(f"{self._folder}/{name}", "rb") as file:
            return int(file.read())
