"""``/gaps``: what became of each producer's messages."""

from __future__ import annotations

from typing import Any

from api.errors import not_found
from api.resources.base import Request, Resource, Response, query_of, send
from api.views.gaps import gaps


class GapsResource(Resource):
    """Sent, stored, lost and why, of one producer or all, since a time or ever."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query = query_of(req)
        host = query.text("host") or None
        start = query.moment("start", self.hub.clock())
        answer = await self.hub.counter.gaps(host, start)
        if host is not None and not answer.producers:
            raise not_found(f"there is no producer {host[:128]}")
        send(resp, gaps(start, self.hub.clock(), answer))
