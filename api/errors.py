"""Every error as one shape: ``{"error": for people, "code": for programs, "parameter": which one}``."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import falcon
import falcon.asgi

from api.encoding import to_bytes
from api.filters import BadParameter
from api.judge import AlerterAway
from api.shapes import ErrorShape
from api.tokens import TokensFault
from bus.judging import NotThere, Objected
from bus.open_questions import TOO_MUCH
from bus.questions import TooMuch, Unanswered

log = logging.getLogger("guardia.api")

CLOSED = {400: 4400, 401: 4401, 403: 4403, 404: 4404, 429: 4429, 503: 4503}
"""The code with which a WebSocket is closed for what a request would get as a status."""
MOST_REASON = 123
"""Bytes that the frame which closes a WebSocket has for a reason (RFC 6455, 5.5)."""
SINK = "guardia.sink"
"""The ASGI extension under which a WebSocket's ``Sink`` is handed to the application."""
GRACE_SECONDS = 5.0
"""How long a peer that is being closed may take to read the rest."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z", re.ASCII)


class Problem(Exception):
    """What the client gets instead of an answer."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        *,
        parameter: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.shape: ErrorShape = {"error": text, "code": code}
        if parameter is not None:
            self.shape["parameter"] = parameter
        self.headers = dict(headers or {})


def not_found(what: str) -> Problem:
    """There is nothing of that name."""
    return Problem(404, "not_found", what)


def too_large(most: int) -> Problem:
    """A body is larger than it may be."""
    return Problem(413, "too_large", f"a body of more than {most} bytes")


def problem_of(fault: Exception) -> Problem:
    """The problem that an exception is to a client; what nobody foresaw tells nothing of its inside."""
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, BadParameter):
        return Problem(400, "bad_parameter", str(fault), parameter=fault.parameter)
    if isinstance(fault, NotThere):
        return not_found(str(fault))
    if isinstance(fault, Objected):
        return Problem(400, "bad_request", str(fault))
    if isinstance(fault, TooMuch):
        return Problem(400, TOO_MUCH, str(fault))
    if isinstance(fault, AlerterAway):
        return Problem(503, "alerter_unavailable", f"the alerter cannot answer: {fault}", headers={"Retry-After": "2"})
    if isinstance(fault, Unanswered):
        return Problem(503, "store_unavailable", f"the store cannot answer now: {fault}", headers={"Retry-After": "2"})
    if isinstance(fault, TokensFault):
        return Problem(500, "tokens_unreadable", "the tokens cannot be read; see the log of the api")
    if isinstance(fault, falcon.HTTPError):
        return _from_falcon(fault)
    return Problem(500, "internal", "internal error; the log of the api has it under this request's X-Request-ID")


def _from_falcon(fault: falcon.HTTPError) -> Problem:
    status = fault.status_code
    headers = dict(fault.headers or {})
    if status == 404:
        return not_found("there is nothing at this path")
    if status == 405:
        return Problem(405, "method_not_allowed", f"allowed here: {headers.get('Allow', '')}", headers=headers)
    return Problem(status, "bad_request", fault.title or "bad request", headers=headers)


def request_id(asked: str) -> str:
    """The id of a request: the one that its client gave it, where it is one, else a new one."""
    return asked if _REQUEST_ID.match(asked) else secrets.token_hex(8)


def refusal(status: int, shape: ErrorShape, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """The bytes of an answer in the shape of all others, where no application answers."""
    body = to_bytes(shape)
    usual = {"Content-Type": falcon.MEDIA_JSON, "Content-Length": str(len(body)), "Connection": "close"}
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in (*headers.items(), *usual.items()))
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body


def short_reason(text: str) -> str:
    """As much of a reason as a WebSocket can be closed with."""
    return text.encode()[:MOST_REASON].decode(errors="ignore")


def register(app: falcon.asgi.App[Any, Any]) -> None:
    """Let ``app`` answer every exception in the one shape."""
    # Falcon has a handler of its own for HTTPError, which goes before one for Exception.
    for fault in (Exception, falcon.HTTPError):
        app.add_error_handler(fault, _answer)


async def _answer(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response | None,
    fault: Exception,
    params: dict[str, Any],
    ws: falcon.asgi.WebSocket | None = None,
) -> None:
    problem = problem_of(fault)
    if ws is not None and problem.status == 405:  # by GET it is allowed
        problem = not_found("no stream is at this path; there is one at /api/v1/stream")
    request = getattr(req.context, "request_id", "")
    if problem.status == 500:
        log.error("request %s failed: %s", request, fault, exc_info=fault)
    if resp is not None:
        resp.status = problem.status
        resp.content_type = falcon.MEDIA_JSON
        resp.set_headers(problem.headers)
        resp.data = to_bytes(problem.shape)
    elif ws is not None and ws.unaccepted and (sink := req.scope.get("extensions", {}).get(SINK)):
        sink["sink"].refuse(problem.status, problem.shape, {**problem.headers, "X-Request-ID": request})
    elif ws is not None:
        await ws.close(CLOSED.get(problem.status, 1011), short_reason(problem.shape["error"]))
