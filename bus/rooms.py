"""Which rooms there are, and where each keeps its table. Rooms are named by text: none imports another."""

from __future__ import annotations

import importlib

from bus.tables import LISTS, TABLES

ROOMS = {
    "collector": "collector.config:Collector",
    "store": "store.config:Store",
    "api": "api.config:Api",
    "agent": "agent.config:Agent",
}

__all__ = ["LISTS", "ROOMS", "tables"]


def tables() -> dict[str, type]:
    """Every table of the configuration by its name."""
    found = dict(TABLES)
    for name, place in ROOMS.items():
        module, _, kind = place.partition(":")
        found[name] = getattr(importlib.import_module(module), kind)
    return found
