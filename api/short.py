"""The short way for what a page of charts asks again and again: a host's series.

HTTP, ASGI and Falcon carry any request through some hundred steps, few of which mean anything for this one. On a
machine that is busy with ingest their code has left the processor's caches by the next question, and is most of what
an answer takes. So a plain ``GET /api/v1/servers/NAME/series`` is told by its bytes, judged as ``api.middleware``
judges it, and asked of the store at once.

Only an answer comes this way. What is unusual about a request, and every fault that is known before the store is
asked, is left to the long way, which says so as it always does. Both ways give the same bytes.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from typing import Any, NamedTuple

import falcon.asgi

from api.auth import Refused, misled
from api.cors import cors_headers
from api.encoding import to_bytes
from api.errors import problem_of
from api.filters import BadParameter, Query
from api.hub import Hub
from api.kept import Kept
from api.middleware import ALWAYS, QUERY_BYTES, UNSTORED, token_of
from api.resources.series import Wanted, need_few, wanted
from api.tokens import TokensFault
from api.views.series import series_bytes
from bus.questions import SeriesText, Unanswered, read_answer
from bus.timing import SECOND
from bus.versions import Version

SHORT = "guardia.short"
"""Under which name connections find it in the state of the server."""
MOST_BYTES = 8192
MOST_LINES = 64
MOST_CALLERS = 256
"""Heads that are remembered: a client sends the same each time."""

_REQUEST = re.compile(
    rb"GET /api/v1/servers/([A-Za-z0-9._:-]{1,128})/series\?([A-Za-z0-9._~:&=+,*%\[\]/-]*) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+:[ -~]*\r\n)*)\r\n\Z"
)
_TWICE = (b"host", b"authorization", b"cookie", b"origin")
_UNUSUAL = frozenset(
    (
        *(b"connection", b"proxy-connection", b"upgrade", b"http2-settings", b"expect", b"te", b"trailer"),
        *(b"content-length", b"transfer-encoding", b"content-type", b"x-request-id", b"access-control-request-method"),
    )
)
"""What changes how a request is read, or what is answered; all else that is sent changes nothing."""
_ALIVE = b"keep-alive"

log = logging.getLogger("guardia.api")


class Caller(NamedTuple):
    """What the head of a request says of who asks."""

    token: str | None
    misled: Refused | None
    """Why it is not answered where there are no tokens."""
    lines: bytes
    """What its answers carry besides what all of them do."""


class Going(NamedTuple):
    """A question under way. ``answer`` is what the store says, for ``Short.told``."""

    asked: Asked
    host: str
    want: Wanted
    question: SeriesText
    caller: Caller
    answer: asyncio.Future[bytes]


class Asked(NamedTuple):
    """By what an answer is kept: host and query, as they were sent, the host's version then, and when that was.

    Not where the version is None.
    """

    host: bytes
    query: bytes
    version: Version | None
    at: float


class Told(NamedTuple):
    """An answer: its status, its header lines but for those of every server, and its body."""

    status: int
    lines: bytes
    body: bytes


class Short:
    """The short way of one worker; Falcon's middleware as far as it hands itself to the server."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept = Kept()
        self._callers: dict[bytes, Caller | None] = {}
        self._always = _lines(dict((*ALWAYS, *UNSTORED)))

    async def process_startup(self, scope: Any, event: Any) -> None:
        """Called by Falcon before the first connection."""
        if not self._hub.config.access_log:  # the long way writes it
            scope.get("state", {})[SHORT] = self

    def begun(self, data: bytes) -> Going | Told | None:
        """The question that is asked by these bytes of a connection, or its answer, if that is kept.

        None when they go the long way.
        """
        found = _REQUEST.match(data) if len(data) <= MOST_BYTES else None
        if found is None:
            return None
        name, query, head = found.groups()
        caller = self._caller(head)
        if caller is None or len(query) > QUERY_BYTES:
            return None
        hub, now, host = self._hub, self._hub.clock(), name.decode()
        try:
            keyring = hub.keyring()
            verdict, at = keyring.judge(caller.token, now), hub.monotonic()
            if (keyring.tokens is None and caller.misled) or isinstance(verdict, Refused):
                return None
            if not hub.primed or not hub.knows(host):
                return None
            asked = Asked(name, query, hub.versions.of(host), at)
            body = self._kept.get(asked[:2], asked.version, asked.at)
            if body is not None:
                if not hub.admits(verdict, at):
                    return None
                hub.vitals.count("api.requests")
                hub.vitals.count("api.kept")
                return self._of(200, body, caller)
            fields = Query(query.decode())
            want = wanted(fields, now)
            if wanted(fields, now + SECOND) != want:  # its times go with the clock
                asked = asked._replace(version=None)
            question = want.of(host)
            if question.start > question.end:
                return None
            need_few(hub, question)
            if not hub.admits(verdict, at):
                return None
            answer = hub.counter.series_begun(question)
        except (BadParameter, TokensFault, Unanswered):
            return None
        hub.vitals.count("api.requests")
        return Going(asked, host, want, question, caller, answer)

    def told(self, going: Going) -> Told:
        """What is told of a question whose answer has come, or will not come."""
        try:
            body = series_bytes(
                going.host, going.want.start, going.want.end, read_answer(going.question, going.answer.result())
            )
        except Exception as fault:
            problem = problem_of(fault)
            number = secrets.token_hex(8)
            if problem.status == 500:
                log.error("request %s failed: %s", number, fault, exc_info=fault)
            self._hub.vitals.count("api.failed" if problem.status >= 500 else "api.refused")
            return self._of(problem.status, to_bytes(problem.shape), going.caller, _lines(problem.headers), number)
        asked = going.asked
        self._hub.versions.look()
        self._kept.put(asked[:2], asked.version, asked.at, body)
        return self._of(200, body, going.caller)

    def _of(self, status: int, body: bytes, caller: Caller, more: bytes = b"", number: str = "") -> Told:
        """An answer of this body, with lines ``more`` than usual; it has a ``number``."""
        head = b"content-type: application/json\r\n%s%sx-request-id: %s\r\n%scontent-length: %d\r\n" % (
            more,
            caller.lines,
            (number or secrets.token_hex(8)).encode(),
            self._always,
            len(body),
        )
        return Told(status, head, body)

    def _caller(self, head: bytes) -> Caller | None:
        """Who asks with these header lines; None when there is something unusual in them."""
        if head in self._callers:
            return self._callers[head]
        if len(self._callers) >= MOST_CALLERS:
            self._callers.clear()
        made = self._callers[head] = self._read(head)
        return made

    def _read(self, head: bytes) -> Caller | None:
        headers = []
        for line in head.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b":")
            headers.append((name.lower(), value.strip(b" ")))
        names = [name for name, _ in headers]
        if len(names) > MOST_LINES or any(names.count(name) > 1 for name in _TWICE):
            return None
        if any(name in _UNUSUAL and (name, value.lower()) != (b"connection", _ALIVE) for name, value in headers):
            return None
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b"", "asgi": {}}
        req = falcon.asgi.Request(scope, _nothing)  # so that they are read as they are on the long way
        config = self._hub.config
        lines = _lines(cors_headers(req.get_header("Origin"), config))
        return Caller(token_of(req), misled(req.get_header("Host"), config.names), lines)


def _lines(headers: Any) -> bytes:
    return b"".join(f"{name.lower()}: {value}\r\n".encode() for name, value in headers.items())


async def _nothing() -> Any:
    return {"type": "http.disconnect"}
