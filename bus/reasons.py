"""Why a connection failed: what an error came from, and that in words for people. Pure."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from bus.harmless import safe

_MAX = 200


def causes_of(error: BaseException) -> list[BaseException]:
    """The error itself and all that it came from or holds, however the libraries wrapped it, the nearest first."""
    found: list[BaseException] = []
    queue: list[Any] = [error]
    while queue:
        one = queue.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            queue += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found


def address(url: str) -> str:
    """``HOST:PORT`` of a URL, without the name and the password that may stand before it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def reason(error: BaseException, address: str) -> str:
    """A sentence about ``address``, made of whichever cause says most."""
    for cause in reversed(causes_of(error)):  # the deepest says most
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"{address} shows a certificate that is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"{address} does not speak TLS as expected; is it http:// rather than https://?"
        if isinstance(cause, socket.gaierror):
            return f"{address} is not known by this name"
        if isinstance(cause, TimeoutError) or "timed out" in str(cause):
            return f"{address} does not answer in time"
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return f"cannot reach {address}: {cause.strerror.lower()}"
        if isinstance(cause, ConnectionResetError):
            return f"{address} closed the connection without an answer"
        if isinstance(cause, HTTPException):
            return f"{address} does not speak HTTP as a hub does; is this a Guardia hub?"
    text = safe(" ".join(str(error).split())[:_MAX])  # whatever the other side said may stand in it
    return f"{address}: {text or type(error).__name__}"
