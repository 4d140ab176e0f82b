"""Alarms, incidents, silences and the reasons for them, as the hub reports them. Pure.

Times are seconds since the epoch, by the hub's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from viewer.names import natural

SEVERITIES = ("critical", "warning", "info")
"""The worst first."""
BURNING = ("firing", "clearing")
"""States of an alarm that somebody should know about."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One alarm that is not quiet now, or one that burned. ``id`` is empty while it is pending."""

    id: str
    rule: str
    subject: str
    severity: str
    state: str
    """pending, firing or clearing now; firing or resolved in the past."""
    since: float
    """When it came into this state."""
    started: float | None = None
    ended: float | None = None
    kind: str = "host"
    display: str = ""
    instance: str = ""
    value: float | None = None
    threshold: float | None = None
    reason: str = ""
    owner: str = ""
    """Who acknowledged it; empty: nobody."""
    note: str = ""
    holds: tuple[str, ...] = ()
    """Why nobody is told now, each a sentence."""
    advice: str = ""
    """What its rule says to do."""

    @property
    def key(self) -> str:
        """What it is called in a list: its id, or what it is about while it has none."""
        return self.id or f"{self.subject}/{self.rule}/{self.instance}"

    @property
    def burns(self) -> bool:
        """Whether it fires now."""
        return self.state in BURNING and self.ended is None

    @property
    def began(self) -> float:
        """When it began to fire; of what is pending, when it came to that."""
        return self.since if self.started is None else self.started

    @property
    def about(self) -> str:
        """The subject, with what of it is meant."""
        name = self.display or self.subject
        return f"{name} {self.instance}" if self.instance else name

    def burned(self, at: float) -> bool:
        """Whether it fired at that time."""
        return self.state != "pending" and self.began <= at and (self.ended is None or at < self.ended)


@dataclass(frozen=True, slots=True)
class Silence:
    """Notices of what matches are held back until ``until``."""

    id: str
    owner: str
    reason: str
    starts: float
    until: float
    matches: tuple[str, ...]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """When a maintenance window is open, or will be the next time."""

    name: str
    starts: float
    until: float
    matches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one subject, and how it came to that."""

    rule: str
    subject: str
    instance: str
    verdict: str
    detail: str = ""
    chain: tuple[tuple[float, str, str], ...] = ()
    """When, what was decided, and why."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the hub as its health check has it."""

    name: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of one producer's messages."""

    source: str
    sent: int
    stored: int
    lost: int
    waiting: int
    rejected: int = 0
    seen: float | None = None
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """What a program of the hub tells of itself; ``heard`` is when it last did."""

    name: str
    heard: float | None
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Hub:
    """How the hub itself is. ``stats`` are its numbers by name."""

    parts: tuple[Part, ...] = ()
    stats: Mapping[str, float] = field(default_factory=dict)
    ledgers: tuple[Ledger, ...] = ()
    """Of every producer, those that lost the most first."""
    lost: int = 0
    programs: tuple[Program, ...] = ()
    refused: str = ""
    """Why some of it could not be read; empty when all was."""


def worst(incidents: Sequence[Incident]) -> list[Incident]:
    """The worst first: what fires before what is pending, then by severity, then the newest, then by name."""
    places = {severity: place for place, severity in enumerate(SEVERITIES)}
    return sorted(
        incidents,
        key=lambda one: (
            not one.burns,
            places.get(one.severity, 1),
            -one.since,
            natural(one.subject),
            one.subject,
            one.rule,
        ),
    )
