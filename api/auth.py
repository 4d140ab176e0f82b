"""Who is asking, and may they. Pure.

Only digests of tokens are kept. A token is 190 random bits, so one SHA-256 is enough; all digests are compared, in
constant time, so that neither the time nor the answer tells how near a guess came.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Scope = Literal["read", "ack", "admin", "heartbeat"]
SCOPES: tuple[Scope, ...] = ("read", "ack", "admin", "heartbeat")
GRANTS: dict[Scope, tuple[Scope, ...]] = {
    "heartbeat": ("heartbeat",),
    "read": ("read",),
    "ack": ("heartbeat", "read", "ack"),
    "admin": SCOPES,
}
"""What each lets do: heartbeat reports for a job and sees nothing, read sees, ack also acknowledges, silences and
reports, admin does everything."""
COOKIE = "guardia_token"


@dataclass(frozen=True, slots=True)
class Token:
    """One token as it is kept: never the token itself."""

    name: str
    digest: bytes
    scope: Scope
    prefix: str = ""
    """Its first characters, so that a person can tell which one it is."""
    created_at: int = 0
    expires_at: int | None = None
    """ns since the epoch; None for never."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """They may, under this name."""

    name: str
    scope: Scope
    guessable: bool = False
    """Whether the token was made elsewhere, so that nobody here knows how long it would take to guess."""


@dataclass(frozen=True, slots=True)
class Refused:
    """They may not; ``code`` is for programs."""

    status: Literal[401, 403, 429]
    code: str
    text: str
    wait: int = 0
    """Seconds after which it may be tried again; 0: that would change nothing."""
    notable: bool = False
    """Whether the log should hear of it."""

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says besides."""
        if self.status == 401:
            return {"WWW-Authenticate": 'Bearer realm="guardia"'}
        return {"Retry-After": str(self.wait)} if self.wait else {}


Verdict = Admitted | Refused


@dataclass(frozen=True, slots=True)
class Keyring:
    """All tokens; None when none was ever made, and then everybody is let in."""

    tokens: tuple[Token, ...] | None = None

    def judge(self, token: str | None, now: int, needs: Scope = "read") -> Verdict:
        """Whether who shows ``token`` may do what needs the scope ``needs``."""
        if self.tokens is None:
            return Admitted("", "admin")
        if token is None:
            return Refused(401, "unauthenticated", "a token is needed: send Authorization: Bearer TOKEN")
        digest = digest_of(token)
        found: Token | None = None
        for known in self.tokens:
            if hmac.compare_digest(known.digest, digest):
                found = known
        if found is None:
            return Refused(403, "wrong_token", "the token is not known here")
        if found.expires_at is not None and found.expires_at <= now:
            return Refused(403, "expired_token", f"the token {found.name} has expired")
        if needs not in GRANTS[found.scope]:
            return Refused(403, "scope", f"the token {found.name} has the scope {found.scope}, not {needs}")
        return Admitted(found.name, found.scope, guessable=not found.prefix)


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def bearer(header: str | None) -> str | None:
    """The token in an ``Authorization`` header; None without one or with another scheme."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def misled(host: str | None, names: Iterable[str]) -> Refused | None:
    """Why a hub without tokens answers nothing that calls it ``host``; None: that is an address, localhost or a name
    of its own.

    Any page can let its own name lead to this machine (DNS rebinding). Its browser then takes it for a page of ours,
    and there are no tokens that it would lack; only the name gives it away. Programs without ``Host`` may.
    """
    if host is None or _is_own(_name_in(host), names):
        return None
    told = f"without tokens the hub answers to addresses, localhost and [api] names alone, not to {host[:80]!r}"
    return Refused(403, "host", told)


def _name_in(host: str) -> str:
    """What stands in ``Host`` before the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".").lower()


def _is_own(name: str, names: Iterable[str]) -> bool:
    if name == "localhost" or name.endswith(".localhost") or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def strange_page(origin: str | None, site: str | None, host: str | None, allowed: Iterable[str] | None) -> bool:
    """Whether a browser asks for a page that is neither ours nor of an allowed origin (None: of any).

    ``site`` is ``Sec-Fetch-Site``, for what browsers fetch without an ``Origin``: pictures, scripts, links.
    """
    if origin is None:
        return allowed is not None and site in ("cross-site", "same-site")
    return not same_origin(origin, host, allowed)


def same_origin(origin: str | None, host: str | None, allowed: Iterable[str] | None) -> bool:
    """Whether a browser's page may open the stream: one of ours, or of an allowed origin (None: of any).

    Programs send no ``Origin``. Browsers always do, and send cookies along, so any page could read the stream.
    """
    if origin is None or allowed is None or origin in allowed:
        return True
    return host is not None and origin.partition("://")[2].lower() == host.lower()
