"""Hosts and services that depend on each other in a circle: each would wait for the other, and nobody be told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from bus.drawers import Complaint
from bus.faults import Objection
from bus.tables import Host, Service

Key = tuple[str, str]


def circles(hosts: Sequence[Host], services: Sequence[Service]) -> Iterator[Complaint]:
    """Where what a host or a service depends on leads back to itself."""
    parents: dict[Key, str] = {("host", one.name): one.parent for one in hosts}
    parents |= {("service", one.name): one.host for one in services}
    inside = _inside(parents)
    for table, key, kind, names in (
        ("hosts", "parent", "host", [one.name for one in hosts]),
        ("services", "host", "service", [one.name for one in services]),
    ):
        for number, name in enumerate(names):
            own = (kind, name)
            if own in inside:
                found = f'"{parents[own]}", which leads back here'
                way = (*_way(own, parents, set()), own)
                yield (
                    (table, number),
                    Objection(key, found, "what does not depend on it", " to ".join(map("/".join, way))),
                )


def _inside(parents: Mapping[Key, str]) -> set[Key]:
    """Those from whom the way leads back to themselves; each is gone through once, however long a chain is."""
    found, seen = set[Key](), set[Key]()
    for begin in parents:
        way = list(_way(begin, parents, seen))
        seen.update(way)
        back = _next(way[-1], parents) if way else None
        if back in way:
            found.update(way[way.index(back) :])
    return found


def _way(begin: Key, parents: Mapping[Key, str], seen: Set[Key]) -> Iterator[Key]:
    """From one to what it depends on and so forth, until one comes again or one that was ``seen``."""
    way = dict[Key, None]()
    at: Key | None = begin
    while at is not None and at not in way and at not in seen:
        way[at] = None
        at = _next(at, parents)
    return iter(way)


def _next(key: Key, parents: Mapping[Key, str]) -> Key | None:
    """What it depends on."""
    kind, _, name = parents[key].partition("/")
    keys: list[Key] = [(kind, name)] if kind in ("host", "service") and name else []
    keys = keys or [("host", parents[key]), ("service", parents[key])]
    return next((key for key in keys if key in parents), None)
