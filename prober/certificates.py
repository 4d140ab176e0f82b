"""Certificates as OpenSSL shows them: for whom, by whom, until when, and what is wrong with one."""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

DAY = 86_400.0
SHOWN = 3
"""So many of a certificate's names are told."""

NOT_YET, EXPIRED, SELF_SIGNED, SELF_SIGNED_ABOVE, NO_ISSUER, NO_FIRST = 9, 10, 18, 19, 20, 21
WRONG_NAME, WRONG_ADDRESS = 62, 64
"""Codes of ``X509_verify_cert``, from OpenSSL's ``x509_vfy.h``."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Times are seconds since the epoch, UTC."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    begins: float
    ends: float

    def days(self, now: float) -> int:
        """Whole days until it ends, rounded down; negative once it has ended."""
        return math.floor((self.ends - now) / DAY)


def chain(line: ssl.SSLSocket, *, verified: bool = True) -> tuple[Certificate, ...]:
    """The certificates of a connection, the other side's own first, up to the trusted one if it is ``verified``.

    The standard library knows the chain since Python 3.10, and shows it in public since 3.13, then as bytes; where
    it does not, there is the first certificate, and only if it was verified.
    """
    inner: Any = getattr(line, "_sslobj", None)
    found = getattr(inner, "get_verified_chain" if verified else "get_unverified_chain", None)
    if found is not None:
        return tuple(_read(one) for one in found() or ())
    alone = line.getpeercert()
    return (_certificate(alone),) if alone else ()


@lru_cache(maxsize=4096)
def _read(one: Any) -> Certificate:
    """A certificate hashes and compares by its content, so that each is read once and not at every check."""
    return _certificate(one.get_info())


def _certificate(info: Mapping[str, Any]) -> Certificate:
    names = tuple(str(value) for kind, value in info.get("subjectAltName", ()) if kind in ("DNS", "IP Address"))
    return Certificate(
        _called(info.get("subject", ())),
        _called(info.get("issuer", ())),
        names,
        float(ssl.cert_time_to_seconds(info["notBefore"])),
        float(ssl.cert_time_to_seconds(info["notAfter"])),
    )


def _called(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    known = {key: value for part in parts for key, value in part}
    for key in ("commonName", "organizationalUnitName", "organizationName"):
        if known.get(key):
            return " ".join(known[key].split())
    return "nobody"


def fault(code: int, message: str, found: Sequence[Certificate], name: str, now: float) -> str:
    """What OpenSSL has against a chain, in a sentence that says what it is about."""
    leaf = found[0] if found else None
    if code in (WRONG_NAME, WRONG_ADDRESS):
        return f"certificate is for {told(leaf)}, not {name}" if leaf else f"certificate is not for {name}"
    if code == EXPIRED:
        over = next((one for one in found if one.ends <= now), None)
        return f"{_whose(over, leaf)} expired{f' {span(now - over.ends)} ago' if over else ''}"
    if code == NOT_YET:
        early = next((one for one in found if one.begins > now), None)
        return f"{_whose(early, leaf)} is not valid yet{f', but in {span(early.begins - now)}' if early else ''}"
    if code == SELF_SIGNED:
        return "self-signed certificate"
    if code == SELF_SIGNED_ABOVE and found:
        return f"certificate is signed by {found[-1].issuer}, which signs itself and is not trusted"
    if code in (NO_ISSUER, NO_FIRST) and found:
        last = found[-1]
        return f"certificate is signed by {last.issuer}, which is not trusted here and whose certificate is not sent"
    return f"certificate is not trusted: {message or 'it cannot be verified'}"


def told(certificate: Certificate) -> str:
    """The names that a certificate is for."""
    names = certificate.names or (certificate.subject,)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _whose(one: Certificate | None, leaf: Certificate | None) -> str:
    return "certificate" if one is None or one == leaf else f"the certificate of its issuer {one.subject}"


def span(seconds: float) -> str:
    """``3 days``, ``5 hours``, ``1 minute``."""
    for unit, length in (("day", DAY), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= length:
            whole = int(seconds // length)
            return f"{whole} {unit}" if whole == 1 else f"{whole} {unit}s"
    return "less than a minute"
