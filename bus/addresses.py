"""What an address is, and which may be reached at an operator's word: public ones, and those that are allowed. Pure.

An address that a name resolves to is looked at, not the name: whoever rules a name may point it at this machine, at
its neighbours, or at a cloud's own data.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from bus.faults import Objection
from bus.secret import Secret

# Carries an IPv4 address inside an IPv6 one, which is what the packets reach in the end.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_BLANK = re.compile(r"\s")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}", re.ASCII)


@lru_cache(maxsize=1024)
def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that ``text`` names, or None."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def is_host(text: str) -> bool:
    """Whether ``text`` is a host's name or an address, an IPv6 one with or without its brackets, and no port."""
    if ":" not in text:
        return bool(_HOST.fullmatch(text)) and _is_asked(text)
    try:
        ipaddress.IPv6Address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return False
    return True


def is_url(text: str) -> bool:
    """Whether ``text`` is an address of HTTP: a secret one is looked at where it is read, for nobody sees it later."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not _BLANK.search(text)
            and _is_asked(parts.hostname or "")
        )
    except ValueError:
        return False


def _is_asked(name: str) -> bool:
    """Whether the system can be asked for the address of ``name``: none of its parts is empty or too long."""
    if name.isascii():
        return all(0 < len(part) < 64 for part in name.removesuffix(".").split("."))
    try:
        return bool(name.encode("idna"))  # as the system's own question has it
    except UnicodeError:
        return False


def unlike_url(key: str, secret: Secret | None, example: str = "https://example.org/hook") -> Iterator[Objection]:
    """What there is against a secret that should be an address of HTTP; it is not shown."""
    if secret is not None and not is_url(secret.reveal()):
        yield Objection(key, "a secret that is no address", f"one such as {example}")


@lru_cache(maxsize=4096)
def refusal(address: str, allowed: tuple[str, ...], setting: str) -> str | None:
    """Why the numeric ``address`` may not be reached, in words; None when it may.

    ``allowed`` holds networks; ``setting`` is the one that allows more, as the words name it.
    """
    try:
        found = _inner(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return f"{address} is no address"
    for text in allowed:
        known = network(text)
        if known is not None and found.version == known.version and found in known:
            return None
    if found.is_global and not found.is_multicast and not found.is_reserved:
        return None
    kind = "this machine's own" if found.is_loopback else "link-local" if found.is_link_local else "not public"
    return f"{found} is {kind}; {setting} can allow it"


def _inner(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
