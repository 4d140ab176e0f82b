"""An alarm's row in the alerter's memory, read back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from alerter.incidents import Incident
from alerter.machine import Alarm
from alerter.rules import Rule
from alerter.terms import condition


@dataclass(frozen=True, slots=True)
class Kept:
    """An alarm, when it fired of late, and the incident that it is."""

    rule: str
    kind: str
    subject: str
    instance: str
    alarm: Alarm
    fired: tuple[int, ...] = ()
    incident: Incident | None = None
    turn: int = 0
    """When the next reading is due that counts, where the rule has an ``every``."""

    def no_rule(self) -> Rule:
        """A rule of that name that nobody judges by, for an alarm whose own is no more."""
        return Rule(self.rule, self.kind, condition("age > 1s"))
