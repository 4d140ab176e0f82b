"""Where the collector may listen. Pure."""

from __future__ import annotations

from pathlib import Path

from bus.config import ConfigError, Fault
from bus.tables import Bus, is_loopback, unguarded


def check(bus: Bus, file: Path, *, keys: bool) -> None:
    """Raises ``ConfigError`` if a public road could be reached by other machines without ``keys``."""
    if keys:
        return
    faults = []
    for name in ("door", "receipts"):
        address: str = getattr(bus, name)
        if not is_loopback(address):
            objection = unguarded(name, address)
            faults.append(
                Fault(str(file), f"[bus] {name}", None, objection.found, objection.expected, objection.remedy)
            )
    if faults:
        raise ConfigError(faults)
