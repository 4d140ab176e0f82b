"""What checks share that may speak TLS: settings, the secured connection, what its certificate makes of a target."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bus.config import Objection, setting
from prober.checks.common import Reaching
from prober.outcome import DEGRADED, UP, Outcome
from prober.probe import Probe

if TYPE_CHECKING:
    import ssl

    from prober.trust import Seen, Terms

STARTTLS = ("", "smtp", "lmtp", "imap", "pop3", "ftp", "nntp", "sieve", "postgres", "ldap")
"""The protocols in ``prober.starttls``; empty: TLS from the first byte."""
WEEK = 7 * 86_400.0
SHARE = 1 / 4
"""Of a certificate's life. What renews certificates by itself does so when a third is left, or a half of few days."""


@dataclass(frozen=True, kw_only=True)
class Securing(Reaching):
    """A check that may speak TLS."""

    tls_verify: bool = setting(True, help="Whether its certificate has to be trusted, be for its name and not be over.")
    tls_authority: str = setting("", help="A file of certificates (PEM) to trust in place of the system's.")
    tls_name: str = setting("", help="The name that its certificate has to be for; empty: that in the address.")
    tls_least: str = setting(
        "1.2", choices=("1.0", "1.1", "1.2", "1.3"), help="The oldest version of TLS that it may speak."
    )
    tls_warn: float | None = setting(
        None,
        unit="s",
        minimum=0,
        help="It is degraded when its certificate ends within this time; 0: never; not set: a week, or a quarter of "
        "its life if that is less.",
    )
    certificate: str = setting("", help="A file (PEM) with the certificate by which it knows us, if it asks for one.")
    key: str = setting("", help="A file (PEM) with the key to it; empty: it stands in the same file.")

    def objections(self) -> Iterator[Objection]:
        """A key alone is none."""
        yield from super().objections()
        if self.key and not self.certificate:
            yield Objection("key", "a key without a certificate", "a certificate as well", "add certificate = ...")

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return True

    def prepare(self) -> None:
        """Read the authorities, which takes some 20 ms."""
        from prober import trust

        if self.secure:
            trust.prepare(self.terms())

    def terms(self) -> Terms:
        """What is asked of the other side."""
        from prober.trust import Terms

        return Terms(self.tls_verify, self.tls_authority, self.certificate, self.key, self.tls_least, self.tls_name)

    def dated(self, found: Outcome, seen: Seen, probe: Probe) -> Outcome:
        """``found`` with the days that the certificate lasts: degraded where they are few."""
        from prober.certificates import span

        now = probe.now / 1e9
        first = seen.soonest()
        if first is None:
            return found
        metrics = {**found.metrics, "tls_left_percent": first.percent(now)}
        found = replace(found, tls_days=first.days(now), metrics=metrics)
        warn = min(WEEK, (first.ends - first.begins) * SHARE) if self.tls_warn is None else self.tls_warn
        left = first.ends - now
        if found.status != UP or not warn or left >= warn:
            return found
        whose = "certificate" if first == seen.chain[0] else f"the certificate of its issuer {first.subject}"
        when = f"expires in {span(left)}" if left > 0 else f"expired {span(-left)} ago"
        return replace(found, status=DEGRADED, reason=f"{whose} {when}")


def opened(check: Securing, probe: Probe, host: str, port: int, starttls: str) -> ssl.SSLSocket:
    """A connection over TLS, asked for in the words of the protocol ``starttls`` if there is one."""
    from prober import trust

    def begun() -> socket.socket:
        from prober.starttls import started

        line = probe.connect(host, port)
        if not starttls:
            return line
        try:
            with probe.phase("starttls"):
                return started(line, starttls, probe)
        except BaseException:
            line.close()
            raise

    line = begun()
    try:
        return trust.secured(line, host, check.terms(), probe, begun)  # type: ignore[no-any-return]
    except BaseException:
        line.close()
        raise
