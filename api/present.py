"""What a worker knows at one moment, as the views are handed it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from api.directory import Directory
from api.health import Limits
from api.live import Live
from api.paused import Paused


@dataclass(frozen=True, slots=True)
class Present:
    """The newest of everything at ``now`` (ns), which of it is listed and how, and who is paused."""

    now: int
    live: Live
    directory: Directory
    limits: Limits
    paused: Paused
