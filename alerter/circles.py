"""Hosts and services that depend on each other in a circle: each would wait for the other, and nobody be told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bus.drawers import Complaint
from bus.faults import Objection
from bus.tables import Host, Service

Key = tuple[str, str]


def circles(hosts: Sequence[Host], services: Sequence[Service]) -> Iterator[Complaint]:
    """Where what a host or a service depends on leads back to itself."""
    parents: dict[Key, str] = {("host", one.name): one.parent for one in hosts}
    parents |= {("service", one.name): one.host for one in services}
    for table, key, kind, names in (
        ("hosts", "parent", "host", [one.name for one in hosts]),
        ("services", "host", "service", [one.name for one in services]),
    ):
        for number, name in enumerate(names):
            own = (kind, name)
            way = list(_way(own, parents))
            if len(way) > 1 and way[-1] == own:
                found = f'"{parents[own]}", which leads back here'
                yield (
                    (table, number),
                    Objection(key, found, "what does not depend on it", " to ".join(map("/".join, way))),
                )


def _way(begin: Key, parents: Mapping[Key, str]) -> Iterator[Key]:
    """From one to what it depends on and so forth, until one comes again."""
    seen: set[Key] = set()
    at: Key | None = begin
    while at is not None:
        yield at
        if at in seen:
            return
        seen.add(at)
        kind, _, name = parents[at].partition("/")
        keys: list[Key] = [(kind, name)] if kind in ("host", "service") and name else []
        keys = keys or [("host", parents[at]), ("service", parents[at])]
        at = next((key for key in keys if key in parents), None)
