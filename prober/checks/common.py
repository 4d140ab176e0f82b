"""What all checks share: their settings, and the frame around an attempt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

from bus import records
from bus.config import Objection, setting
from bus.fields import MAX_TEXT
from bus.tables import Service
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP, Failed, Outcome
from prober.probe import Probe
from prober.words import broken, mine


@dataclass(frozen=True, kw_only=True)
class Check(Service):
    """The settings of every check, and how it is used: ``run`` one attempt, in a worker thread."""

    @property
    def family(self) -> str:
        """Which addresses are tried: ``any``, ``4`` or ``6``."""
        return "any"

    @cached_property
    def lacking(self) -> str:
        """Why a secret of its own could not be had, without which it does not look; empty where all are there."""
        return records.lacking(self)

    def prepare(self) -> None:
        """Load what an attempt needs; called before each, outside its time, and costs nothing after the first."""

    def look(self, probe: Probe) -> Outcome:
        """Try once; may raise ``Failed``, ``OSError`` and ``TimeoutError``, which ``run`` puts into words."""
        raise TypeError(f"{type(self).__name__} cannot look")

    def run(self, probe: Probe) -> Outcome:
        """One attempt, which ends soon after the probe's deadline; raises nothing for what a target does."""
        settled, probe.family = False, self.family
        try:
            found = self.look(probe)
        except Failed as error:
            settled = error.settled
            found = Outcome(error.status, str(error), tls_days=error.tls_days, reached=error.reached)
        except OSError as error:
            found = Outcome(DOWN, probe.late() if probe.deadline.passed else broken(error, probe.heard))
            if mine(error):
                found = Outcome(UNKNOWN, f"our own side cannot look: {broken(error, probe.heard)}")
        if probe.deadline.cut and found.known and not settled:
            # What was read from a connection that was cut is no answer.
            found = replace(found, status=DOWN, reason=probe.late())
        return self._finished(found, probe)

    def _finished(self, found: Outcome, probe: Probe) -> Outcome:
        total = probe.elapsed_ms()
        took = total if found.response_ms is None else found.response_ms
        if found.status == UP and self.slow is not None and took > self.slow * 1000:
            reason = f"answered in {took:.0f} ms, slower than {self.slow * 1000:g} ms"
            found = replace(found, status=DEGRADED, reason=reason)
        phases = {**probe.phases, "total_ms": total, **found.phases}
        took_ms = None if found.status == UNKNOWN else took
        return replace(found, response_ms=took_ms, phases=phases, reached=found.reached or probe.reached)

    def parts(self) -> SplitResult:
        """The address in parts; ``objections`` has seen that they can be had."""
        return urlsplit(self.url)

    def objections(self) -> Iterator[Objection]:
        """An address that cannot be taken apart, or told to the hub, is told now."""
        yield from super().objections()
        if len(self.url) > MAX_TEXT:  # it goes with everything that is told of the service
            yield Objection("url", f"{len(self.url)} characters", f"at most {MAX_TEXT}")
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            yield Objection("url", f'"{self.url}" ({str(error).lower()})', "an address such as tcp://db-1:5432")
            return
        if parts.username is not None or parts.password is not None:
            yield Objection("url", "a name or a password in it", "an address without, since everybody reads it")
        if port == 0:
            yield Objection("url", "port 0", "a port from 1 to 65535")


@dataclass(frozen=True, kw_only=True)
class Reaching(Check):
    """A check that goes to an address."""

    ip: str = setting("any", choices=("any", "4", "6"), help="Which addresses are tried: those of IPv4, IPv6 or both.")

    @property
    def family(self) -> str:
        """As the operator has it."""
        return self.ip
