"""What anybody may see without a token, where ``[status_page]`` names services: ``/status`` and its badges."""

from __future__ import annotations

from typing import Any

import falcon

from api.errors import not_found
from api.hub import Hub
from api.public import public_services
from api.resources.base import Request, Resource, Response, query_of, send
from api.views.status import known, state_now, status
from api.views.status_page import POLICY, badge, graded, page, percent

STORED_SECONDS = 5.0
"""So long a page is told again: anybody may ask for it, at any pace."""
BADGE_SECONDS = 60


class StatusResource(Resource):
    """The same for programs."""

    open = True

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub = self.hub
        if not hub.status_page.services:
            raise not_found("no service is public: [status_page] services names those that are")
        send(resp, status(hub.clock(), hub.status_page, public_services(hub), hub.directory, hub.daily))


class StatusPageResource(Resource):
    """The page."""

    open = True
    page = True
    policy = POLICY

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._until, self._text = 0.0, b""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        hub, at = self.hub, self.hub.monotonic()
        if at >= self._until:
            shape = status(hub.clock(), hub.status_page, public_services(hub), hub.directory, hub.daily)
            self._text, self._until = page(shape, hub.status_page.link).encode(), at + STORED_SECONDS
        resp.content_type = falcon.MEDIA_HTML
        resp.set_header("Cache-Control", f"max-age={STORED_SECONDS:.0f}")
        resp.data = self._text


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
