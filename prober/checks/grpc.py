"""gRPC: does a server say of itself, or of one of its services, that it serves?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bus.config import Objection, Secret, setting
from bus.headers import header
from prober.checks.securing import Securing, opened
from prober.outcome import Failed, Outcome
from prober.probe import Probe

if TYPE_CHECKING:
    from prober.trust import Terms

STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
"""The words of ``grpc.health.v1.HealthCheckResponse.ServingStatus``."""


@dataclass(frozen=True, kw_only=True)
class Grpc(Securing):
    """A gRPC server: it says by the standard health protocol that it, or the service in the address, serves."""

    headers: dict[str, str] = setting({}, help="Metadata that is sent, names in small letters.")
    secret_headers: dict[str, Secret] = setting({}, help="Metadata that must not be seen.")

    def objections(self) -> Iterator[Objection]:
        """A host and a port are needed, and metadata that can be sent."""
        yield from super().objections()
        try:
            parts = self.parts()
            good = bool(parts.hostname and parts.port) and parts.scheme in ("grpc", "grpcs")
        except ValueError:
            return
        if not good:
            yield Objection("url", f'"{self.url}"', "a host and a port as in grpcs://shop.example:443/shop.Cart")
        for name, text in self.headers.items():
            yield from header("headers", name, text)
        for name, secret in self.secret_headers.items():
            yield from header("secret_headers", name, secret.reveal())

    @property
    def secure(self) -> bool:
        """By its address."""
        return self.parts().scheme == "grpcs"

    def terms(self) -> Terms:
        """HTTP/2 has to be agreed upon."""
        return replace(super().terms(), protocols=("h2",))

    def prepare(self) -> None:
        """Load what speaks HTTP/2."""
        from prober import health

        super().prepare()
        del health

    def look(self, probe: Probe) -> Outcome:
        """Ask for its health, and judge it."""
        from prober import trust
        from prober.health import asked
        from prober.lines import counted

        parts = self.parts()
        host, port = parts.hostname or "", parts.port or 0
        if parts.scheme == "grpc":
            with counted(probe.connect(host, port), probe) as line:
                return self._judged(asked(line, "http", parts.netloc, self._service, self._metadata, probe))
        with opened(self, probe, host, port, "") as secure:
            if secure.selected_alpn_protocol() != "h2":
                raise Failed("it does not speak HTTP/2, which gRPC needs")
            seen = trust.seen(secure, verified=self.tls_verify)
            state = asked(secure, "https", parts.netloc, self._service, self._metadata, probe)
            return self.dated(self._judged(state), seen, probe)

    def _judged(self, state: int) -> Outcome:
        if STATES.get(state) == "SERVING":
            return Outcome("up")
        whose = f"service {self._service}" if self._service else "server"
        return Outcome("down", f"the {whose} says {STATES.get(state, state)}, expected SERVING")

    @property
    def _service(self) -> str:
        return unquote(self.parts().path.strip("/"))

    @cached_property
    def _metadata(self) -> tuple[tuple[str, str], ...]:
        secret = {name: one.reveal() for name, one in self.secret_headers.items()}
        return tuple((name.lower(), text) for name, text in {**self.headers, **secret}.items())
