"""The table ``[alerter]``."""

from __future__ import annotations

from dataclasses import dataclass

from bus.config import setting


@dataclass(frozen=True)
class Alerter:
    """How alarms are judged, and how long what was decided is kept."""

    default_rules: bool = setting(True, help="Whether the rules that Guardia brings hold (guardia rules shows them).")
    decisions_seconds: float = setting(
        14 * 86_400.0, unit="s", minimum=3600, help="So long guardia why knows what was decided."
    )
    decisions_each: int = setting(
        200, minimum=10, maximum=10_000, help="So many decisions are kept of each rule and subject, the newest."
    )
    incidents_seconds: float = setting(
        400 * 86_400.0, unit="s", minimum=86_400, help="So long incidents that are over are kept."
    )
    forget_seconds: float = setting(
        7 * 86_400.0,
        unit="s",
        minimum=3600,
        help="A host or service that is not in this file and was silent for so long is forgotten, and its alarms end.",
    )
    parent_seconds: float = setting(
        60.0, unit="s", minimum=0, maximum=3600, help="After a parent's recovery its children have so long to follow."
    )
    flapping_count: int = setting(
        5, minimum=2, maximum=100, help="An alarm that fired so often within an hour is called flapping."
    )
