"""What went wrong on a connection, in a sentence that names the fault. Pure."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

LOCAL = frozenset(
    {
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EPERM,
    }
)
"""Errors of this machine, which say nothing of a service."""
OLD_VERSION = frozenset(
    {
        "UNSUPPORTED_PROTOCOL",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "NO_PROTOCOLS_AVAILABLE",
        "VERSION_TOO_LOW",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_INTERNAL_ERROR",
        "DH_KEY_TOO_SMALL",
        "EE_KEY_TOO_SMALL",
    }
)
"""What OpenSSL says when the other side may be too old for it."""
OF_OUR_CERTIFICATE = frozenset(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_ACCESS_DENIED",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
    }
)
"""What OpenSSL says where the other side does not take our certificate, or lacks one."""
_TLS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS on this port",
    "HTTP_REQUEST": "it does not speak TLS on this port",
    "PACKET_LENGTH_TOO_LONG": "it does not speak TLS on this port",
    "RECORD_LAYER_FAILURE": "it does not speak TLS on this port",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust our client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept our client certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept our client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that our client certificate has expired",
    "TLSV1_UNRECOGNIZED_NAME": "it does not know this name",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it asks for a client certificate, or has no cipher in common with us",
    "UNEXPECTED_EOF_WHILE_READING": "the connection was broken off",
}


def place(address: Sequence[Any]) -> str:
    """``127.0.0.1:80``, ``[::1]:80``."""
    return f"[{address[0]}]:{address[1]}" if ":" in str(address[0]) else f"{address[0]}:{address[1]}"


def refused(error: OSError, where: str, *, ours: bool) -> str:
    """Why there is no connection to ``where``; ``ours``: by a fault of this machine."""
    if isinstance(error, ConnectionRefusedError):
        return f"connection refused by {where}"
    if isinstance(error, TimeoutError):
        return f"no connection to {where} in time"
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return f"no route to {where}{' from this machine' if ours else ''}"
    return f"no connection to {where}: {plain(error)}{' on this machine' if ours else ''}"


def answered(error: OSError) -> bool:
    """Whether the other side itself ended the connection."""
    return isinstance(error, ConnectionRefusedError | ConnectionResetError)


def mine(error: OSError) -> bool:
    """Whether it is this machine's own fault, which says nothing of a service."""
    of_tls = hasattr(error, "library")  # whose numbers are OpenSSL's, not the system's
    return error.errno in LOCAL and not of_tls


def broken(error: OSError, received: int = 0) -> str:
    """Why a connection that there was ended too early, after so many bytes from the other side."""
    after = f" after {count(received)}" if received else ""
    broken_off = type(error).__name__ in ("SSLEOFError", "SSLZeroReturnError")
    if broken_off or isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return f"the connection was broken off{after}"
    reason = getattr(error, "reason", None)
    if isinstance(reason, str) and reason:
        return tls(error)
    return f"the connection ended{after}: {plain(error)}"


def tls(error: OSError, least: str = "", found: str = "") -> str:
    """What the TLS library says; ``found`` is the version that the other side does speak, ``least`` the one asked."""
    reason = str(getattr(error, "reason", None) or "")
    if found and found < (least or "1.2"):
        return f"it speaks TLS {found}, expected at least {least or '1.2'}"
    return _TLS.get(reason) or f"TLS fails: {(reason or 'no common ground').lower().replace('_', ' ')}"


def version(text: str | None) -> str:
    """``1.2`` for the TLS library's ``TLSv1.2``."""
    found = (text or "").removeprefix("TLSv")
    return "1.0" if found == "1" else found


def plain(error: OSError) -> str:
    """What the system, or the TLS library, says."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, str) and reason:
        return reason.lower().replace("_", " ")
    return (error.strerror or str(error) or type(error).__name__).lower()


def count(number: int) -> str:
    """``1 byte``, ``312 bytes``."""
    return f"{number} byte" if number == 1 else f"{number} bytes"
