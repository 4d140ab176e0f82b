"""Of which hosts and services nobody is told anything now, as clients of old call it: paused. Pure.

They are measured and judged as ever; a silence or a maintenance window holds back whatever there is to say of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from api.directory import Directory
from api.shapes import Monitoring
from bus import calendar
from bus.availability import Matching, concerns
from bus.messages import Silence

_NAME = re.compile(r"[^*?[=]+")
"""A term of a hold that is no glob, and of no label, rule or severity."""


class Paused:
    """Who is paused at one time."""

    def __init__(self, holds: Iterable[Matching], directory: Directory) -> None:
        self._directory = directory
        self._named: set[str] = set()
        """Who is held back by name. There may be a hold for each host, and each host is asked about."""
        self._holds: list[Matching] = []
        for hold in holds:
            if all(_NAME.fullmatch(term) for term in hold.matches):
                self._named.update(hold.matches)
            else:
                self._holds.append(hold)

    def host(self, name: str) -> Monitoring:
        """The ``monitoring_status`` of a host."""
        one = self._directory.hosts.get(name)
        return self._status("host", name, one.labels if one else {})

    def service(self, name: str) -> Monitoring:
        """That of a service."""
        one = self._directory.services.get(name)
        return self._status("service", name, one.labels if one else {})

    def _status(self, kind: Literal["host", "service"], name: str, labels: Mapping[str, str]) -> Monitoring:
        if name in self._named or f"{kind}/{name}" in self._named:
            return "paused"
        return "paused" if any(concerns(hold, name, labels, kind) for hold in self._holds) else "active"


def paused(silences: Iterable[Silence], directory: Directory, now: int) -> Paused:
    """Who is paused at ``now`` by these silences and by the windows of the configuration."""
    held = [one for one in silences if not one.revoked and one.starts <= now < one.until]
    return Paused((*held, *(one for one in directory.maintenance if calendar.ends(one, now) is not None)), directory)
