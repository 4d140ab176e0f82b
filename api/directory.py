"""Which hosts and services are listed, in which order and under which names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ListedHost:
    """A host that the configuration names."""

    name: str
    display: str = ""
    interval: float | None = None
    """Seconds between its samples, where the configuration says so."""


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service that the configuration names."""

    name: str
    url: str = ""
    interval: float | None = None
    """Seconds between its checks."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The configured hosts and services; those that only ever reported come after them, by name."""

    hosts: dict[str, ListedHost] = field(default_factory=dict)
    services: dict[str, ListedService] = field(default_factory=dict)

    @classmethod
    def of(cls, hosts: Iterable[ListedHost] = (), services: Iterable[ListedService] = ()) -> Directory:
        """The directory of these, in their order."""
        return cls({host.name: host for host in hosts}, {service.name: service for service in services})

    def host_names(self, seen: Iterable[str]) -> list[str]:
        """All hosts: configured ones in their order, then the others of ``seen`` by name."""
        return [*self.hosts, *sorted(set(seen) - self.hosts.keys())]

    def service_names(self, seen: Iterable[str]) -> list[str]:
        """All services, in the same manner."""
        return [*self.services, *sorted(set(seen) - self.services.keys())]

    def display(self, name: str) -> str:
        """What people call the host."""
        host = self.hosts.get(name)
        return (host.display if host else "") or name

    def interval(self, name: str) -> float | None:
        """The configured seconds between the host's samples."""
        host = self.hosts.get(name)
        return host.interval if host else None
