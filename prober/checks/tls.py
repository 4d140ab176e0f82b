"""TLS: is the certificate trusted, for the right name, and for how long yet?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bus.config import Objection, setting
from prober.checks.securing import STARTTLS, Securing, opened
from prober.outcome import Outcome
from prober.probe import Probe

USUAL = {
    "": 443,
    "smtp": 25,
    "lmtp": 24,
    "imap": 143,
    "pop3": 110,
    "ftp": 21,
    "nntp": 119,
    "sieve": 4190,
    "postgres": 5432,
    "ldap": 389,
}
"""The port where the address has none."""


@dataclass(frozen=True, kw_only=True)
class Tls(Securing):
    """A TLS port: its certificate is trusted, for the right name, and not about to end; its version is not too old."""

    starttls: str = setting("", choices=STARTTLS, help="The protocol in which TLS is asked for; empty: TLS at once.")

    def objections(self) -> Iterator[Objection]:
        """A host is needed."""
        yield from super().objections()
        try:
            complete = bool(self.parts().hostname)
        except ValueError:
            return
        if not complete:
            yield Objection("url", f'"{self.url}"', "a host as in tls://shop.example:443")

    def look(self, probe: Probe) -> Outcome:
        """Agree on TLS, and look at the certificates."""
        from prober import trust

        parts = self.parts()
        with opened(self, probe, parts.hostname or "", parts.port or USUAL[self.starttls], self.starttls) as line:
            seen, took = trust.seen(line, verified=self.tls_verify), probe.elapsed_ms()
            trust.confirm(line, probe)
        return self.dated(Outcome("up", "", took, metrics={"tls_version": float(seen.version or 0)}), seen, probe)
