"""Which hosts and services are listed, in which order and under which names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bus.availability import Maintenance
from bus.tables import Host, Service

JOB = "heartbeat:"


@dataclass(frozen=True, slots=True)
class Directory:
    """The configured hosts and services; those that only ever reported come after them, by name."""

    hosts: dict[str, Host] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()
    """Windows in which a service's state does not count."""

    @classmethod
    def of(
        cls, hosts: Iterable[Host] = (), services: Iterable[Service] = (), maintenance: Iterable[Maintenance] = ()
    ) -> Directory:
        """The directory of these, in their order."""
        return cls(
            {host.name: host for host in hosts}, {service.name: service for service in services}, tuple(maintenance)
        )

    def is_gone(self, name: str) -> bool:
        """Whether the configuration says of a host that it is no more."""
        host = self.hosts.get(name)
        return host is not None and host.gone

    def host_names(self, seen: Iterable[str]) -> list[str]:
        """All hosts: configured ones in their order, then the others of ``seen`` by name; none that is gone."""
        return [
            *(name for name, host in self.hosts.items() if not host.gone),
            *sorted(set(seen) - self.hosts.keys()),
        ]

    def service_names(self, seen: Iterable[str]) -> list[str]:
        """All services, in the same manner."""
        return [*self.services, *sorted(set(seen) - self.services.keys())]

    def display(self, name: str) -> str:
        """What people call the host."""
        host = self.hosts.get(name)
        return (host.display if host else "") or name

    def interval(self, name: str) -> float | None:
        """Seconds between the service's checks; None when it is not configured."""
        service = self.services.get(name)
        return service.interval if service else None

    @property
    def jobs(self) -> list[str]:
        """The services whose jobs report by themselves."""
        return [name for name, service in self.services.items() if service.url.startswith(JOB)]

    def url(self, name: str) -> str:
        """What is checked of the service, a job by its name as its checks have it; empty when it is not configured."""
        service = self.services.get(name)
        url = service.url if service else ""
        return f"{url}{name}" if url == JOB else url
