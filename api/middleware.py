"""What happens to every request before and after its resource: path, limits, identity, headers, access log."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

import falcon
import falcon.asgi

from api.auth import COOKIE, Admitted, Refused, Scope, Verdict, bearer, misled, strange_page
from api.cors import allowed_origins, cors_headers
from api.errors import Problem, request_id, too_large
from api.hub import Hub

log = logging.getLogger("guardia.api")

QUERY_BYTES = 4096
_SLASHES = re.compile("//+")
_PAGE = (
    "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; object-src 'none'"
)

ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
UNSTORED = (("Cache-Control", "no-store"),)
"""Headers of every answer, and of those of the API besides."""

Request = falcon.asgi.Request
Response = falcon.asgi.Response


def plain_path(path: str) -> str:
    """The path with doubled slashes collapsed and without one at its end: clients glue URLs together."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


class Front:
    """The middleware of all requests."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def process_request(self, req: Request, resp: Response) -> None:
        """Give the request its number and path; answer preflights; refuse what is too large."""
        begin(req)
        self._hub.vitals.count("api.requests")
        if req.method == "OPTIONS" and req.get_header("Access-Control-Request-Method"):
            resp.complete = True
            return
        if len(req.query_string) > QUERY_BYTES:
            raise Problem(400, "bad_parameter", f"a query of more than {QUERY_BYTES} characters", parameter="query")
        if (req.content_length or 0) > self._hub.config.body_bytes:
            raise too_large(self._hub.config.body_bytes)
        if req.method not in ("GET", "HEAD", "OPTIONS") and not req.path.startswith("/api/"):
            raise falcon.HTTPMethodNotAllowed(["GET", "HEAD", "OPTIONS"])

    async def process_request_ws(self, req: Request, ws: falcon.asgi.WebSocket) -> None:
        """The same for the stream."""
        begin(req)

    async def process_resource(self, req: Request, resp: Response, resource: Any, params: dict[str, Any]) -> None:
        """Find out who asks, and refuse unless the resource is for everybody."""
        if req.method == "OPTIONS":
            return
        verdict = self._verdict(req, resource)
        req.context.verdict = verdict
        if req.method not in ("GET", "HEAD") or getattr(resource, "acts", False):
            self._refuse_strange_pages(req)
        if isinstance(verdict, Refused) and not getattr(resource, "open", False):
            raise Problem(verdict.status, verdict.code, verdict.text, headers=verdict.headers)

    async def process_response(self, req: Request, resp: Response, resource: Any, req_succeeded: bool) -> None:
        """Put on the headers that every answer has, and write the access log."""
        preflight = resource is None and req.method == "OPTIONS"
        origin = req.get_header("Origin")
        for name, value in cors_headers(origin, self._hub.config, preflight=preflight).items():
            resp.set_header(name, value)
        allowed = resp.get_header("Allow")
        if allowed and "OPTIONS" not in allowed:
            resp.set_header("Allow", f"{allowed}, OPTIONS")
        resp.set_header("X-Request-ID", req.context.request_id)
        for name, value in ALWAYS:
            resp.set_header(name, value)
        if req.path.startswith("/api/v1") or req.path == "/metrics":
            for name, value in UNSTORED:
                resp.set_header(name, value)
        elif getattr(resource, "page", False):
            resp.set_header("Content-Security-Policy", resource.policy or _PAGE)
        if resp.status_code >= 500:
            self._hub.vitals.count("api.failed")
        elif resp.status_code >= 400:
            self._hub.vitals.count("api.refused")
        if self._hub.config.access_log:
            log.info("%s", access_line(req, resp.status_code))

    def _refuse_strange_pages(self, req: Request) -> None:
        """A page of another site may write nothing: where there are no tokens its browser would be let in."""
        allowed = allowed_origins(self._hub.config)
        if allowed is None and self._hub.keyring().tokens is None:
            allowed = ()  # that pages of any origin may read is one thing
        site, host = req.get_header("Sec-Fetch-Site"), req.get_header("Host")
        if strange_page(req.get_header("Origin"), site, host, allowed):
            raise Problem(403, "origin", "pages of other origins may not write here")

    def _verdict(self, req: Request, resource: Any) -> Verdict:
        keyring = self._hub.keyring()
        if keyring.tokens is None and (refused := misled(req.get_header("Host"), self._hub.config.names)):
            return refused
        token = token_of(req, acts=getattr(resource, "acts", False))
        writes = req.method not in ("GET", "HEAD") and hasattr(resource, f"on_{req.method.lower()}")
        needs: Scope = getattr(resource, "writes" if writes else "scope", "read")
        return self._hub.admit(token, req.remote_addr, needs)


def begin(req: Request) -> None:
    """Number the request, by the client's own number where it gave one, and tidy its path."""
    req.context.request_id = request_id(req.get_header("X-Request-ID") or "")
    req.context.began = time.perf_counter()
    req.path = plain_path(req.path)


def token_of(req: Request, *, acts: bool = False) -> str | None:
    """The token that a request shows; the cookie counts where nothing is changed."""
    token = bearer(req.get_header("Authorization"))
    if token is None and req.method in ("GET", "HEAD") and not acts:
        token = cookie_of(req)
    return token


def cookie_of(req: Request) -> str | None:
    """The token in the cookie that ``/?token=`` set."""
    values = req.get_cookie_values(COOKIE)
    return values[0] if values else None


def access_line(req: Request, status: int) -> str:
    """One request as a sentence: no query string, since tokens may stand there."""
    verdict = getattr(req.context, "verdict", None)
    who = f" as {verdict.name}" if isinstance(verdict, Admitted) and verdict.name else ""
    milliseconds = (time.perf_counter() - req.context.began) * 1000
    path = req.path.encode("unicode_escape").decode()[:200]
    return (
        f"{req.remote_addr}{who} {req.method} {path} {status} in {milliseconds:.1f} ms request={req.context.request_id}"
    )
