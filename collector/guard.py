"""Where the collector may listen. Pure."""

from __future__ import annotations

from pathlib import Path

from bus.config import ConfigError, Fault
from bus.tables import Bus, each, is_loopback, unguarded


def expected(bus: Bus, file: Path, place: int) -> None:
    """Raises ``ConfigError`` if the configuration has no door for the collector number ``place``."""
    if not 1 <= place <= len(bus.entrances):
        found = f"{len(bus.entrances)} of the {place} that collector {place} needs"
        raise ConfigError(
            [Fault(str(file), "[bus] door", None, found, "an address for each collector, with commas between them")]
        )


def check(bus: Bus, file: Path, *, keys: bool) -> None:
    """Raises ``ConfigError`` if a public road could be reached by other machines without ``keys``."""
    if keys:
        return
    faults = []
    for name in ("door", "receipts"):
        for address in each(getattr(bus, name)):
            if not is_loopback(address):
                objection = unguarded(name, address)
                faults.append(
                    Fault(str(file), f"[bus] {name}", None, objection.found, objection.expected, objection.remedy)
                )
    if faults:
        raise ConfigError(faults)
