"""Which rooms there are, and where each keeps its table. Rooms are named by text: none imports another."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from pathlib import Path

from bus import config
from bus import tables as shared
from bus.drawers import Drawer, Mixed
from bus.records import Settings

ROOMS = {
    "collector": "collector.config:Collector",
    "store": "store.config:Store",
    "api": "api.config:Api",
    "status_page": "api.config:StatusPage",
    "agent": "agent.config:Agent",
    "alerter": "alerter.config:Alerter",
    "notify": "alerter.routes:Notify",
    "prober": "prober.config:Prober",
}

ROOM_LISTS = {
    "rules": "alerter.config:RuleTable",
    "maintenance": "alerter.config:Maintenance",
    "retention": "store.config:Keep",
    "scrapes": "agent.config:Scrape",
}

ROOM_DRAWERS = {"channels": Drawer("alerter.channels:CHANNELS", together="alerter.routes:complaints")}

SERVICES = Mixed(shared.Service, "check", "prober.checks:CHECKS", "prober.checks:SCHEMES")


NEEDS = {"alerter": ("notify",)}
"""Whose secrets a room's programs cannot do without, beside those of ``[bus]`` and of its own table. Each channel and
each service stands apart: one that lacks a secret says so, and all else goes on."""


def needs(room: str) -> tuple[str, ...]:
    """The tables of which the room's programs need each secret; one that no other room can have stops nobody else."""
    return ("bus", room, *NEEDS.get(room, ()))


def _found(place: str) -> type:
    module, _, kind = place.partition(":")
    return getattr(importlib.import_module(module), kind)  # type: ignore[no-any-return]


LISTS: dict[str, type | Drawer | Mixed] = {
    **shared.LISTS,
    "services": SERVICES,
    **{name: _found(place) for name, place in ROOM_LISTS.items()},
    **ROOM_DRAWERS,
}
"""Every list of tables by its name, and the drawers of named tables."""


def tables() -> dict[str, type]:
    """Every table of the configuration by its name."""
    return {**shared.TABLES, **{name: _found(place) for name, place in ROOMS.items()}}


def load(path: Path, *, needs: Collection[str] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the whole configuration in ``path``, with the tables of all rooms; see ``bus.config.load``."""
    return config.load(path, tables(), LISTS, needs=needs, environment=environment)
