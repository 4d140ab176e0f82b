"""Ping: do packets come back, how many, and how fast?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bus.config import Objection, setting
from prober.checks.common import Reaching
from prober.outcome import DEGRADED, DOWN, UP, Failed, Outcome
from prober.probe import Probe


@dataclass(frozen=True, kw_only=True)
class Icmp(Reaching):
    """A host by ping: its packets come back, not too few and not too late."""

    count: int = setting(3, minimum=1, maximum=100, help="So many packets are sent.")
    spacing: float = setting(0.2, unit="s", minimum=0.01, maximum=10, help="The time between two of them.")
    size: int = setting(56, unit="bytes", minimum=16, maximum=1400, help="What each of them carries.")
    patience: float = setting(
        2.0,
        unit="s",
        minimum=0.01,
        maximum=60,
        help="So long is waited for the last of them; what comes later is lost.",
    )
    loss_degraded: float = setting(
        1.0, unit="percent", minimum=0, maximum=100, help="It is degraded when so many of them are lost, or more."
    )
    loss_down: float = setting(
        100.0, unit="percent", minimum=0.1, maximum=100, help="It is down when so many of them are lost, or more."
    )

    def objections(self) -> Iterator[Objection]:
        """A host is needed, and time for all packets."""
        yield from super().objections()
        try:
            parts = self.parts()
            good = bool(parts.hostname) and parts.port is None
        except ValueError:
            return
        if not good:
            yield Objection("url", f'"{self.url}"', "a host alone, as in icmp://gateway.example")
        if (self.count - 1) * self.spacing >= self.timeout:
            yield Objection("count", f"{self.count} packets {self.spacing:g} s apart", "less than timeout in all")

    def look(self, probe: Probe) -> Outcome:
        """Send the packets, and wait for those that come back."""
        from prober.echo import Echoes

        address = probe.addresses(self.parts().hostname or "", 0)[0]
        with Echoes(address, self.size) as echoes:
            times = echoes.sent(self.count, self.spacing, self.patience, probe)
        count = echoes.judged
        if not count:
            raise Failed(probe.late())
        loss = 100.0 * (count - len(times)) / count
        metrics = {"loss_percent": loss}
        if times:
            metrics |= {"rtt_min_ms": min(times), "rtt_ms": sum(times) / len(times), "rtt_max_ms": max(times)}
        lost = f"{count - len(times)} of {count} packets are lost"
        if loss >= self.loss_down:
            said = f", {echoes.refusal}" if echoes.refusal else ""
            reason = f"{lost}{said}" if times else f"none of {count} packets came back{said}"
            return Outcome(DOWN, reason, metrics=metrics, reached=bool(times))
        if not times:
            raise Failed(f"none of {count} packets came back")
        average = metrics["rtt_ms"]
        if loss >= self.loss_degraded and loss:
            return Outcome(DEGRADED, lost, average, metrics=metrics, reached=True)
        return Outcome(UP, "", average, metrics=metrics, reached=True)
