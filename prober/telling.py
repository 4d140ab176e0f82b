"""A check's outcome as the message that is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bus.harmless import cut, safe
from bus.logs import redacted
from bus.messages import Check as Told
from prober.checks import CHECKS
from prober.checks.common import Check
from prober.machine import Standing
from prober.outcome import UP, Outcome

MOST_REASON = 500
"""Characters of a reason; a target's own words may be as long as it likes."""
SHORTEST = 4
"""Characters of a secret: a shorter one stands in many words that are none."""
_KINDS = {place: kind for kind, place in CHECKS.items()}


def kind_of(check: Check) -> str:
    """The word that the check is configured by."""
    record = type(check)
    return _KINDS.get(f"{record.__module__}:{record.__qualname__}", "")


def url_of(check: Check) -> str:
    """What is looked at; a job or a command has no address, and goes by its name."""
    return f"{check.url}{check.name}" if check.url in ("heartbeat:", "command:") else check.url


def told(check: Check, outcome: Outcome, attempts: int, standing: Standing, place: str) -> Told:
    """The message; its reason is empty only when the service is up."""
    metrics = dict(outcome.metrics)
    if standing.flapping:
        metrics["flapping"] = 1.0
    return Told(
        status=outcome.status,
        url=url_of(check),
        check=kind_of(check),
        response_ms=_rounded(outcome.response_ms),
        http_status=outcome.http_status,
        tls_days=outcome.tls_days,
        error=None if outcome.status == UP else outcome.reason or "it does not say why",
        place=place,
        attempt=attempts,
        state=standing.status,
        phases={name: round(ms, 3) for name, ms in outcome.phases.items()} or None,
        metrics=metrics or None,
    )


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)


def hidden(secrets: Iterable[str]) -> tuple[str, ...]:
    """Those that are told apart from other words, the longest first, since one may begin with another."""
    return tuple(sorted((one for one in secrets if len(one) >= SHORTEST), key=len, reverse=True))


def cleaned(reason: str, secrets: Iterable[str]) -> str:
    """One line of bounded length, without the operator's ``hidden`` secrets and without control characters."""
    for secret in secrets:
        reason = reason.replace(secret, "***")
    return cut(safe(redacted(" ".join(reason.split()))), MOST_REASON)
