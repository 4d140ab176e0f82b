"""What a program answers over HTTP, in pieces, within a time and a size."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.config import Scrape
from bus import __version__, deadline, sizes
from bus.faults import in_words

if TYPE_CHECKING:
    from ssl import SSLContext

MOST_BYTES = 16 << 20
_PIECE = 65_536
_SHOWN = 80
_CUT = "its answer ends too early"
REDIRECTS = (301, 302, 303, 307, 308)
_ACCEPT = "text/plain;version=0.0.4"
"""Others may be answered, but no shorter form that only Prometheus itself reads."""


class NoAnswer(Exception):
    """The program has not answered as it should; the text says why."""


class Fetching:
    """Asks one program, on a connection of its own each time."""

    def __init__(self, scrape: Scrape, folder: Path) -> None:
        """Names of files are relative to ``folder``."""
        self._scrape = scrape
        parts = urlsplit(scrape.url)
        self._host, self._port = parts.hostname or "", parts.port
        self._secure = parts.scheme == "https"
        self._target = (parts.path or "/metrics") + (f"?{parts.query}" if parts.query else "")
        self._authority = folder / scrape.tls_authority if scrape.tls_authority else None
        self._context: SSLContext | None = None

    def pieces(self) -> Generator[bytes, None, None]:
        """The body of the answer; raises ``NoAnswer`` with words for a person."""
        seconds = self._scrape.timeout
        with deadline.within(seconds) as limit:
            try:
                yield from self._answered(limit)
            except (NoAnswer, OSError, HTTPException, ValueError) as fault:
                reason = _words(fault)
            else:
                reason = ""
            if limit.cut or (reason and limit.passed):  # what was read may be half of it
                reason = f"it took longer than {seconds:g} s"
        if reason:
            raise NoAnswer(reason)

    def _answered(self, limit: deadline.Deadline) -> Iterator[bytes]:
        headers = self._headers()  # first: for want of a secret nobody is asked
        connection = HTTPConnection(self._host, self._port or (443 if self._secure else 80))
        with closing(connection):
            plain = socket.create_connection((self._host, connection.port), limit.left())
            limit.watch(plain)
            connection.sock = self._secured(plain) if self._secure else plain
            connection.request("GET", self._target, headers=headers)
            with connection.getresponse() as response:
                _look(response)
                knows_end = response.chunked or response.length is not None
                size, last = 0, b""
                while piece := response.read(_PIECE):
                    size, last = size + len(piece), piece
                    if size > MOST_BYTES:
                        raise NoAnswer(f"it answers with more than {sizes.in_words(MOST_BYTES)}")
                    yield piece
                # Where nothing else tells its end, half a number would look like a whole one.
                if response.length or (last and not knows_end and not last.endswith(b"\n")):
                    raise NoAnswer(_CUT)

    def _secured(self, plain: socket.socket) -> socket.socket:
        import ssl  # most programs on one's own host speak without it

        with closing(plain):  # or, once it is secured, nothing
            if self._context is None:
                try:
                    self._context = ssl.create_default_context(cafile=self._authority)
                except OSError as fault:
                    raise NoAnswer(f"{self._authority or 'the authorities'}: {in_words(fault)}") from None
            return self._context.wrap_socket(plain, server_hostname=self._host)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": _ACCEPT, "User-Agent": f"guardia/{__version__}"}
        if self._scrape.token is not None:
            headers["Authorization"] = f"Bearer {self._scrape.token.reveal()}"
        elif self._scrape.password is not None:
            login = f"{self._scrape.user}:{self._scrape.password.reveal()}"
            headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        return headers


def _look(response: HTTPResponse) -> None:
    """Raise ``NoAnswer`` where this is no answer to be read."""
    if response.status in REDIRECTS:
        to = response.getheader("Location", "")[:_SHOWN]
        raise NoAnswer(f"it answers {response.status}, see {to!r}, which is not followed: name that in url")
    if response.status != 200:
        raise NoAnswer(f"it answers {response.status} {response.reason[:_SHOWN]}".rstrip())
    packed = response.getheader("Content-Encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise NoAnswer(f"it answers packed as {packed[:_SHOWN]!r}, for which it was not asked")


def _words(fault: BaseException) -> str:
    """What went wrong; never what was sent, which may be secret."""
    if isinstance(fault, NoAnswer):
        return str(fault)
    if isinstance(fault, RemoteDisconnected):
        return "it ends the connection without an answer"
    if isinstance(fault, IncompleteRead):
        return _CUT
    if isinstance(fault, OSError):
        return str(getattr(fault, "verify_message", "")) or in_words(fault) or "the connection broke"
    if isinstance(fault, HTTPException):
        return f"it answers with what is no HTTP ({type(fault).__name__})"
    return "what is to be asked holds signs that HTTP has not"
