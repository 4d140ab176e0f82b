"""The tables that several rooms read: the bus itself, the watched hosts and the watched services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bus.config import setting
from bus.faults import Objection

NAME = r"[A-Za-z0-9._:-]{1,128}"


def is_loopback(address: str) -> bool:
    """Whether a ZeroMQ address can be reached from this machine alone."""
    if not address.startswith("tcp://"):
        return True
    host = urlsplit(address).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


@dataclass(frozen=True)
class Bus:
    """``[bus]``: where the roads run, and how every program keeps its log."""

    door: str = setting(
        "tcp://127.0.0.1:5560",
        pattern=r"tcp://\S+:\d+",
        help="Where agents push to. Beyond this machine it needs keys.",
    )
    receipts: str = setting("tcp://127.0.0.1:5561", pattern=r"tcp://\S+:\d+", help="Where agents hear what is stored.")
    log_format: str = setting("logfmt", choices=("logfmt", "json"), help="The form of log lines.")
    log_level: str = setting(
        "info", choices=("debug", "info", "warning", "error"), help="What is worth a line in the log."
    )
    vitals_seconds: float = setting(
        10.0, minimum=1, maximum=3600, unit="s", help="How often each program publishes its own counters."
    )
    silent_seconds: float = setting(
        30.0, minimum=5, unit="s", help="A program that lives but does not beat for this long is restarted."
    )

    def objections(self) -> Iterator[Objection]:
        """A door that the network reaches needs keys."""
        for key, address in (("door", self.door), ("receipts", self.receipts)):
            if not is_loopback(address):
                yield Objection(
                    key,
                    f"{address!r}, which the network reaches",
                    "an address of this machine as long as there are no keys",
                    "use tcp://127.0.0.1:PORT, through a tunnel from elsewhere",
                )


@dataclass(frozen=True)
class Host:
    """``[[hosts]]``: a host that is expected, listed even before it has reported."""

    name: str = setting(pattern=NAME, help="The name that the host's agent gives.")
    display: str = setting("", help="What people call it; empty: its name.")


@dataclass(frozen=True)
class Service:
    """``[[services]]``: a service to watch."""

    name: str = setting(pattern=r"(?!Connection\Z)[^/\x00-\x1f]{1,128}", help="What people call it; unique.")
    url: str = setting(help="What is checked.")
