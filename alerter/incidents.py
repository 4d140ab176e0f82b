"""What an alarm is to people: an incident with its holds and who acknowledged it. Pure.

An incident begins when an alarm fires and ends when it is resolved. Its id follows from the rule, the subject, the
instance and the moment it fired, so that a back-test finds the very same incidents as the live run did.
"""

from __future__ import annotations

from _blake2 import blake2b
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["host", "service", "hub"]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From what may wait to what may not."""
FIRING, RESOLVED = "firing", "resolved"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nobody is told of an incident now. It holds back notices, never a state or a recovery."""

    cause: str
    """silence, maintenance, parent or connectivity."""
    detail: str
    """A sentence: ``silenced by anna until 12:30: new disk``."""
    until: int | None = None
    """ns; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody knows of it and is at work."""

    owner: str
    at: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One alarm from firing to resolved. Times in ns since the epoch, by the hub's clock."""

    id: str
    rule: str
    kind: str
    subject: str
    display: str
    instance: str
    severity: str
    state: str
    transition: int
    """1 when it fired, 2 when it was resolved; what is told of it is told once for each."""
    started_at: int
    """When what it is about began, which is before it fired."""
    changed_at: int
    ended_at: int | None = None
    value: float | None = None
    threshold: float | None = None
    reason: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    """Whom its rule names; none: the default ones."""
    url: str = ""
    error: str = ""
    acknowledged: Acknowledgement | None = None

    @property
    def firing(self) -> bool:
        """Whether it still burns."""
        return self.state == FIRING


def incident_id(rule: str, subject: str, instance: str, fired_at: int) -> str:
    """The id of the incident that this alarm began at ``fired_at``."""
    parts = "\n".join((rule, subject, instance, str(fired_at)))
    return blake2b(parts.encode(), digest_size=8).hexdigest()
