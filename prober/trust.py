"""TLS on a connection of a check: what is asked for, whether it is given, and for how long yet.

Whether a certificate can be trusted is OpenSSL's to decide, by the rules that browsers and clients keep to. Where it
decides against one, a second connection that trusts everything looks at the certificate, so that the fault can be
named: OpenSSL itself says only *certificate has expired*.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prober import certificates, words
from prober.certificates import Certificate
from prober.lines import SecureLine
from prober.outcome import UNKNOWN, Failed
from prober.probe import Probe

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
OLD = ("1.0", "1.1")
WEAK = "DEFAULT:@SECLEVEL=0"
"""What OpenSSL needs to speak versions that it holds to be broken."""
LAST_WORD = 1.0
"""Seconds that the other side has to object to our certificate, or to end the connection."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of the other side."""

    verify: bool = True
    authority: str = ""
    certificate: str = ""
    key: str = ""
    least: str = "1.2"
    name: str = ""
    """The name that the certificate has to be for, if it is not that of the address."""
    protocols: tuple[str, ...] = ()
    """What is to be spoken over it, by ALPN's words; empty: nothing is said of it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out about a connection's TLS; ``chain`` begins with the other side's own certificate."""

    version: str
    chain: tuple[Certificate, ...]

    def soonest(self) -> Certificate | None:
        """The certificate of the chain that ends first."""
        return min(self.chain, key=lambda one: one.ends, default=None)

    def days(self, now: float) -> int | None:
        """Whole days until the first of the chain ends."""
        first = self.soonest()
        return None if first is None else first.days(now)


def secured(line: socket.socket, host: str, terms: Terms, probe: Probe, again: Callable[[], socket.socket]) -> Any:
    """``line`` over TLS, an ``SSLSocket``; raises ``OSError`` and, where TLS is at fault ``Failed``.

    ``again`` makes such a connection once more, up to where TLS begins.
    """
    # A name that is whole, which is written with a dot behind it, stands without one in certificates.
    name = (terms.name or host).removesuffix(".")
    try:
        with probe.phase("tls"):
            return _agreed(line, _context(terms), name, probe)
    except TimeoutError:
        raise
    except ssl.SSLCertVerificationError as error:
        seen = _looked_at(again, name, probe)
        now = probe.now / 1e9
        reason = certificates.fault(error.verify_code, error.verify_message, seen.chain if seen else (), name, now)
        raise Failed(reason, tls_days=seen.days(now) if seen else None) from None
    except ssl.SSLError as error:
        if probe.deadline.passed:
            raise
        seen = _looked_at(again, name, probe) if error.reason in words.OLD_VERSION else None
        raise Failed(words.tls(error, terms.least, seen.version if seen else "")) from None


def prepare(terms: Terms) -> None:
    """Read the files that are needed for ``terms``; what is wrong with them is told when they are used."""
    with suppress(Failed):
        _context(terms)


def seen(line: ssl.SSLSocket, *, verified: bool = True) -> Seen:
    """What a secured connection showed."""
    return Seen(words.version(line.version()), certificates.chain(line, verified=verified))


def confirm(line: ssl.SSLSocket, probe: Probe) -> None:
    """Raise ``Failed`` where the other side takes back what was agreed; for those who hear nothing else from it.

    By TLS 1.3 we are done before it has looked at our certificate. So it is told that we say nothing more, upon which
    it ends the connection too, after its objection if it has any. Who does not end it has none.
    """
    if words.version(line.version()) != "1.3":
        return
    line.settimeout(min(LAST_WORD, probe.deadline.left() / 2))
    try:
        # Not by TLS's own goodbye: who had objected and gone would answer that by a reset, which the objection may
        # not outlive.
        socket.socket.shutdown(line, socket.SHUT_WR)
        line.recv(1)
    except ssl.SSLError as error:
        # Other alerts are of the end, which some find rude.
        if error.reason in words.OF_OUR_CERTIFICATE:
            raise Failed(words.tls(error)) from None
    except OSError:
        pass


def _agreed(line: socket.socket, context: ssl.SSLContext, name: str, probe: Probe) -> ssl.SSLSocket:
    line.settimeout(probe.deadline.left())
    try:
        secure = context.wrap_socket(line, server_hostname=name)
        secure.probe = probe  # type: ignore[attr-defined]
        return secure
    except (ssl.CertificateError, ValueError) as error:
        if isinstance(error, OSError):
            raise
        raise Failed(f"{name} is no name that a certificate could be for") from None


def _looked_at(again: Callable[[], socket.socket], name: str, probe: Probe) -> Seen | None:
    """What the other side shows to those who trust everybody; None if it does not."""
    doing = probe.doing
    try:
        with again() as line, _agreed(line, _trusting(), name, probe) as secure:
            return seen(secure, verified=False)
    except (OSError, Failed):
        return None
    finally:
        probe.doing = doing


def _context(terms: Terms) -> ssl.SSLContext:
    files = (terms.authority, terms.certificate, terms.key)
    system = ssl.get_default_verify_paths()
    watched = files if terms.authority else (system.cafile or "", system.capath or "", *files)
    changed = tuple(_changed(file) for file in watched)
    return _made(terms.verify, terms.least, terms.protocols, files, changed)


def _changed(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns if file else 0
    except OSError as error:
        raise Failed(f"{file}: {words.plain(error)}", UNKNOWN) from None


@lru_cache(maxsize=256)
def _made(
    verify: bool, least: str, protocols: tuple[str, ...], files: tuple[str, str, str], changed: tuple[int, ...]
) -> ssl.SSLContext:
    """One context for all that ask for the same: to read the authorities takes 20 ms, and 1 MB to keep them."""
    authority, certificate, key = files
    try:
        context = ssl.create_default_context(cafile=authority or None)
        context.sslsocket_class = SecureLine
    except (OSError, ssl.SSLError) as error:
        raise Failed(f"{authority}: {words.plain(error)}", UNKNOWN) from None
    if not authority and not context.cert_store_stats()["x509_ca"] and not _by_hash():
        import certifi

        context.load_verify_locations(certifi.where())
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if least in OLD:
        context.set_ciphers(WEAK)
    context.minimum_version = VERSIONS[least]
    if protocols:
        context.set_alpn_protocols(protocols)
    if certificate:
        try:
            context.load_cert_chain(certificate, key or None, password=_no_password)
        except (OSError, ValueError, ssl.SSLError) as error:
            why = words.plain(error) if isinstance(error, OSError) else "it has a password"
            raise Failed(f"{certificate}: {why}", UNKNOWN) from None
    return context


def _by_hash() -> bool:
    """Whether the system keeps its authorities in a folder of files, which OpenSSL reads when they are needed."""
    folder = ssl.get_default_verify_paths().capath
    return bool(folder) and any(name.endswith(".0") for name in os.listdir(folder))


def _no_password() -> str:
    raise ValueError("a key with a password cannot be read")  # OpenSSL would ask for it on the terminal


@lru_cache(maxsize=1)
def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = SecureLine
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(WEAK)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context
