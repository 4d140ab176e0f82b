"""What anybody may see without a token, where ``[status_page]`` names services: ``/status`` and its badges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import falcon

from api.encoding import to_bytes
from api.errors import not_found
from api.hub import Hub
from api.public import public_services
from api.resources.base import Request, Resource, Response, query_of, send_bytes
from api.status_shapes import Status
from api.views.status import known, state_now, status
from api.views.status_page import POLICY, badge, graded, page, percent

STORED_SECONDS = 5.0
BADGE_SECONDS = 60


class Told:
    """What is told of it, which is made anew every few seconds: anybody may ask for it, at any pace."""

    def __init__(self, hub: Hub, make: Callable[[Status], bytes]) -> None:
        self._hub, self._make = hub, make
        self._until, self._bytes = -math.inf, b""

    def now(self) -> bytes:
        """It, no older than ``STORED_SECONDS``; raises ``Unanswered``."""
        hub, at = self._hub, self._hub.monotonic()
        if at >= self._until:
            found = status(hub.clock(), hub.status_page, public_services(hub), hub.directory, hub.daily)
            self._bytes, self._until = self._make(found), at + STORED_SECONDS
        return self._bytes


class StatusResource(Resource):
    """What anybody may see of services, for programs."""

    open = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._told = Told(hub, to_bytes)

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        if not self.hub.status_page.services:
            raise not_found("no service is public: [status_page] services names those that are")
        send_bytes(resp, self._told.now())


class StatusPageResource(Resource):
    """The page."""

    open = True
    page = True
    policy = POLICY

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._told = Told(hub, lambda found: page(found, hub.status_page.link).encode())

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        resp.data = self._told.now()
        resp.content_type = falcon.MEDIA_HTML
        resp.set_header("Cache-Control", f"max-age={STORED_SECONDS:.0f}")


class Badge(Resource):
    """A service's state, or its availability over the last ``days``, as a picture."""

    open = True
    page = True
    policy = "default-src 'none'"

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub, name = self.hub, params["name"]
        row = next((one for one in public_services(hub) if one["name"] == name), None)
        if row is None:
            raise not_found(f"no service {name} is public")
        days = query_of(req).limit("days", 0, hub.status_page.days)
        if days:
            share = known(hub.clock(), name, hub.daily, days)
            picture = badge(name, f"{percent(share)} in {days} d", graded(share))
        else:
            word = state_now(hub.clock(), row, hub.directory)
            picture = badge(name, word, word)
        resp.content_type = "image/svg+xml"
        resp.set_header("Cache-Control", f"max-age={BADGE_SECONDS}")
        resp.data = picture.encode()
