"""Which rooms there are, and where each keeps its table. Rooms are named by text: none imports another."""

from __future__ import annotations

import importlib

from bus import tables as shared

ROOMS = {
    "collector": "collector.config:Collector",
    "store": "store.config:Store",
    "api": "api.config:Api",
    "agent": "agent.config:Agent",
    "alerter": "alerter.config:Alerter",
}

ROOM_LISTS = {
    "rules": "alerter.config:RuleTable",
    "maintenance": "alerter.config:Maintenance",
}


def _found(place: str) -> type:
    module, _, kind = place.partition(":")
    return getattr(importlib.import_module(module), kind)  # type: ignore[no-any-return]


LISTS: dict[str, type] = {**shared.LISTS, **{name: _found(place) for name, place in ROOM_LISTS.items()}}
"""Every list of tables by its name."""


def tables() -> dict[str, type]:
    """Every table of the configuration by its name."""
    return {**shared.TABLES, **{name: _found(place) for name, place in ROOMS.items()}}
