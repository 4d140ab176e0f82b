"""Whether a silent target is silent, or our own side is cut off. Pure.

Canaries are addresses that answer as long as our own side has a connection. While none of them does, nothing is said
of a target that did not answer either: it is unknown, not down. A target that refused, or answered wrongly, was reached
and is judged as ever.

A failing check that reached nobody waits for a look at the canaries that began after it had ended, since the last one
may be of a time when the connection still held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prober.outcome import DOWN, UNKNOWN, Outcome


@dataclass(frozen=True, slots=True)
class Looked:
    """One look at all canaries: when it began (seconds), and how long each took to answer in ms; None: it did not."""

    began: float
    answers: Mapping[str, float | None]

    @property
    def connected(self) -> bool:
        """Whether any of them answered."""
        return any(answer is not None for answer in self.answers.values())


def bare(canary: str) -> str:
    """A canary's address as a metric's instance, which has no brackets."""
    return canary.removeprefix("tcp://").replace("[", "").replace("]", "")


@dataclass(frozen=True, slots=True)
class OwnSide:
    """What is known of our own connection; without canaries it counts as given."""

    canaries: tuple[str, ...] = ()
    last: Looked | None = None
    since: float = 0.0
    """When it last changed, in seconds."""

    @property
    def connected(self) -> bool:
        """Whether our own side is connected, as far as is known."""
        return self.last is None or not self.canaries or self.last.connected

    def needs_look(self, outcome: Outcome, ended: float) -> bool:
        """Whether the canaries have to be looked at before this outcome can be judged."""
        if not self.canaries or outcome.status != DOWN or outcome.reached:
            return False
        return self.last is None or self.last.began < ended

    def looked(self, look: Looked) -> OwnSide:
        """After a look; an older one than the last changes nothing."""
        if self.last is not None and look.began < self.last.began:
            return self
        changed = self.last is not None and self.last.connected != look.connected
        return replace(self, last=look, since=look.began if changed or self.last is None else self.since)

    def judged(self, outcome: Outcome) -> Outcome:
        """The outcome, unknown where our own side may be what failed."""
        if self.connected or outcome.status != DOWN or outcome.reached:
            return outcome
        reason = f"our own side has no connection: {' and '.join(self.canaries)} do not answer either"
        if len(self.canaries) == 1:
            reason = f"our own side has no connection: {self.canaries[0]} does not answer either"
        return replace(outcome, status=UNKNOWN, reason=f"{reason} ({outcome.reason})", response_ms=None)

    def readings(self) -> dict[str, float | None]:
        """Own connectivity as readings: ``prober.connected`` and the time each canary took."""
        if not self.canaries or self.last is None:
            return {}
        found: dict[str, float | None] = {"prober.connected": float(self.last.connected)}
        return found | {f"canary[{bare(name)}].response_ms": answer for name, answer in self.last.answers.items()}
