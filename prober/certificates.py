"""Certificates as OpenSSL shows them: for whom, by whom, until when, and what is wrong with one."""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

DAY = 86_400.0
SHOWN = 3
"""So many of a certificate's names are told."""
LARGEST = 4096
"""Bytes of a certificate that is remembered; with thousands of names it has a hundred thousand."""
_DER = 2
"""How OpenSSL is asked for a certificate's bytes as they are (``_ssl.ENCODING_DER``)."""
ODD = "a name that is no text"
_VERSION, _SHORT_TIME = 0xA0, 0x17
"""Kinds of parts in DER; a short time has two digits of the year."""

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

    def percent(self, now: float) -> float:
        """How much is left of the time for which it was made, in percent; 0 once it has ended."""
        return round(100 * max(0.0, self.ends - now) / max(1.0, self.ends - self.begins), 1)


def chain(line: ssl.SSLSocket, *, verified: bool = True) -> tuple[Certificate, ...]:
    """The certificates of a connection, the other side's own first, up to the trusted one if it is ``verified``.

    The standard library knows the chain since Python 3.10, and shows it in public since 3.13, then as bytes; where
    it does not, there is the first certificate, and only if it was verified.
    """
    inner: Any = getattr(line, "_sslobj", None)
    found = getattr(inner, "get_verified_chain" if verified else "get_unverified_chain", None)
    if found is not None:
        return tuple(one for one in map(_read, found() or ()) if one is not None)
    alone = line.getpeercert()
    return (_certificate(alone),) if alone else ()


def _read(one: Any) -> Certificate | None:
    """What it says; None where not even its times can be read."""
    return _remembered(one) if len(one.public_bytes(_DER)) <= LARGEST else _parsed(one)


@lru_cache(maxsize=2048)
def _remembered(one: Any) -> Certificate | None:
    """A certificate hashes and compares by its content, so that each is read once and not at every check.

    One takes 6 KB, and 53 KB with as many names as have room: all take 110 MB at most, though a server shows another
    one each time.
    """
    return _parsed(one)


def _parsed(one: Any) -> Certificate | None:
    try:
        return _certificate(one.get_info())
    except ValueError:  # the standard library takes for granted that all names are UTF-8, and all times are such
        pass
    try:
        return Certificate(ODD, ODD, (), *validity(ssl.PEM_cert_to_DER_cert(one.public_bytes())))
    except ValueError:
        return None


def validity(certificate: bytes) -> tuple[float, float]:
    """When a certificate in DER begins to hold and when it ends (RFC 5280, 4.1); raises ``ValueError``."""
    _, whole, _ = _part(certificate)
    _, rest, _ = _part(whole)
    kind, _, behind = _part(rest)
    if kind == _VERSION:
        rest = behind
    for _ in ("serial number", "algorithm", "issuer"):
        rest = _part(rest)[2]
    begins = _part(_part(rest)[1])
    ends = _part(begins[2])
    return _seconds(*begins[:2]), _seconds(*ends[:2])


def _part(data: bytes) -> tuple[int, bytes, bytes]:
    """(kind, content, what is behind it) of the first part of DER."""
    size, at = int.from_bytes(data[1:2], "big"), 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(data[2:at], "big")
    if len(data) < at + size:
        raise ValueError("it is cut short")
    return data[0], data[at : at + size], data[at + size :]


def _seconds(kind: int, text: bytes) -> float:
    century = (b"19" if text >= b"5" else b"20") if kind == _SHORT_TIME else b""
    return datetime.strptime(f"{(century + text).decode('ascii')}+0000", "%Y%m%d%H%M%SZ%z").timestamp()


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
        if leaf and not leaf.names and leaf.subject != ODD:
            return f"certificate has no alternative names, without which its subject {leaf.subject} does not count"
        return f"certificate is for {told(leaf)}, not {name}" if leaf else f"certificate is not for {name}"
    if code == EXPIRED:
        over = next((one for one in found if one.ends <= now), None)
        if over is None and found:  # what is not sent is ours
            return f"certificate is signed by {found[-1].issuer}, whose own certificate, which is trusted here, expired"
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
