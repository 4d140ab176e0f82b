"""What a browser gets: the page at ``/``, the documents, and ``/metrics``."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import falcon
import falcon.asgi

from api.auth import COOKIE, Refused
from api.errors import Problem, not_found
from api.exposition import CONTENT_TYPE, exposition
from api.hub import Hub
from api.leaving import while_here
from api.resources.base import Request, Resource, Response, query_of, send_text
from api.turns import in_turns
from api.views.gaps import counters
from bus.questions import GapsAnswer, Unanswered

BUILT_IN = Path(__file__).parent.parent / "static"
MONTH = 30 * 24 * 3600
TYPES = {
    ".html": falcon.MEDIA_HTML,
    ".js": falcon.MEDIA_JS,
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Prometheus(Resource):
    """The newest values for Prometheus."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub = self.hub
        hub.need_hosts()
        accounts = GapsAnswer(())
        with contextlib.suppress(Unanswered):  # what is live is worth telling without the store
            accounts = await hub.accounts()
        resp.content_type = CONTENT_TYPE
        messages = counters(accounts)
        work = exposition(hub.present, messages, hub.vitals_seconds)
        resp.data = (await while_here(req, in_turns(work))).encode()


class OpenApi(Resource):
    """The description of all this, made once."""

    open = True

    def __init__(self, hub: Hub, text: str) -> None:
        super().__init__(hub)
        self._text = text

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send_text(resp, self._text)


class Page(Resource):
    """One file of ours; the files are few and stay in memory."""

    open = True
    page = True

    def __init__(self, hub: Hub, name: str) -> None:
        super().__init__(hub)
        self._data = (BUILT_IN / name).read_bytes()
        self._type = TYPES[Path(name).suffix]

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        resp.content_type = self._type
        resp.data = self._data


class Assets(Resource):
    """What our pages load."""

    open = True
    page = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._pages = {path.name: Page(hub, path.name) for path in BUILT_IN.iterdir() if path.suffix in TYPES}

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        page = self._pages.get(params["name"])
        if page is None:
            raise not_found("there is nothing at this path")
        await page.on_get(req, resp)


class Root(Resource):
    """The dashboard; with ``?token=`` first the cookie that lets its calls in."""

    open = True
    page = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        theirs = hub.config.static
        self.page = not theirs  # type: ignore[misc]
        self._index = Path(theirs) / "index.html" if theirs else BUILT_IN / "index.html"

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        token = query_of(req).text("token")
        if token is not None:
            self._enter(req, resp, token)
            return
        try:
            resp.data = self._index.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise not_found(f"the index.html of the folder in [api] static: {reason}") from None
        resp.content_type = falcon.MEDIA_HTML
        resp.set_header("Cache-Control", "no-cache")

    def _enter(self, req: Request, resp: Response, token: str) -> None:
        verdict = self.hub.admit(token, req.remote_addr)
        if isinstance(verdict, Refused):
            raise Problem(verdict.status, verdict.code, verdict.text, headers=verdict.headers)
        if self.hub.keyring().tokens is not None:  # else whatever somebody wrote there would be kept
            secure = req.scheme == "https"  # as the proxies in [api] say, where there are any
            resp.set_cookie(COOKIE, token, max_age=MONTH, path="/", secure=secure, http_only=True, same_site="Strict")
        resp.status = 303
        resp.set_header("Location", "/")
        resp.set_header("Cache-Control", "no-store")


async def nothing(req: Request, resp: Response | None, ws: falcon.asgi.WebSocket | None = None, **params: Any) -> None:
    """What stands at a path of the API where nothing is, so that no dashboard's fallback answers there."""
    raise not_found("there is nothing at this path")
