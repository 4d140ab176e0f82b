"""What one attempt of a check found. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UP, DEGRADED, DOWN, UNKNOWN = "up", "degraded", "down", "unknown"
STATUSES = (UP, DEGRADED, DOWN, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's finding.

    ``up``: as it should be. ``degraded``: it serves, but not as it should: slow, or about to fail. ``down``: it does
    not serve. ``unknown``: nobody could look, so that nothing is said of the target: no permission, no such library,
    an address that may not be reached.
    """

    status: str
    reason: str = ""
    """One line that names the fault, as ``answered 503 Service Unavailable``; empty when it is up."""
    response_ms: float | None = None
    """How long the target took, in ms; None: as long as the attempt."""
    http_status: int | None = None
    tls_days: int | None = None
    """Whole days until the certificate ends, rounded down; negative once it has ended."""
    phases: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by phase: ``dns_ms``, ``connect_ms``, ``tls_ms``, ``first_byte_ms``, ``total_ms``."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Further readings by a metric's field name, as ``loss_percent``; rules see them as ``check.loss_percent``."""

    reached: bool = False
    """Whether the target itself answered anything, were it a refusal; if not, our own side may be what failed."""

    @property
    def good(self) -> bool:
        """Whether it serves as it should."""
        return self.status == UP

    @property
    def known(self) -> bool:
        """Whether it says something of the target."""
        return self.status != UNKNOWN


class Failed(Exception):
    """What ends an attempt early; ``status`` is what that makes of the target, the text is the outcome's reason.

    ``reached``: the target itself said so, as by refusing a connection. ``settled``: the reason says already that the
    time was over, if it was.
    """

    def __init__(
        self,
        reason: str,
        status: str = DOWN,
        *,
        tls_days: int | None = None,
        reached: bool = False,
        settled: bool = False,
    ) -> None:
        super().__init__(reason)
        self.settled = settled
        self.status = status
        self.tls_days = tls_days
        self.reached = reached
