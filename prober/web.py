"""One attempt's way over HTTP: each hop over a connection of its own, to an address that may be reached.

The only file of the room that knows ``requests``. Of a session there is none unless a redirect needs one, and nothing
is read from the environment: neither proxies nor passwords of a ``.netrc``.
"""

from __future__ import annotations

import codecs
import http.client
import io
import logging
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import extract_cookies_to_jar
from urllib3.connection import HTTPConnection

from bus.interim import FinalResponse, Unanswered
from bus.reasons import causes_of
from prober import trust, words
from prober.lines import counted
from prober.outcome import UNKNOWN, Failed
from prober.probe import Probe
from prober.ranges import Statuses
from prober.trust import Seen, Terms

# It would write whole addresses into the log, for headers that are odd; what matters of them is a check's reason.
logging.getLogger("urllib3").setLevel(logging.ERROR)

PORTS = {"http": 80, "https": 443}
LONGEST, MOST_HEADERS = 65_536, 100
"""What ``http.client`` reads of one line, and of headers."""
NO_CHUNKS = "its body has chunks that are none"
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape"}
)
"""What Python decodes and no page is written in: some raise, and one takes minutes for a body of a megabyte."""


@dataclass(frozen=True)
class Reply:
    """The last hop's answer; ``body`` is what was read of it, ``whole`` whether that is all."""

    status: int
    words: str
    headers: Any
    """Values by names in any case."""
    body: bytes
    whole: bool
    seen: Seen | None
    """The TLS of the first hop, which is the one that the operator named."""
    place: str = ""
    """Where a redirect led, without what stands behind the ``?``."""

    @property
    def text(self) -> str:
        """The body as text, by the charset that it says it has, else UTF-8."""
        found = _CHARSET.search(self.headers.get("Content-Type", ""))
        try:
            charset = codecs.lookup(found[1]).name if found else "utf-8"
            return self.body.decode("utf-8" if charset in _NO_CHARSETS else charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")


def request(method: str, url: str, headers: dict[str, str], body: bytes | None) -> requests.PreparedRequest:
    """The request as it will be sent each time; raises ``Failed`` for one that cannot be made."""
    try:
        return requests.Request(method, url, headers=headers, data=body).prepare()
    except (requests.RequestException, UnicodeError, ValueError) as error:
        raise Failed(f"no request can be made of it: {type(error).__name__}", UNKNOWN) from None


@dataclass(frozen=True)
class Way:
    """How requests are sent: over which TLS, after how many redirects, with what that stays with the first host."""

    terms: Terms
    redirects: int
    wanted: Statuses
    """A redirect whose status is among these is what was asked for, and not followed."""
    private: tuple[str, ...] = ()
    """Headers that no other host gets to see."""
    private_body: bool = False
    """Nor the body; a redirect that would have it sent on is not followed."""

    def go(self, first: requests.PreparedRequest, most: int, probe: Probe) -> Reply:
        """The answer with up to ``most`` bytes of its body, none for 0; raises ``Failed`` or ``OSError``."""
        carrier = _Carrier(probe, self.terms)
        try:
            answer = carrier.send(first)
            if self.redirects and self._leads_on(answer):
                answer = self._followed(answer, carrier, probe)
            # Where nothing is wanted of a body, none is waited for: a stream of events may not have begun.
            body = _read(answer, most + 1) if most else b""
        except (http.client.HTTPException, urllib3.exceptions.HTTPError, requests.RequestException) as error:
            if probe.deadline.passed:
                raise Failed(probe.late()) from None
            raise Failed(_told(error, probe)) from None
        finally:
            carrier.close()
        place = (answer.url or "").partition("?")[0] if answer.history else ""
        reason = " ".join(str(answer.reason or "").split())[:60]
        whole = 0 < most >= len(body)
        return Reply(answer.status_code, reason, answer.headers, body[:most], whole, carrier.seen, place)

    def _leads_on(self, answer: requests.Response) -> bool:
        return answer.is_redirect and answer.status_code not in self.wanted

    def _followed(self, answer: requests.Response, carrier: _Carrier, probe: Probe) -> requests.Response:
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = self.redirects
        history: list[requests.Response] = []
        while self._leads_on(answer):
            if len(history) >= self.redirects:
                raise Failed(f"it redirects more than {self.redirects} times")
            extract_cookies_to_jar(session.cookies, answer.request, answer.raw)  # type: ignore[no-untyped-call]
            carrier.close()
            answer.raw = io.BytesIO()  # a redirect's own body is not read: it may have no end
            following = _next(session, answer)
            url, former = following.url or "", answer.request.url or ""
            if urlsplit(url).scheme not in PORTS:
                raise Failed(f"it redirects to {_shown(url)}, which is no HTTP")
            if former.startswith("https:") and not url.startswith("https:"):
                raise Failed(f"it redirects from https to {_shown(url)}, which everybody can read and change")
            if session.should_strip_auth(former, url):  # type: ignore[no-untyped-call]
                if self.private_body and following.body:
                    raise Failed(
                        f"it redirects to {_shown(url)}, where its secret body would have to be sent to another"
                    )
                for name in ("Host", *self.private):
                    following.headers.pop(name, None)
                carrier.terms = replace(carrier.terms, certificate="", key="", name="")
            history.append(answer)
            probe.heard = 0  # the next one has said nothing yet
            answer = carrier.send(following)
        answer.history = history
        return answer


def _read(answer: requests.Response, most: int) -> bytes:
    try:
        return answer.raw.read(most, decode_content=True) or b""
    except ValueError:  # what reads the chunks believes one that is shorter than nothing
        raise Failed(NO_CHUNKS) from None


def _next(session: requests.Session, answer: requests.Response) -> requests.PreparedRequest:
    try:
        following: Any = next(session.resolve_redirects(answer, answer.request, yield_requests=True))
        if urlsplit(following.url).port == 0:
            raise ValueError("port 0")
    except (ValueError, StopIteration, requests.RequestException):
        raise Failed("it redirects to what is no address") from None
    return following  # type: ignore[no-any-return]


class _Connection(HTTPConnection):
    response_class = FinalResponse


class _Carrier(HTTPAdapter):
    """Sends requests of one attempt, one at a time; ``requests`` makes its responses from what comes back."""

    def __init__(self, probe: Probe, terms: Terms) -> None:
        # Not the adapter's own beginning: it makes pools of connections, and no connection is used twice here.
        self.terms = terms
        self.seen: Seen | None = None
        self._probe = probe
        self._connection: HTTPConnection | None = None
        self._first = True

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Send one request and give its response, whose body is still to be read."""
        probe, parts = self._probe, urlsplit(request.url or "")
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._connection = connection = _Connection(host, port, timeout=probe.deadline.left())
        connection.default_port = PORTS[parts.scheme]  # type: ignore[misc]
        connection.sock = self._line(parts.scheme, host, port)
        # What breaks while we speak may have been answered already: too large, no certificate.
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            connection.request(
                request.method or "GET",
                request.path_url,
                body=request.body,
                headers=request.headers,
                preload_content=False,
                decode_content=False,
            )
        probe.ask()
        answer = connection.getresponse()
        return self.build_response(request, answer)

    def _line(self, scheme: str, host: str, port: int) -> socket.socket:
        probe = self._probe

        def begun() -> socket.socket:
            return probe.connect(host, port)

        if scheme == "http":
            self._first = False
            return counted(begun(), probe)
        plain = begun()
        try:
            secure = trust.secured(plain, host, self.terms, probe, begun)
        except BaseException:
            plain.close()
            raise
        if self._first:
            self._first, self.seen = False, trust.seen(secure, verified=self.terms.verify)
        return secure  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _shown(url: str) -> str:
    """An address without what may be secret in it: a name, a password, a query."""
    parts = urlsplit(url)
    place = parts.hostname or ""
    return f"{parts.scheme}://{place}{f':{parts.port}' if parts.port else ''}{parts.path}"[:120]


def _told(error: Exception, probe: Probe) -> str:
    """What went wrong in words of our own: those of the libraries carry the address with its secrets."""
    causes = causes_of(error)
    for cause in causes:
        match cause:
            case Unanswered():
                return "it gives interim answers (1xx) and never the answer"
            case http.client.RemoteDisconnected():
                return "it closed the connection without an answer"
            # Where there is no line at all in place of a chunk's size, the connection ended.
            case http.client.IncompleteRead() if any(
                type(one) is ValueError and "b''" not in str(one) for one in causes
            ):
                return NO_CHUNKS
            case http.client.IncompleteRead():
                return f"the connection ended before the body did, after {words.count(probe.heard)}"
            case OSError() if not isinstance(cause, requests.RequestException):
                return words.broken(cause, probe.heard)
            case urllib3.exceptions.DecodeError():
                return "its body is not encoded as it says"
            case http.client.LineTooLong():
                # As "got more than 65536 bytes when reading header line", of a status or a chunk's size as well.
                return f"its {str(cause).rpartition('reading ')[2]} is longer than {words.count(LONGEST)}"
            case http.client.HTTPException() if str(cause).endswith(" headers"):
                return f"it has more than {MOST_HEADERS} headers"
            case urllib3.exceptions.InvalidHeader():
                return "it tells several lengths of its body"
            case http.client.BadStatusLine() | http.client.UnknownProtocol():
                return "its answer is no HTTP"
    return f"its answer cannot be read: {type(error).__name__}"
